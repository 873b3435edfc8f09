//! Customers who come at a steady rate beside whatever else happens, and wait.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::books::{Books, number};
use super::client::{Client, Heard};
use super::tally::Tally;
use crate::trial::errand::{Errand, arrivals};

/// What customers have seen. Clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    client: Client,
    pub(crate) all: Tally,
    /// Of these, pages that need no database.
    pub(crate) pages: Tally,
    /// Of these, checkouts.
    pub(crate) checkouts: Tally,
    pub(crate) books: Books,
}

impl Seen {
    /// Nothing yet, with room for so many customers.
    pub(crate) fn nothing(run: &str, client: Client, customers: usize) -> Self {
        let [all, pages, checkouts] = [(); 3].map(|()| Tally::default());
        Self { client, all, pages, checkouts, books: Books::open(run, customers) }
    }

    /// Customers at `rate` per second for as long as `time`, and until the last has an answer.
    pub(crate) async fn come(
        &self,
        run: &str,
        shop: SocketAddr,
        rate: f64,
        time: Duration,
        leave: &mut watch::Receiver<bool>,
    ) {
        let start = Instant::now();
        let mut out = JoinSet::new();
        for errand in arrivals(run, rate).take_while(|errand| errand.at < time) {
            tokio::select! {
                () = sleep_until(start + errand.at) => {}
                _ = leave.wait_for(|leave| *leave) => break,
            }
            self.all.note_late(start.elapsed().saturating_sub(errand.at));
            let own = self.clone();
            out.spawn(async move { own.send(shop, &errand).await });
            while out.try_join_next().is_some() {}
        }
        out.join_all().await;
    }

    async fn send(&self, shop: SocketAddr, errand: &Errand) {
        self.begin(errand);
        let heard = self.client.go(shop, errand).await;
        self.end(errand, heard);
    }

    /// It is on its way.
    pub(crate) fn begin(&self, errand: &Errand) {
        order(errand).into_iter().for_each(|order| self.books.sent(order));
    }

    /// It has ended so.
    pub(crate) fn end(&self, errand: &Errand, heard: Heard) {
        self.all.note(heard);
        if !errand.route.needs_database() {
            self.pages.note(heard);
        }
        if let Some(order) = order(errand) {
            self.checkouts.note(heard);
            if heard == Heard::Served {
                self.books.acknowledged(order);
            }
        }
    }

    pub(crate) fn describe(&self) -> String {
        let Self { all, pages, checkouts, .. } = self;
        format!(
            "of {} who waited, {} served, {} refused, {} failed; pages without a database {:.2} %, \
             checkouts {:.1} %",
            all.all(),
            all.served(),
            all.refused(),
            all.failed(),
            pages.share(),
            checkouts.share(),
        )
    }
}

fn order(errand: &Errand) -> Option<usize> {
    errand.order.as_deref().and_then(number)
}

/// Customers who come until they are told that it is enough.
#[derive(Debug)]
pub(crate) struct Beside {
    seen: Seen,
    leave: watch::Sender<bool>,
    coming: JoinHandle<()>,
}

impl Beside {
    pub(crate) fn start(run: &'static str, shop: SocketAddr, client: Client, rate: f64) -> Self {
        let seen = Seen::nothing(run, client, room(rate, LONGEST));
        let (leave, mut told) = watch::channel(false);
        let own = seen.clone();
        let coming =
            tokio::spawn(async move { own.come(run, shop, rate, LONGEST, &mut told).await });
        Self { seen, leave, coming }
    }

    /// What they have seen, when the last has its answer.
    pub(crate) async fn stop(self) -> Seen {
        self.leave.send_replace(true);
        self.coming.await.expect("customers do not panic");
        self.seen
    }
}

/// Arrivals are random, and never that many more.
pub(crate) fn room(rate: f64, time: Duration) -> usize {
    (rate * time.as_secs_f64() * 1.1) as usize + 1_000
}

/// No trial takes longer.
const LONGEST: Duration = Duration::from_secs(3_600);
