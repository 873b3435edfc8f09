//! What the machine does to the server's processes.

use std::time::Duration;

use tokio::time::sleep;

use crate::trial::failure::Result;
use crate::trial::server::Server;

pub(super) async fn freeze(server: &Server, length: Duration) -> Result<()> {
    server.freeze()?;
    sleep(length).await;
    server.thaw()
}

pub(super) async fn restart(server: &mut Server, length: Duration) -> Result<()> {
    server.crash()?;
    sleep(length).await;
    server.launch()?;
    server.answers().await
}
