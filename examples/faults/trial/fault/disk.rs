//! What a disk does that is full.

use std::time::Duration;

use sqlx::{AnyConnection, Connection, raw_sql};
use tokio::time::sleep;

use crate::trial::failure::Result;
use crate::trial::server::{Login, Server};

/// No order can be written, and all that is there can be read.
///
/// The errors are the servers' own, by their codes: to fill a file system, one would have to
/// be allowed to mount one.
pub(super) async fn fill(server: &Server, length: Duration) -> Result<()> {
    let mut admin = AnyConnection::connect(&server.url(Login::Admin)).await?;
    for sql in server.dialect.fill_disk() {
        raw_sql(*sql).execute(&mut admin).await?;
    }
    sleep(length).await;
    for sql in server.dialect.clear_disk() {
        raw_sql(*sql).execute(&mut admin).await?;
    }
    Ok(admin.close().await?)
}
