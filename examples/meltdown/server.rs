//! The shop on a port, on threads of its own.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

use crate::dialect::Source;
use crate::protection::Protection;
use crate::shop::Shop;
use crate::store::Store;
use crate::terminal::failure::{Failure, Result};

/// Longest wait for queries that nobody reads any more.
const CALM_DOWN: Duration = Duration::from_secs(15);

/// A running shop; dropping it restarts from nothing: new threads, new pool.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shop: Shop,
    runtime: Option<Runtime>,
}

impl Server {
    pub(crate) fn start(
        listener: &TcpListener,
        source: &Source,
        protection: Protection,
        item: i64,
    ) -> Result<Self> {
        let failed = |error| Failure::new(format!("the shop does not start: {error}"));
        let address = listener.local_addr().map_err(failed)?;
        let listener = listener.try_clone().map_err(failed)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("shop")
            .enable_all()
            .build()
            .map_err(failed)?;
        let store = runtime.block_on(Store::open_shop(source, protection.database()))?;
        let shop = Shop::new(store, protection, item);
        let router = shop.router();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        });
        Ok(Self { address, shop, runtime: Some(runtime) })
    }

    /// Waits until the database works for nobody; `false` if it never does.
    pub(crate) async fn quiet(&self) -> bool {
        let patience = Instant::now() + CALM_DOWN;
        while Instant::now() < patience {
            if self.shop.is_quiet() {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}
