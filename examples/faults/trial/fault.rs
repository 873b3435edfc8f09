//! The faults: what goes wrong, how, and for how long.

use std::time::Duration;

use sqlx::{AnyConnection, Connection, query_scalar, raw_sql};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::customers::Customers;
use super::dialect::Dialect;
use super::failure::Result;
use super::server::{CONNECTIONS, Login, Server};

/// Something that goes wrong with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another connection holds a lock on one table.
    Lock,
    /// All of the server's processes stand still.
    Freeze,
    /// It crashes, stays away and comes back.
    Restart,
    /// All of the shop's connections are cut.
    Kill,
    /// A client that never gives up wants what takes seconds.
    SlowQueries,
    /// The shop's connections are cut, and another client takes all that there are.
    Connections,
}

/// Where a fault strikes.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) server: &'a mut Server,
    pub(crate) customers: &'a Customers,
}

impl Fault {
    pub(crate) const ALL: [Self; 6] =
        [Self::Lock, Self::Freeze, Self::Restart, Self::Kill, Self::SlowQueries, Self::Connections];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Freeze => "freeze",
            Self::Restart => "restart",
            Self::Kill => "kill",
            Self::SlowQueries => "slow-queries",
            Self::Connections => "connections",
        }
    }

    /// How long it lasts in a full run.
    pub(crate) fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Lock | Self::SlowQueries => 10,
            Self::Freeze | Self::Connections => 5,
            Self::Restart => 3,
            Self::Kill => 2,
        })
    }

    /// Whether the database as a whole does not answer.
    pub(crate) fn is_total(self) -> bool {
        matches!(self, Self::Freeze | Self::Restart)
    }

    /// Whether what checkouts need is left.
    pub(crate) fn spares_checkouts(self) -> bool {
        matches!(self, Self::Lock | Self::SlowQueries)
    }

    /// Lets it happen; done when it is over.
    pub(crate) async fn strike(self, scene: &mut Scene<'_>, length: Duration) -> Result<()> {
        match self {
            Self::Lock => lock(scene.server, length).await,
            Self::Freeze => freeze(scene.server, length).await,
            Self::Restart => restart(scene.server, length).await,
            Self::Kill => kill(scene.server, length).await,
            Self::SlowQueries => slow_queries(scene.customers, length).await,
            Self::Connections => take_connections(scene.server, length).await,
        }
    }
}

async fn lock(server: &Server, length: Duration) -> Result<()> {
    let mut locker = AnyConnection::connect(&server.url(Login::Admin)).await?;
    for sql in server.dialect.lock() {
        raw_sql(*sql).execute(&mut locker).await?;
    }
    sleep(length).await;
    raw_sql(server.dialect.unlock()).execute(&mut locker).await?;
    Ok(locker.close().await?)
}

async fn freeze(server: &Server, length: Duration) -> Result<()> {
    server.freeze()?;
    sleep(length).await;
    server.thaw()
}

async fn restart(server: &mut Server, length: Duration) -> Result<()> {
    server.crash()?;
    sleep(length).await;
    server.launch()?;
    server.answers().await
}

async fn kill(server: &Server, length: Duration) -> Result<()> {
    let end = Instant::now() + length;
    let mut admin = AnyConnection::connect(&server.url(Login::Admin)).await?;
    while Instant::now() < end {
        cut(server.dialect, &mut admin).await?;
        sleep(CUT_EVERY).await;
    }
    Ok(admin.close().await?)
}

/// Cuts every connection of the shop; returns how many there were.
async fn cut(dialect: Dialect, admin: &mut AnyConnection) -> Result<usize> {
    let listed = query_scalar(dialect.shop_connections());
    let connections: Vec<i64> = listed.fetch_all(&mut *admin).await?;
    for connection in &connections {
        // It may have ended by itself meanwhile.
        let _ = raw_sql(dialect.kill(*connection)).execute(&mut *admin).await;
    }
    Ok(connections.len())
}

async fn slow_queries(customers: &Customers, length: Duration) -> Result<()> {
    let mut bulk = JoinSet::new();
    for _ in 0..BULK {
        let customers = customers.clone();
        bulk.spawn(async move {
            loop {
                if !customers.search_slowly(SLOW.as_secs_f64()).await.is_success() {
                    sleep(Duration::from_millis(500)).await;
                }
            }
        });
    }
    sleep(length).await;
    // All of them leave. What the server does for them goes on to its end.
    bulk.shutdown().await;
    Ok(())
}

async fn take_connections(server: &Server, length: Duration) -> Result<()> {
    let end = Instant::now() + length;
    // Now, since the crowd leaves no room for an admin either while it knocks.
    let mut admin = AnyConnection::connect(&server.url(Login::Admin)).await?;
    let mut takers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let url = server.url(Login::Other);
        takers.spawn(async move {
            let mut taken = None;
            while Instant::now() < end {
                if taken.is_none() {
                    taken = AnyConnection::connect(&url).await.ok();
                }
                sleep(KNOCK_EVERY).await;
            }
        });
    }
    sleep(KNOCK_EVERY * 20).await;
    // The shop knocks, too, and may be first.
    while Instant::now() < end && cut(server.dialect, &mut admin).await? > 0 {
        sleep(KNOCK_EVERY * 4).await;
    }
    takers.join_all().await;
    Ok(admin.close().await?)
}

/// Clients at once that want something slow, and how slow it is.
const BULK: usize = 150;
const SLOW: Duration = Duration::from_secs(2);
/// How often the shop's connections are cut, and how often another client tries for one.
const CUT_EVERY: Duration = Duration::from_millis(500);
const KNOCK_EVERY: Duration = Duration::from_millis(5);
