//! The connection, made when it is first needed.

use std::sync::{Arc, Mutex};

use ::redis::{
    Client, ErrorKind, FromRedisValue, RedisError, RedisResult, ScriptInvocation,
    aio::{ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    cmd,
};
use tokio::sync::watch;

use super::doubt::Doubt;
use crate::lock::lock;

/// A connection for all who call, which comes back by itself when it was lost.
pub(super) struct Link {
    target: Target,
    last: Last,
    doubt: Arc<Doubt>,
}

/// Where to connect.
#[derive(Clone)]
pub(super) enum Target {
    Server(Client),
    Cluster(Box<ClusterClient>),
}

/// Carries many calls at once.
#[derive(Clone)]
enum Connection {
    Server(ConnectionManager),
    Cluster(ClusterConnection),
}

/// To connect, for the first time. None: on its way.
type Attempt = watch::Receiver<Option<RedisResult<Connection>>>;

/// The last attempt. None: there was none, or its connection was given up.
type Last = Arc<Mutex<Option<Attempt>>>;

impl Link {
    pub(super) fn to(target: Target) -> Self {
        Self { target, last: Last::default(), doubt: Arc::default() }
    }

    /// The answer to a call. Where the last attempt to connect has failed, this makes the
    /// next.
    ///
    /// # Cancel safety
    ///
    /// Dropped before the answer, it has somebody see whether the connection is any good.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        call: ScriptInvocation<'_>,
    ) -> RedisResult<T> {
        let mut attempt = self.attempt();
        let mut connection = match attempt.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(result)) => result.clone()?,
            _ => {
                let gone = "the runtime that connected has ended";
                return Err(RedisError::from((ErrorKind::Client, gone)));
            }
        };
        let mut on_its_way = OnItsWay { link: self, attempt: Some(attempt) };
        let answer = connection.run(call).await;
        let attempt = on_its_way.attempt.take();
        // It connects again by itself after errors of the network alone: what it was once told
        // of a password, it would repeat for ever.
        if answer.as_ref().is_err_and(|error| !error.is_io_error()) {
            attempt.iter().for_each(|attempt| give_up(&self.last, attempt));
        }
        answer
    }

    fn attempt(&self) -> Attempt {
        let mut last = lock(&self.last);
        if let Some(attempt) = last.as_ref().filter(|attempt| !has_failed(attempt)) {
            return attempt.clone();
        }
        let (done, attempt) = watch::channel(None);
        let target = self.target.clone();
        // By a task of its own, since each who waits may have less patience than it takes.
        tokio::spawn(async move { done.send(Some(target.connect().await)) });
        last.insert(attempt).clone()
    }

    /// The far end may acknowledge all that it is sent, and never answer: no timeout of TCP
    /// ends that.
    fn doubt(&self, attempt: Attempt) {
        // A cluster's connection looks after those to its nodes.
        let Some(Ok(Connection::Server(mut manager))) = attempt.borrow().clone() else { return };
        let last = self.last.clone();
        let question = || async move {
            // That it may not be asked is an answer, too.
            let _ = cmd("PING").query_async::<()>(&mut manager).await;
        };
        self.doubt.ask(question, move || give_up(&last, &attempt));
    }
}

/// The next call makes a new attempt. Those that are on their way stay where they are.
fn give_up(last: &Last, attempt: &Attempt) {
    let mut last = lock(last);
    if last.as_ref().is_some_and(|last| last.same_channel(attempt)) {
        *last = None;
    }
}

/// A call without an answer. Whoever drops it had no more time.
struct OnItsWay<'a> {
    link: &'a Link,
    attempt: Option<Attempt>,
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            self.link.doubt(attempt);
        }
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
    async fn run<T: FromRedisValue>(&mut self, call: ScriptInvocation<'_>) -> RedisResult<T> {
        match self {
            Self::Server(manager) => call.invoke_async(manager).await,
            Self::Cluster(connection) => call.invoke_async(connection).await,
        }
    }
}

/// Calls that may be on their way to the connection. More wait their turn.
const PIPELINE: usize = 1_000;
