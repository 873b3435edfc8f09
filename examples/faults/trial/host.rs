//! The shop on a port, on threads of its own.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

use super::dialect::Dialect;
use super::failure::Result;
use super::protection::Protection;
use super::shop::Shop;
use super::store::{POOL, Store};

/// A running shop; its threads and its pool end when it drops.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) shop: Shop,
    runtime: Option<Runtime>,
}

impl Host {
    pub(crate) async fn start(
        dialect: Dialect,
        url: String,
        protection: Protection,
    ) -> Result<Self> {
        let mut threads = Builder::new_multi_thread();
        let runtime = threads.worker_threads(2).thread_name("shop").enable_all().build()?;
        let database = protection.database().clone();
        let opening =
            runtime.spawn(async move { Store::open(dialect, &url, &database, POOL).await });
        let store = opening.await.expect("opening does not panic")?;
        let shop = Shop { store, protection };
        let router = shop.router();
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        });
        Ok(Self { address, shop, runtime: Some(runtime) })
    }

    /// Waits until no query runs any more, or for as long as it may take.
    pub(crate) async fn calm_down(&self) {
        let patience = Instant::now() + CALM_DOWN;
        let quiet = || {
            let guard = self.shop.protection.figures();
            self.shop.store.busy() + guard.in_flight + guard.waiting == 0
        };
        while !quiet() && Instant::now() < patience {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Longest wait for queries that nobody reads any more.
const CALM_DOWN: Duration = Duration::from_secs(10);
