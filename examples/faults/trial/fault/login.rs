//! What an administrator of logins does.

use std::time::Duration;

use sqlx::{AnyConnection, Connection, raw_sql};
use tokio::time::sleep;

use super::clients::cut_all;
use crate::trial::failure::Result;
use crate::trial::server::{Login, PASSWORD, Server};

/// Somebody changes the password, forgets the shop, and takes it back.
pub(super) async fn other_password(server: &Server, length: Duration) -> Result<()> {
    let mut admin = AnyConnection::connect(&server.url(Login::Admin)).await?;
    let other = server.dialect.set_password("another one");
    raw_sql(other).execute(&mut admin).await?;
    cut_all(server, &mut admin).await?;
    sleep(length).await;
    raw_sql(server.dialect.set_password(PASSWORD)).execute(&mut admin).await?;
    Ok(admin.close().await?)
}
