//! One direction of a connection.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::sleep;

use super::way::{Loss, State, Way};

/// Hands on what comes until there is no more, as the way is.
pub(super) async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    passes: impl Fn(&State) -> bool,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut bytes).await?;
        let way = state.wait_for(|state| passes(state)).await.map(|state| state.way);
        match way.unwrap_or_default() {
            Way::Slow(later) => sleep(later).await,
            Way::Lossy(loss) => lose(loss).await?,
            _ => {}
        }
        // Meanwhile it may have become silent.
        let _ = state.wait_for(|state| passes(state)).await;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&bytes[..count]).await?;
    }
}

/// TCP sends again what is lost, each time after twice as long; what comes behind waits.
async fn lose(loss: Loss) -> io::Result<()> {
    if rand::random_bool(loss.reset) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let mut timeout = RETRANSMISSION;
    while rand::random_bool(loss.lost) && timeout <= LONGEST {
        sleep(timeout).await;
        timeout *= 2;
    }
    Ok(())
}

/// Linux waits for no less before it sends again.
const RETRANSMISSION: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_millis(800);
