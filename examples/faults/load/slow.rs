//! Thousands of connections whose clients take their time, and customers beside them.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use super::account::Account;
use super::books::Books;
use super::client::Client;
use super::customers::Beside;
use super::instance::{BODY_WITHIN, Instance};
use super::memory::{heap, resident};
use crate::trial::Stage;
use crate::trial::failure::{Failure, Result};
use crate::trial::panics;
use crate::trial::seed;
use crate::trial::server::Login;
use crate::trial::store::POOL;

/// How many there may be, and for how long they are held once all are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slowness {
    pub(crate) connections: usize,
    pub(crate) hold: Duration,
}

/// The process of those who dawdle. Ended on drop.
struct Dawdlers {
    _process: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    seen: Seen,
}

/// The last that they told of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    open: u64,
    ended: u64,
    reading: u64,
}

pub(crate) async fn run(stage: &mut Stage, slowness: Slowness) -> Result<Account> {
    let panicked = panics::so_far();
    let connections = slowness.connections.min(room());
    eprintln!("slow connections: {connections} …");
    let url = stage.server.url(Login::Shop);
    seed::open_books(&url).await?;
    let instance = Instance::start(stage, POOL).await?;
    let client = Client::new();
    instance.learn(&client).await;
    let before = (heap(), resident());
    let beside = Beside::start("slow", instance.address, client, BESIDE);
    let start = Instant::now();
    let mut dawdlers = Dawdlers::start(instance.address, connections)?;
    dawdlers.gather(connections as u64).await?;
    sleep(slowness.hold).await;
    let come = beside.stop().await;
    dawdlers.hush().await?;
    // Nobody asks for anything now, and all are still there.
    sleep(BODY_WITHIN + SETTLE).await;
    let pinned = instance.occupied();
    let held = dawdlers.look().await?;
    let taken = (heap().saturating_sub(before.0), resident().saturating_sub(before.1));
    drop(dawdlers);
    let leaked = instance.leaked().await;
    let books = Books::settle(&[&come.books], &url).await?;
    let mut account = Account {
        trial: format!("slow connections, {} of them", held.open),
        requests: come.all.all(),
        seconds: start.elapsed().as_secs_f64(),
        faults: connections as u64,
        lost: come.all.lost(),
        leaked: leaked.max(pinned),
        checkouts: books.acknowledged,
        wrong_checkouts: books.wrong(),
        panics: (panics::so_far() - panicked) as u64,
        ..Account::default()
    };
    account.promise(
        held.open + held.ended == connections as u64,
        format!("only {} of {connections} connections were opened", held.open + held.ended),
    );
    account.promise(
        come.pages.served() == come.pages.all(),
        format!("{:.2} % of the pages without a database were served", come.pages.share()),
    );
    account.notes = vec![
        format!(
            "{} connections held at the end: a third each sends its head, sends its body, reads",
            held.open
        ),
        format!(
            "{} were being read, each beyond the {} ms for which a body holds its permit",
            held.reading,
            BODY_WITHIN.as_millis()
        ),
        format!("permits pinned by them then: {pinned}"),
        come.describe(),
        format!(
            "{:.1} MB of the heap, {:.1} MB resident for all of them",
            mb(taken.0),
            mb(taken.1)
        ),
    ];
    Ok(account)
}

/// Connections for which this process may have sockets, beside all else that it has open.
fn room() -> usize {
    let limit = rlimit::increase_nofile_limit(DESCRIPTORS).unwrap_or(1_024);
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(RESERVED)
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

impl Dawdlers {
    fn start(shop: SocketAddr, connections: usize) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--dawdle").arg(shop.to_string()).arg(connections.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let input = process.stdin.take().expect("it is piped");
        let output = process.stdout.take().expect("it is piped");
        let lines = BufReader::new(output).lines();
        Ok(Self { _process: process, input, lines, seen: Seen::default() })
    }

    /// Waits until all have come.
    async fn gather(&mut self, connections: u64) -> Result<()> {
        let until = Instant::now() + GATHER;
        while self.seen.open + self.seen.ended < connections && Instant::now() < until {
            self.look().await?;
        }
        Ok(())
    }

    async fn hush(&mut self) -> Result<()> {
        Ok(self.input.write_all(b"\n").await?)
    }

    /// As they are now.
    async fn look(&mut self) -> Result<Seen> {
        let gone = || Failure::new("the process of slow clients has ended");
        // What it said long ago was not read meanwhile.
        while let Ok(line) = timeout(FRESH, self.lines.next_line()).await {
            self.seen = Seen::read(&line?.ok_or_else(gone)?).ok_or_else(gone)?;
        }
        let line = timeout(GATHER, self.lines.next_line()).await.map_err(|_| gone())?;
        self.seen = Seen::read(&line?.ok_or_else(gone)?).ok_or_else(gone)?;
        Ok(self.seen)
    }
}

impl Seen {
    fn read(line: &str) -> Option<Self> {
        let mut numbers = line.split(' ').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self { open: next()?, ended: next()?, reading: next()? })
    }
}

/// Requests per second of customers who are not slow.
const BESIDE: f64 = 50.0;
const DESCRIPTORS: u64 = 65_536;
/// Descriptors for the database, the customers, and what else is open.
const RESERVED: usize = 500;
const SETTLE: Duration = Duration::from_secs(1);
const GATHER: Duration = Duration::from_secs(120);
/// Lines come each second; what comes sooner was there already.
const FRESH: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_they_tell_is_read() {
        assert_eq!(Seen::read("3 2 1"), Some(Seen { open: 3, ended: 2, reading: 1 }));
        assert_eq!(Seen::read("3 2"), None);
        assert_eq!(Seen::read("3 2 x"), None);
    }
}
