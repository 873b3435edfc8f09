//! What others do who may connect.

use std::time::Duration;

use sqlx::{AnyConnection, Connection, query_scalar, raw_sql};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::trial::customers::Customers;
use crate::trial::dialect::Dialect;
use crate::trial::failure::Result;
use crate::trial::server::{CONNECTIONS, Login, Server};

pub(super) async fn lock(server: &Server, length: Duration) -> Result<()> {
    let mut locker = AnyConnection::connect(&server.url(Login::Admin)).await?;
    for sql in server.dialect.lock() {
        raw_sql(*sql).execute(&mut locker).await?;
    }
    sleep(length).await;
    raw_sql(server.dialect.unlock()).execute(&mut locker).await?;
    Ok(locker.close().await?)
}

pub(super) async fn kill(server: &Server, length: Duration) -> Result<()> {
    let end = Instant::now() + length;
    let mut admin = AnyConnection::connect(&server.url(Login::Admin)).await?;
    while Instant::now() < end {
        cut(server.dialect, &mut admin).await?;
        sleep(CUT_EVERY).await;
    }
    Ok(admin.close().await?)
}

/// Cuts connections of the shop, which gets no new one, until none is left.
pub(super) async fn cut_all(server: &Server, admin: &mut AnyConnection) -> Result<()> {
    while cut(server.dialect, admin).await? > 0 {
        sleep(KNOCK_EVERY * 4).await;
    }
    Ok(())
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

pub(super) async fn slow_queries(customers: &Customers, length: Duration) -> Result<()> {
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

pub(super) async fn take_connections(server: &Server, length: Duration) -> Result<()> {
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
