//! Buckets in Redis.

use std::{error::Error, fmt, future::Future, sync::Arc, time::Duration};

use ::redis::{Client, RedisError, RedisResult, cluster::ClusterClient, io::tcp::TcpSettings};
use tokio::time::timeout;

use super::{
    link::{Link, Target},
    members::Member,
    take::{Take, taken},
};
use crate::{
    class::Key,
    gate::{Order, Shared, SharedBuckets, Taken},
};

/// Buckets that the processes of a fleet share, in Redis or Valkey. Clones share the
/// connection.
///
/// It connects when it is first needed, with tokio, and again when the connection is lost:
/// each call tries at once, and fails if that does not help, so that whoever asks can go on
/// without. One server that has had no answer for 3 s, to calls nor to a `PING`, is connected
/// to anew, also where the old connection looks well. No call takes longer than a second; a [`Fleet`](crate::Fleet) has a time
/// bound of its own.
#[derive(Clone)]
pub struct RedisBuckets(Arc<Inner>);

struct Inner {
    /// What all keys begin with.
    prefix: String,
    link: Link,
    take: Take,
    member: Member,
}

pub(super) type Failure = Box<dyn Error + Send + Sync>;

impl RedisBuckets {
    /// Buckets on the server at this address, such as `redis://127.0.0.1:6379`: as
    /// [`new`](Self::new), without a dependency on the crate `redis`.
    ///
    /// # Errors
    ///
    /// If it is no address of a server. Whether there is one, is not asked.
    pub fn open(address: &str, name: &str) -> Result<Self, RedisError> {
        Ok(Self::new(Client::open(address)?, name))
    }

    /// Buckets on one server. All that use the same name share the same buckets, so give
    /// each rate limit one of its own, without `{`: keys are to be spread over a cluster.
    ///
    /// The client's settings hold, but that small packets are sent at once and, on Linux, a
    /// connection on which nothing was acknowledged for 3 s is given up.
    pub fn new(client: Client, name: &str) -> Self {
        Self::on(Target::Server(prompt(client)), name)
    }

    /// Buckets on a cluster, each on the node to which its key belongs. Give the client
    /// `TcpSettings` with `nodelay`, or calls at once wait for one another.
    ///
    /// ```
    /// use brownout::redis::RedisBuckets;
    /// use redis::{cluster::ClusterClient, io::tcp::TcpSettings};
    ///
    /// let nodes = ["redis://10.0.0.1", "redis://10.0.0.2"];
    /// let nodes = ClusterClient::builder(nodes)
    ///     .tcp_settings(TcpSettings::default().set_nodelay(true));
    /// let buckets = RedisBuckets::cluster(nodes.build()?, "shop");
    /// # let _ = buckets;
    /// # Ok::<(), redis::RedisError>(())
    /// ```
    pub fn cluster(client: ClusterClient, name: &str) -> Self {
        Self::on(Target::Cluster(Box::new(client)), name)
    }

    fn on(target: Target, name: &str) -> Self {
        let prefix = format!("brownout:{name}:");
        let (link, take, member) = (Link::to(target), Take::new(), Member::new());
        Self(Arc::new(Inner { prefix, link, take, member }))
    }
}

impl SharedBuckets for RedisBuckets {
    /// # Cancel safety
    ///
    /// Dropped on its way, it may have taken the units.
    fn take(&self, order: Order) -> Shared<Taken> {
        let inner = Arc::clone(&self.0);
        Box::pin(in_time(async move {
            let call = inner.take.from(&inner.key(order.key), &order)?;
            let answer: Vec<u64> = inner.link.run(call).await?;
            taken(&answer, &order.rates)
        }))
    }

    fn members(&self) -> Shared<usize> {
        let inner = Arc::clone(&self.0);
        Box::pin(in_time(async move {
            let call = inner.member.tells(&format!("{}members", inner.prefix));
            let members: usize = inner.link.run(call).await?;
            Ok(members.max(1))
        }))
    }
}

impl Inner {
    fn key(&self, key: Option<Key>) -> String {
        match key {
            Some(key) => format!("{}{:016x}", self.prefix, key.get()),
            None => format!("{}all", self.prefix),
        }
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(PATIENCE, call).await.unwrap_or_else(|_| Err(Silent.into()))
}

/// The server has not answered in time.
#[derive(Debug)]
struct Silent;

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis has not answered in {PATIENCE:?}")
    }
}

impl Error for Silent {}

impl fmt::Debug for RedisBuckets {
    /// Without the address, in which there may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuckets").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}

/// The client, with a connection that does not make others wait.
fn prompt(client: Client) -> Client {
    let info = client.get_connection_info().clone();
    let settings = given_up_when_silent(info.tcp_settings().clone().set_nodelay(true));
    let prompt: RedisResult<Client> = Client::open(info.set_tcp_settings(settings));
    prompt.unwrap_or(client)
}

/// Else a server that is cut off, without a word, keeps the old connection for minutes.
#[cfg(target_os = "linux")]
fn given_up_when_silent(settings: TcpSettings) -> TcpSettings {
    let own = settings.user_timeout();
    settings.set_user_timeout(own.unwrap_or(super::doubt::SILENCE))
}

#[cfg(not(target_os = "linux"))]
fn given_up_when_silent(settings: TcpSettings) -> TcpSettings {
    settings
}

/// For one call, with connecting. Whoever answers requests has less; this is so that no
/// call is left behind.
const PATIENCE: Duration = Duration::from_secs(1);
