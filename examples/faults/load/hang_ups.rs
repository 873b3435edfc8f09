//! Clients that hang up, at every stage of a request and by the thousands.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::account::Account;
use super::books::Books;
use super::client::{Client, Heard};
use super::customers::Beside;
use super::instance::Instance;
use super::wire::Wire;
use crate::trial::Stage;
use crate::trial::errand::quiet_hours;
use crate::trial::failure::Result;
use crate::trial::panics;
use crate::trial::seed;
use crate::trial::server::Login;
use crate::trial::store::POOL;

/// How far a client comes before it hangs up.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Connected,
    InTheHead,
    InItsBody,
    /// With all sent, at once.
    Sent,
    /// So many milliseconds after that: in the queue, at the database, or as the answer comes.
    Waiting(u64),
    /// With several requests sent at once.
    Pipelined,
    /// It says that it sends no more, and goes a little later.
    HalfClosed,
    /// In the midst of the answer.
    Reading,
    /// In the midst of a long one.
    ReadingLong,
}

pub(crate) async fn run(stage: &mut Stage, hang_ups: usize) -> Result<Account> {
    let panicked = panics::so_far();
    eprintln!("hang-ups: {hang_ups} …");
    let url = stage.server.url(Login::Shop);
    seed::open_books(&url).await?;
    let instance = Instance::start(stage, POOL).await?;
    let client = Client::new();
    instance.learn(&client).await;
    let start = Instant::now();
    let beside = Beside::start("patient", instance.address, client.clone(), BESIDE);
    let storm = Storm::new(instance.address, hang_ups);
    storm.rage(hang_ups).await;
    let seen = beside.stop().await;
    let leaked = instance.leaked().await;
    let seconds = start.elapsed().as_secs_f64();
    let after = serves_again(&instance, &client).await;
    let books = Books::settle(&[&seen.books, &storm.books], &url).await?;
    let mut account = Account {
        trial: "clients that hang up".to_owned(),
        requests: seen.all.all(),
        seconds,
        faults: hang_ups as u64,
        lost: seen.all.lost(),
        leaked,
        checkouts: books.acknowledged,
        wrong_checkouts: books.wrong(),
        panics: (panics::so_far() - panicked) as u64,
        ..Account::default()
    };
    account.promise(after, "it does not serve once they are gone");
    let failed = storm.unconnected.load(Ordering::Relaxed);
    account.promise(failed * 100 < hang_ups as u64, format!("{failed} could not connect"));
    account.notes = vec![
        format!(
            "{hang_ups} hang-ups, a ninth each: connected, in the head, in the body, all sent, \
             0 to 50 ms later, 8 requests sent at once, half closed, in the answer, in a long answer; \
             half of them with a reset"
        ),
        seen.describe(),
    ];
    Ok(account)
}

async fn serves_again(instance: &Instance, client: &Client) -> bool {
    for errand in quiet_hours() {
        if client.go(instance.address, &errand).await != Heard::Served {
            return false;
        }
    }
    true
}

/// Those who hang up.
#[derive(Clone, Debug)]
struct Storm {
    shop: SocketAddr,
    books: Books,
    unconnected: Arc<AtomicU64>,
}

impl Storm {
    fn new(shop: SocketAddr, hang_ups: usize) -> Self {
        Self { shop, books: Books::open("hasty", hang_ups), unconnected: Arc::default() }
    }

    async fn rage(&self, hang_ups: usize) {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut out = JoinSet::new();
        for number in 0..hang_ups {
            let place = Arc::clone(&at_once).acquire_owned().await.expect("it is not closed");
            let own = self.clone();
            out.spawn(async move {
                match Wire::open(own.shop).await {
                    // Whatever became of it, it hangs up.
                    Ok(wire) => drop(timeout(PATIENCE, own.hang_up(wire, number)).await),
                    Err(_) => drop(own.unconnected.fetch_add(1, Ordering::Relaxed)),
                }
                drop(place);
            });
            while out.try_join_next().is_some() {}
        }
        out.join_all().await;
    }

    async fn hang_up(&self, mut wire: Wire, number: usize) -> io::Result<()> {
        let mut rng = StdRng::seed_from_u64(number as u64);
        if rng.random() {
            wire.stream.set_zero_linger()?;
        }
        let page = self.page(number, &mut rng);
        let half = page.len() / 2;
        match Stop::draw(&mut rng) {
            Stop::Connected => {}
            Stop::InTheHead => wire.send(&page[..half]).await?,
            Stop::InItsBody => wire.send(UPLOAD).await?,
            Stop::Sent => wire.send(&page).await?,
            Stop::Waiting(ms) => {
                wire.send(&page).await?;
                sleep(Duration::from_millis(ms)).await;
            }
            Stop::Pipelined => wire.send(&PAGE.repeat(8)).await?,
            Stop::HalfClosed => {
                wire.send(&page).await?;
                wire.stream.shutdown().await?;
                sleep(Duration::from_millis(5)).await;
            }
            Stop::Reading => {
                wire.send(&page).await?;
                wire.more().await?;
            }
            Stop::ReadingLong => {
                wire.send(EXPORT).await?;
                // A refusal is short, and there already.
                if wire.head().await?.status == 200 {
                    wire.more().await?;
                }
            }
        }
        Ok(())
    }

    /// A page or a checkout of its own.
    fn page(&self, number: usize, rng: &mut StdRng) -> Vec<u8> {
        match rng.random_range(0..3) {
            0 => PAGE.to_vec(),
            1 => b"GET /search?q=amber HTTP/1.1\r\nHost: shop\r\n\r\n".to_vec(),
            _ => {
                self.books.sent(number);
                format!(
                    "POST /checkout HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\
                     Idempotency-Key: hasty-{number}\r\n\r\n"
                )
                .into_bytes()
            }
        }
    }
}

impl Stop {
    fn draw(rng: &mut StdRng) -> Self {
        match rng.random_range(0..9) {
            0 => Self::Connected,
            1 => Self::InTheHead,
            2 => Self::InItsBody,
            3 => Self::Sent,
            4 => Self::Waiting(rng.random_range(0..50)),
            5 => Self::Pipelined,
            6 => Self::HalfClosed,
            7 => Self::Reading,
            _ => Self::ReadingLong,
        }
    }
}

const PAGE: &[u8] = b"GET /product/1 HTTP/1.1\r\nHost: shop\r\n\r\n";
const EXPORT: &[u8] = b"GET /export HTTP/1.1\r\nHost: shop\r\n\r\n";
const UPLOAD: &[u8] = b"POST /upload HTTP/1.1\r\nHost: shop\r\nContent-Type: text/plain\r\n\
    Content-Length: 4096\r\n\r\nsome of it";
/// Who has got nowhere by then hangs up as well.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at once.
const AT_ONCE: usize = 300;
/// Requests per second of customers who wait.
const BESIDE: f64 = 50.0;
