//! What the network does.

use std::time::Duration;

use tokio::time::sleep;

use crate::trial::failure::Result;
use crate::trial::proxy::{Loss, Proxy, Way};

pub(super) async fn slow(proxy: &Proxy, length: Duration) -> Result<()> {
    proxy.set(Way::Slow(ONE_WAY));
    sleep(length).await;
    proxy.set(Way::Clear);
    Ok(())
}

pub(super) async fn lose(proxy: &Proxy, length: Duration) -> Result<()> {
    proxy.set(Way::Lossy(LOSS));
    sleep(length).await;
    proxy.set(Way::Clear);
    Ok(())
}

/// What the server has heard last, such as the end of a transaction, it answers in vain.
pub(super) async fn silence(proxy: &Proxy, length: Duration) -> Result<()> {
    proxy.set(Way::Mute);
    sleep(length / 2).await;
    proxy.set(Way::Silent);
    sleep(length / 2).await;
    proxy.cut();
    proxy.set(Way::Clear);
    Ok(())
}

pub(super) async fn forget(proxy: &Proxy, length: Duration) -> Result<()> {
    proxy.forget();
    sleep(length).await;
    proxy.cut();
    Ok(())
}

pub(super) async fn refuse(proxy: &Proxy, length: Duration) -> Result<()> {
    proxy.set(Way::Closed);
    proxy.cut();
    sleep(length).await;
    proxy.set(Way::Clear);
    Ok(())
}

/// What the network takes longer, there and back again.
const ONE_WAY: Duration = Duration::from_millis(20);
/// A checkout is ten pieces and more.
const LOSS: Loss = Loss { lost: 0.05, reset: 0.005 };
