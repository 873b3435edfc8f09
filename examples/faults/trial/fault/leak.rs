//! What a mistake in the shop itself does.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::trial::customers::Customers;
use crate::trial::failure::Result;
use crate::trial::store::POOL;

/// As many customers as the pool has connections ask for what does not give its own back
/// before the end, each until it is there.
pub(super) async fn leak(customers: &Customers, length: Duration) -> Result<()> {
    let end = Instant::now() + length;
    let mut crowd = JoinSet::new();
    for _ in 0..POOL {
        let customers = customers.clone();
        crowd.spawn(async move {
            while let Some(left) = end.checked_duration_since(Instant::now()) {
                if customers.leak(left).await.is_success() {
                    return;
                }
                sleep(ASK_EVERY).await;
            }
        });
    }
    sleep_until(end).await;
    crowd.join_all().await;
    Ok(())
}

const ASK_EVERY: Duration = Duration::from_millis(100);
