//! Clients that take their time, many of them: a process of its own, since one may not have as
//! many sockets open as both ends would take.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::wire::Wire;
use crate::trial::failure::Result;

/// What they have got to. Clones are the same.
#[derive(Clone, Debug, Default)]
struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    open: AtomicU64,
    /// That the server ended.
    ended: AtomicU64,
    /// Readers whose body has begun.
    reading: AtomicU64,
    /// Nobody asks for anything more.
    quiet: AtomicBool,
}

/// In what a client is slow.
#[derive(Clone, Copy, Debug)]
enum Manner {
    SendsItsHead,
    SendsItsBody,
    Reads,
}

const MANNERS: [Manner; 3] = [Manner::SendsItsHead, Manner::SendsItsBody, Manner::Reads];

/// Holds so many connections until whoever started it closes its input. Each second it writes a
/// line of how many are open, were ended by the server, and are being read. With the first byte
/// of its input, they ask for nothing more.
pub(crate) async fn dawdle(shop: SocketAddr, connections: usize) -> Result<()> {
    let progress = Progress::default();
    tokio::spawn(progress.clone().open_all(shop, connections));
    let told = progress.clone();
    tokio::spawn(async move {
        loop {
            println!("{}", told.line());
            sleep(SECOND).await;
        }
    });
    let mut input = tokio::io::stdin();
    let mut byte = [0];
    while input.read(&mut byte).await? > 0 {
        progress.0.quiet.store(true, Ordering::Relaxed);
    }
    Ok(())
}

impl Progress {
    async fn open_all(self, shop: SocketAddr, connections: usize) {
        // No more at once than wait to be accepted.
        let doors = Arc::new(Semaphore::new(64));
        for number in 0..connections {
            let door = Arc::clone(&doors).acquire_owned().await.expect("it is not closed");
            let (own, manner) = (self.clone(), MANNERS[number % MANNERS.len()]);
            tokio::spawn(async move {
                let wire = match manner {
                    Manner::Reads => Wire::open_narrow(shop).await,
                    _ => Wire::open(shop).await,
                };
                drop(door);
                let Ok(wire) = wire else { return };
                own.0.open.fetch_add(1, Ordering::Relaxed);
                // It is over when the server ends the connection.
                let _ = own.be(manner, wire, number).await;
                own.0.open.fetch_sub(1, Ordering::Relaxed);
                own.0.ended.fetch_add(1, Ordering::Relaxed);
            });
        }
    }

    async fn be(&self, manner: Manner, mut wire: Wire, number: usize) -> std::io::Result<()> {
        match manner {
            Manner::SendsItsHead => {
                wire.send(b"GET /product/1 HTTP/1.1\r\nHost: shop\r\n").await?;
                loop {
                    sleep(pause(number)).await;
                    wire.send(b"X: y\r\n").await?;
                }
            }
            Manner::SendsItsBody => {
                wire.send(UPLOAD).await?;
                loop {
                    sleep(pause(number)).await;
                    wire.send(b".").await?;
                }
            }
            Manner::Reads => {
                self.be_let_in(&mut wire, number).await?;
                self.0.reading.fetch_add(1, Ordering::Relaxed);
                let mut few = [0; 512];
                loop {
                    sleep(pause(number)).await;
                    if wire.stream.read(&mut few).await? == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Asks until it is let in, on the same connection.
    async fn be_let_in(&self, wire: &mut Wire, number: usize) -> std::io::Result<()> {
        loop {
            while self.0.quiet.load(Ordering::Relaxed) {
                sleep(SECOND).await;
            }
            wire.send(b"GET /export HTTP/1.1\r\nHost: shop\r\n\r\n").await?;
            let said = wire.head().await?;
            if said.status == 200 {
                return Ok(());
            }
            wire.skip_body(said).await?;
            sleep(pause(number)).await;
        }
    }

    fn line(&self) -> String {
        let Counters { open, ended, reading, .. } = &*self.0;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!("{} {} {}", of(open), of(ended), of(reading))
    }
}

/// Not all at once.
fn pause(number: usize) -> Duration {
    5 * SECOND + Duration::from_millis(number as u64 * 7 % 5_000)
}

const UPLOAD: &[u8] = b"POST /upload HTTP/1.1\r\nHost: shop\r\nContent-Type: text/plain\r\n\
    Content-Length: 4096\r\n\r\n";
const SECOND: Duration = Duration::from_secs(1);
