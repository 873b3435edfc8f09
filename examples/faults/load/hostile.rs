//! Bad input by the million: what is sent to a service that has everything switched on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::account::Account;
use super::forgery::{Forged, broken, forged};
use super::memory::heap;
use super::target::Target;
use super::wire::Wire;
use crate::trial::failure::Result;
use crate::trial::panics;

pub(crate) async fn run(inputs: usize) -> Result<Account> {
    let panicked = panics::so_far();
    eprintln!("hostile inputs: {inputs} …");
    let target = Target::start()?;
    let attack = Attack { target: target.address, ..Attack::default() };
    // Connections and pools are there then.
    attack.rage(inputs / 100).await;
    let before = heap();
    let start = Instant::now();
    attack.rage(inputs / 2).await;
    let half = heap();
    attack.rage(inputs).await;
    let (after, seconds) = (heap(), start.elapsed().as_secs_f64());
    let Counts { sent, answered, lost, broken, hung, .. } = &*attack.counts;
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let mut account = Account {
        trial: "hostile inputs".to_owned(),
        requests: of(sent),
        seconds,
        bad_inputs: of(sent) + of(broken),
        lost: of(lost),
        leaked: target.leaked().await,
        panics: (panics::so_far() - panicked) as u64,
        ..Account::default()
    };
    let grown = after.saturating_sub(before);
    account.promise(grown < MAY_GROW, format!("the heap grew by {grown} bytes"));
    account.promise(of(hung) == 0, format!("{} broken requests were not ended", of(hung)));
    account.promise(of(answered) + of(lost) == of(sent), "requests are not accounted for");
    account.broken.extend(attack.counts.first_loss.get().cloned());
    let mb = |from: u64, to: u64| (to as f64 - from as f64) / 1_048_576.0;
    account.notes = vec![
        format!(
            "{} requests with a path, a client and a statement of its own each and forged headers, \
             {} answered; {} broken ones",
            of(sent),
            of(answered),
            of(broken)
        ),
        format!(
            "the heap grew by {:.1} MB in the first half and {:.1} MB in the second",
            mb(before, half),
            mb(half, after)
        ),
        target.describe(),
    ];
    Ok(account)
}

/// Who sends it. Clones are the same.
#[derive(Clone, Debug)]
struct Attack {
    target: SocketAddr,
    /// The number of the next input.
    next: Arc<AtomicUsize>,
    counts: Arc<Counts>,
}

impl Default for Attack {
    fn default() -> Self {
        let target = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { target, next: Arc::default(), counts: Arc::default() }
    }
}

#[derive(Debug, Default)]
struct Counts {
    /// Requests that are valid, whatever they say.
    sent: AtomicU64,
    answered: AtomicU64,
    lost: AtomicU64,
    /// What is no request at all.
    broken: AtomicU64,
    /// Of these, those whose connection did not end.
    hung: AtomicU64,
    first_loss: OnceLock<String>,
}

impl Attack {
    /// Goes on to the input of this number.
    async fn rage(&self, inputs: usize) {
        let mut out = JoinSet::new();
        for _ in 0..AT_ONCE {
            let own = self.clone();
            out.spawn(async move {
                while own.next.load(Ordering::Relaxed) < inputs {
                    own.one_connection(inputs).await;
                }
            });
        }
        out.join_all().await;
    }

    /// A batch after the other, and something that is broken after some.
    async fn one_connection(&self, inputs: usize) {
        let mut wire = None;
        loop {
            let another = |next| (next < inputs).then_some(next + AT_A_TIME);
            let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
            let Ok(first) = self.next.fetch_update(set, fetch, another) else { return };
            let batch: Vec<_> = (first..first + AT_A_TIME).map(forged).collect();
            let mut rest = &batch[..];
            while !rest.is_empty() {
                let Ok(mut own) = self.connection(&mut wire).await else { return };
                let (done, goes_on) = self.send(&mut own, rest).await;
                rest = &rest[done..];
                wire = Some(own).filter(|_| goes_on);
            }
            if (first / AT_A_TIME) % BROKEN_EACH == 0
                && let Ok(own) = self.connection(&mut wire).await
            {
                self.send_broken(own, first).await;
            }
        }
    }

    /// The one that is open, or another.
    async fn connection(&self, open: &mut Option<Wire>) -> std::io::Result<Wire> {
        match open.take() {
            Some(wire) => Ok(wire),
            None => Wire::open(self.target).await,
        }
    }

    /// How many of the batch came to an end, and whether the connection goes on. What was sent
    /// behind an answer that is the last of its connection has to be sent again.
    async fn send(&self, wire: &mut Wire, batch: &[Forged]) -> (usize, bool) {
        let bytes: Vec<u8> = batch.iter().flat_map(|own| own.bytes.iter().copied()).collect();
        let counts = &self.counts;
        // The server may have ended it after some of them.
        let _ = wire.send(&bytes).await;
        for (index, own) in batch.iter().enumerate() {
            counts.sent.fetch_add(1, Ordering::Relaxed);
            match timeout(PATIENCE, wire.answer(own.is_head)).await {
                Ok(Ok(said)) => {
                    counts.answered.fetch_add(1, Ordering::Relaxed);
                    if said.closes {
                        return (index + 1, false);
                    }
                }
                other => {
                    self.note_loss(own, &format!("{other:?}"));
                    counts.lost.fetch_add(1, Ordering::Relaxed);
                    return (index + 1, false);
                }
            }
        }
        (batch.len(), true)
    }

    /// The first is kept, to be looked at.
    fn note_loss(&self, lost: &Forged, why: &str) {
        let request = String::from_utf8_lossy(&lost.bytes);
        let shown: String = request.chars().take(400).collect();
        self.counts.first_loss.get_or_init(|| format!("{why} in place of an answer to {shown:?}"));
    }

    /// Sends what is no request and waits for the end of the connection.
    async fn send_broken(&self, mut wire: Wire, number: usize) {
        self.counts.broken.fetch_add(1, Ordering::Relaxed);
        let mut rng = StdRng::seed_from_u64(number as u64);
        let end = async {
            // It may be ended before all is sent.
            let _ = wire.send(&broken(&mut rng)).await;
            let _ = wire.stream.shutdown().await;
            let mut rest = [0; 4_096];
            while wire.stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
        };
        if timeout(PATIENCE, end).await.is_err() {
            self.counts.hung.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Connections, and requests that are sent at once on each.
const AT_ONCE: usize = 16;
const AT_A_TIME: usize = 16;
/// Batches after which something broken is sent.
const BROKEN_EACH: usize = 4;
const PATIENCE: Duration = Duration::from_secs(30);
/// 100 000 clients, kept answers, routes and statements take no more, and all else nothing.
const MAY_GROW: u64 = 48 << 20;

#[cfg(test)]
mod tests {
    use super::super::memory::JUDGED;
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_few_hundred_bad_inputs_are_answered_or_ended_and_cost_nothing() {
        let _alone = JUDGED.lock().await;
        let account = run(640).await.expect("it starts");
        assert_eq!(account.failures(), [""; 0], "{:?}", account.notes);
        assert!(account.requests >= 400 && account.bad_inputs > account.requests, "{account:?}");
    }
}
