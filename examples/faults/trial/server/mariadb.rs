//! How MariaDB is installed, started and addressed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::trial::failure::Result;

use super::{CONNECTIONS, Login, PASSWORD, find, process::Signal, process::User, usual_folders};

pub(super) fn program(name: &str) -> Result<PathBuf> {
    find(name, usual_folders())
}

pub(super) fn prepare(user: User, folder: &Path) -> Result<Command> {
    let users = folder.join("users.sql");
    fs::write(&users, USERS.replace("{password}", PASSWORD))?;
    user.give(&users)?;
    let mut command = user.command(&program("mariadb-install-db")?, Signal::Kill)?;
    command.args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"]);
    // It leaves notes to itself in a folder that all share.
    command.env("TMPDIR", folder).arg(format!("--tmpdir={}", folder.display()));
    command.arg(format!("--datadir={}", folder.join("data").display()));
    Ok(command)
}

pub(super) fn arguments(folder: &Path, port: u16) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    vec![
        "--no-defaults".to_owned(),
        format!("--datadir={}", file("data")),
        format!("--socket={}", file("socket")),
        format!("--pid-file={}", file("pid")),
        format!("--init-file={}", file("users.sql")),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        format!("--max-connections={CONNECTIONS}"),
        "--innodb-buffer-pool-size=64M".to_owned(),
        "--innodb-flush-log-at-trx-commit=2".to_owned(),
    ]
}

pub(super) fn url(port: u16, login: Login) -> String {
    let user = match login {
        Login::Shop => &format!("shop:{PASSWORD}"),
        Login::Other => "other",
        Login::Admin => "admin",
    };
    format!("mysql://{user}@127.0.0.1:{port}/shop")
}

/// One statement a line, as the server wants it. It reads them at every start.
const USERS: &str = "\
CREATE DATABASE IF NOT EXISTS shop;
CREATE USER IF NOT EXISTS shop@'127.0.0.1' IDENTIFIED BY '{password}';
CREATE USER IF NOT EXISTS other@'127.0.0.1';
CREATE USER IF NOT EXISTS admin@'127.0.0.1';
GRANT ALL ON shop.* TO shop@'127.0.0.1';
GRANT ALL ON shop.* TO other@'127.0.0.1';
GRANT ALL ON *.* TO admin@'127.0.0.1';
";
