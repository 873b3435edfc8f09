//! A throw-away database server: a data folder, a port and a user of its own, gone when
//! it drops.

mod mariadb;
mod postgres;
mod process;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::trial::dialect::Dialect;
use crate::trial::failure::{Failure, Result};

use process::{Process, Signal, User};

/// Connections that the server gives to all of its clients.
pub(crate) const CONNECTIONS: u32 = 40;

/// What the shop connects with.
pub(crate) const PASSWORD: &str = "open";

/// Who connects. Only the shop needs a password.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Login {
    Shop,
    /// The other client, which is not brought up well.
    Other,
    /// Gets in also when the others have all connections.
    Admin,
}

/// A running server, ended and removed on drop.
///
/// Start and restart it on a thread that lives as long as it is wanted: it ends with the
/// thread, so that not even a killed process leaves one behind.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) dialect: Dialect,
    port: u16,
    user: User,
    // Before the folder, so that it has ended when that is removed.
    process: Option<Process>,
    folder: TempDir,
}

impl Server {
    /// Whether its programs are there.
    pub(crate) fn is_installed(dialect: Dialect) -> bool {
        match dialect {
            Dialect::Postgres => postgres::program("initdb").is_ok(),
            Dialect::MariaDb => mariadb::program("mariadbd").is_ok(),
        }
    }

    /// Makes a data folder and starts a server in it.
    pub(crate) async fn start(dialect: Dialect) -> Result<Self> {
        let user = User::unprivileged([dialect.system_user(), "nobody"])?;
        let folder = tempfile::Builder::new().prefix("brownout-faults-").tempdir()?;
        user.give(folder.path())?;
        let mut server = Self { dialect, port: free_port()?, user, process: None, folder };
        server.prepare()?;
        if dialect == Dialect::Postgres {
            postgres::demand_password(server.folder.path())?;
        }
        server.launch()?;
        server.answers().await?;
        if dialect == Dialect::Postgres {
            postgres::create_users(&server.url(Login::Admin)).await?;
        }
        Ok(server)
    }

    /// Where to connect.
    pub(crate) fn url(&self, login: Login) -> String {
        match self.dialect {
            Dialect::Postgres => postgres::url(self.port, login),
            Dialect::MariaDb => mariadb::url(self.port, login),
        }
    }

    /// Stops every process of it where it stands.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.running()?.tell_all(Signal::Stop)
    }

    pub(crate) fn thaw(&self) -> Result<()> {
        self.running()?.tell_all(Signal::Continue)
    }

    /// Ends it without a word to its clients.
    pub(crate) fn crash(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.crash())
    }

    /// Starts it again after a crash.
    pub(crate) fn launch(&mut self) -> Result<()> {
        let (folder, port) = (self.folder.path(), self.port);
        let (program, last) = match self.dialect {
            Dialect::Postgres => (postgres::program("postgres")?, Signal::Quit),
            Dialect::MariaDb => (mariadb::program("mariadbd")?, Signal::Kill),
        };
        let mut command = self.user.command(&program, last)?;
        match self.dialect {
            Dialect::Postgres => command.args(postgres::arguments(folder, port)),
            Dialect::MariaDb => command.args(mariadb::arguments(folder, port)),
        };
        self.process = Some(Process::start(command, &self.log(), last)?);
        Ok(())
    }

    /// Waits until it answers.
    pub(crate) async fn answers(&mut self) -> Result<()> {
        let (url, patience) = (self.url(Login::Admin), Instant::now() + PATIENCE);
        while Instant::now() < patience {
            if let Ok(Ok(connection)) = timeout(PATIENCE, AnyConnection::connect(&url)).await {
                return Ok(connection.close().await?);
            }
            if self.process.as_mut().is_none_or(Process::has_ended) {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(self.complaint("does not start"))
    }

    fn prepare(&self) -> Result<()> {
        let path = self.folder.path();
        let command = match self.dialect {
            Dialect::Postgres => postgres::prepare(self.user, path)?,
            Dialect::MariaDb => mariadb::prepare(self.user, path)?,
        };
        self.complete(command)
    }

    /// Runs a command to its end. One at a time in this process: servers that are made side
    /// by side have been seen to give up.
    fn complete(&self, mut command: Command) -> Result<()> {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let output = command.current_dir(self.folder.path()).output()?;
        if output.status.success() {
            return Ok(());
        }
        fs::write(self.log(), [output.stdout, output.stderr].concat())?;
        Err(self.complaint("does not make a data folder"))
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().ok_or_else(|| self.complaint("does not run"))
    }

    /// With the last that it said.
    fn complaint(&self, what: &str) -> Failure {
        let said = fs::read_to_string(self.log()).unwrap_or_default();
        let said: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = said[said.len().saturating_sub(3)..].join("; ");
        Failure::new(format!("{} {what}: {last}", self.dialect.name()))
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

/// Below the ports that the system gives to outgoing connections: one of those could be
/// there when the server comes back after a crash.
fn free_port() -> Result<u16> {
    let tries = (0..100).map(|_| rand::random_range(20_000..32_000));
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    tries.into_iter().find(free).ok_or_else(|| Failure::new("no port is free"))
}

/// The first of these folders that holds the program.
fn find(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> Result<PathBuf> {
    let paths = folders.into_iter().map(|folder| folder.join(name));
    let found = paths.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| Failure::new(format!("{name} is not installed")))
}

/// The folders in which the system looks for programs, and those of servers.
fn usual_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = std::env::split_paths(&path);
    usual.chain(["/usr/sbin", "/usr/local/sbin"].map(|folder| Path::new(folder).into())).collect()
}

const PATIENCE: Duration = Duration::from_secs(30);
