//! A throw-away Redis: a port and a folder of its own, gone when it drops.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use tempfile::TempDir;

/// A running server.
///
/// Start it on a thread that lives as long as it is wanted: it ends with the thread, so that
/// not even a killed process leaves one behind.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    settings: &'static [&'static str],
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Starts one, with these settings beside the usual, and waits until it answers.
    pub(crate) fn start(settings: &'static [&'static str]) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("brownout-fleet-").tempdir()?;
        let port = free_port()?;
        let process = launch(port, settings, &folder)?;
        let mut server = Self { port, settings, process, folder };
        server.answers()?;
        Ok(server)
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it without a word to its clients.
    pub(crate) fn crash(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// Starts it again after a crash, empty.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.process = launch(self.port, self.settings, &self.folder)?;
        self.answers()
    }

    /// Stops it where it stands: connections stay, and nothing is answered.
    pub(crate) fn freeze(&self) -> io::Result<()> {
        self.tell("-STOP")
    }

    pub(crate) fn thaw(&self) -> io::Result<()> {
        self.tell("-CONT")
    }

    fn tell(&self, signal: &str) -> io::Result<()> {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status()?;
        if told.success() { Ok(()) } else { Err(io::Error::other("the server is gone")) }
    }

    fn answers(&mut self) -> io::Result<()> {
        for _ in 0..PATIENCE {
            if ping(self.port).is_ok_and(|answer| answer == *b"+PONG") {
                return Ok(());
            }
            if self.process.try_wait()?.is_some() {
                break;
            }
            sleep(PAUSE);
        }
        let said = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let last = said.lines().last().unwrap_or_default();
        Err(io::Error::other(format!("redis-server does not start: {last}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have crashed already, and there is nobody to tell.
        let _ = self.crash();
    }
}

fn launch(port: u16, settings: &[&str], folder: &TempDir) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(folder.path().join("log"))?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig=KILL", "--", "redis-server", "--bind", "127.0.0.1"]);
    command.args(["--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(folder.path()).args(settings);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}

fn ping(port: u16) -> io::Result<[u8; 5]> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_read_timeout(Some(Duration::from_secs(1)))?;
    connection.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    connection.read_exact(&mut answer)?;
    Ok(answer)
}

/// Below the ports that the system gives to outgoing connections: one of those could be
/// there when the server comes back after a crash. A cluster needs a second one, 10 000 above.
fn free_port() -> io::Result<u16> {
    let tries = (0..100).map(|_| rand::random_range(11_000..21_000));
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    tries.into_iter().find(free).ok_or_else(|| io::Error::other("no port is free"))
}

const PAUSE: Duration = Duration::from_millis(10);
/// In pauses: 10 s.
const PATIENCE: u32 = 1_000;
