//! What the resolver of names does.

use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use tokio::time::sleep;

use super::clients::cut_all;
use crate::trial::failure::Result;
use crate::trial::server::{Login, Server};
use crate::trial::store::Store;

/// The shop is not told another name at once where it has connections, so they are cut.
pub(super) async fn unknown(server: &Server, store: &Store, length: Duration) -> Result<()> {
    let url = server.url(Login::Shop);
    let mut admin = AnyConnection::connect(&server.url(Login::Admin)).await?;
    store.connect_to(&url.replace("127.0.0.1", &nobodys_name()))?;
    cut_all(server, &mut admin).await?;
    sleep(length).await;
    store.connect_to(&url)?;
    Ok(admin.close().await?)
}

/// Longer than a part of a name may be: so it is unknown at once, without a question to
/// another machine.
fn nobodys_name() -> String {
    format!("{}.invalid", "x".repeat(64))
}
