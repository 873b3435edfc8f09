//! The connection, made when it is first needed.

use std::sync::Mutex;

use ::redis::{
    Client, ErrorKind, FromRedisValue, RedisError, RedisResult, ScriptInvocation,
    aio::{ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
};
use tokio::sync::watch;

use crate::lock::lock;

/// A connection for all who call, which comes back by itself when it was lost.
pub(super) struct Link {
    target: Target,
    attempt: Mutex<Option<Attempt>>,
}

/// Where to connect.
#[derive(Clone)]
pub(super) enum Target {
    Server(Client),
    Cluster(Box<ClusterClient>),
}

/// Carries many calls at once.
#[derive(Clone)]
pub(super) enum Connection {
    Server(ConnectionManager),
    Cluster(ClusterConnection),
}

/// To connect, for the first time. None: on its way.
type Attempt = watch::Receiver<Option<RedisResult<Connection>>>;

impl Link {
    pub(super) fn to(target: Target) -> Self {
        Self { target, attempt: Mutex::new(None) }
    }

    /// The connection. Where the last attempt has failed, this makes the next.
    pub(super) async fn connection(&self) -> RedisResult<Connection> {
        let mut attempt = self.attempt();
        match attempt.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(result)) => result.clone(),
            _ => Err(RedisError::from((ErrorKind::Client, "the runtime that connected has ended"))),
        }
    }

    fn attempt(&self) -> Attempt {
        let mut last = lock(&self.attempt);
        if let Some(attempt) = last.as_ref().filter(|attempt| !has_failed(attempt)) {
            return attempt.clone();
        }
        let (done, attempt) = watch::channel(None);
        let target = self.target.clone();
        // By a task of its own, since each who waits may have less patience than it takes.
        tokio::spawn(async move { done.send(Some(target.connect().await)) });
        last.insert(attempt).clone()
    }
}

fn has_failed(attempt: &Attempt) -> bool {
    match &*attempt.borrow() {
        Some(result) => result.is_err(),
        // The task is gone, and with it the sender.
        None => attempt.has_changed().is_err(),
    }
}

impl Target {
    async fn connect(self) -> RedisResult<Connection> {
        match self {
            Self::Server(client) => {
                let manager = ConnectionManager::new_with_config(client, one_try()).await;
                manager.map(Connection::Server)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
        }
    }
}

/// The next call is the next try: who waits for several could as well be told.
fn one_try() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(PIPELINE)
}

impl Connection {
    pub(super) async fn run<T: FromRedisValue>(
        &mut self,
        call: ScriptInvocation<'_>,
    ) -> RedisResult<T> {
        match self {
            Self::Server(manager) => call.invoke_async(manager).await,
            Self::Cluster(connection) => call.invoke_async(connection).await,
        }
    }
}

/// Calls that may be on their way to the connection. More wait their turn.
const PIPELINE: usize = 1_000;
