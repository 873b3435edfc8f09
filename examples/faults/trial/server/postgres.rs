//! How PostgreSQL is installed, started and addressed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::{AnyConnection, Connection, SqlStr, raw_sql};

use crate::trial::dialect::Dialect;
use crate::trial::failure::Result;

use super::{CONNECTIONS, Login, PASSWORD, find, process::Signal, process::User, usual_folders};

/// Debian keeps the versions apart; the newest is taken.
pub(super) fn program(name: &str) -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    find(name, folders.into_iter().chain(usual_folders()))
}

pub(super) fn prepare(user: User, folder: &Path) -> Result<Command> {
    let mut command = user.command(&program("initdb")?, Signal::Kill)?;
    command.args(["--username=postgres", "--auth=trust", "--no-sync", "--no-locale"]);
    command.args(["--encoding=UTF8", "--pgdata"]).arg(data(folder));
    Ok(command)
}

/// Of the shop, in front of the lines that trust all others.
pub(super) fn demand_password(folder: &Path) -> Result<()> {
    let path = data(folder).join("pg_hba.conf");
    let trusting = fs::read_to_string(&path)?;
    // As text: to hash it for each connection is slow without optimisation.
    Ok(fs::write(&path, format!("host all shop 127.0.0.1/32 password\n{trusting}"))?)
}

pub(super) fn arguments(folder: &Path, port: u16) -> Vec<String> {
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        // Sockets of files would be a second way in.
        "unix_socket_directories=".to_owned(),
        format!("max_connections={CONNECTIONS}"),
        "superuser_reserved_connections=3".to_owned(),
        "shared_buffers=64MB".to_owned(),
        "fsync=off".to_owned(),
        "autovacuum=off".to_owned(),
        "jit=off".to_owned(),
        "max_parallel_workers_per_gather=0".to_owned(),
    ];
    let folder = ["-D".to_owned(), data(folder).display().to_string()];
    let settings = settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]);
    folder.into_iter().chain(settings).collect()
}

pub(super) fn url(port: u16, login: Login) -> String {
    let user = match login {
        Login::Shop => &format!("shop:{PASSWORD}"),
        Login::Other => "other",
        Login::Admin => "postgres",
    };
    format!("postgres://{user}@127.0.0.1:{port}/postgres")
}

pub(super) async fn create_users(admin: &str) -> Result<()> {
    let mut connection = AnyConnection::connect(admin).await?;
    for sql in
        ["CREATE ROLE shop LOGIN", "CREATE ROLE other LOGIN", "GRANT ALL ON SCHEMA public TO shop"]
            .map(SqlStr::from_static)
            .into_iter()
            .chain([Dialect::Postgres.set_password(PASSWORD)])
    {
        raw_sql(sql).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}
