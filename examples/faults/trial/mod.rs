//! One fault, from a healthy shop over what goes wrong to the settled ledger.

pub(crate) mod course;
pub(crate) mod customers;
pub(crate) mod dialect;
pub(crate) mod errand;
pub(crate) mod failure;
pub(crate) mod fault;
pub(crate) mod findings;
mod host;
mod load;
pub(crate) mod panics;
mod peak;
pub(crate) mod protection;
mod proxy;
pub(crate) mod record;
pub(crate) mod seed;
pub(crate) mod server;
pub(crate) mod shop;
pub(crate) mod store;
#[allow(dead_code, reason = "examples use the rest")]
#[path = "../../watching/mod.rs"]
mod watching;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use course::Course;
use customers::Customers;
use failure::Result;
use fault::{Fault, Scene};
use findings::Findings;
use host::Host;
use protection::{Guard, Protection};
use proxy::Proxy;
use record::Record;
use server::{Login, Server};
use watching::ledger::Ledger;

/// A server with a filled shop.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) server: Server,
}

/// What was seen while it went wrong.
struct Seen {
    record: Record,
    start: Instant,
    /// As it was just before the fault, just after it, and at the very end.
    guards: [Guard; 3],
    ledger: Ledger,
}

impl Stage {
    /// Starts a server of this kind and fills the shop's tables.
    pub(crate) async fn set(dialect: dialect::Dialect) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let server = Server::start(dialect).await?;
        seed::fill(dialect, &server.url(Login::Shop)).await?;
        Ok(Self { server })
    }

    /// Requests per second that the server answers to a few customers who never pause.
    pub(crate) async fn sustained(&mut self) -> Result<f64> {
        let (dialect, url) = (self.server.dialect, self.server.url(Login::Shop));
        seed::open_books(&url).await?;
        let host = Host::start(dialect, url, Protection::absent()).await?;
        let schedule = errand::schedule("calibration", 10_000.0, Duration::from_secs(1));
        Ok(load::without_pause(schedule, &Customers::new(host.address)).await)
    }

    /// Has a fault strike a shop under load. The thread that calls has to outlive the
    /// stage, since a server ends with the thread that restarted it.
    pub(crate) async fn play(
        &mut self,
        fault: Fault,
        course: Course,
        guarded: bool,
    ) -> Result<Findings> {
        let panics = panics::so_far();
        let (dialect, url) = (self.server.dialect, self.server.url(Login::Shop));
        seed::open_books(&url).await?;
        let protection = if guarded { Protection::present()? } else { Protection::absent() };
        let proxy = Proxy::before(&url).await?;
        let way = if fault.is_of_the_network() { &proxy.url } else { &url };
        let host = Host::start(dialect, way.clone(), protection.clone()).await?;
        let seen = self.watch(fault, course, &host, &proxy).await?;
        let starts = host.shop.store.take_starts();
        let starts = starts.into_iter().map(|at| at.saturating_duration_since(seen.start));
        let begin = seen.start + seen.record.fault.start;
        let opened = protection.opened(begin..seen.start + seen.record.end);
        let refusals = protection.refusals(begin..seen.start + seen.record.fault.end);
        Ok(Findings {
            fault,
            guarded,
            opened: opened.map(|at| at - begin),
            refusals,
            starts: starts.collect(),
            guards: seen.guards,
            panics: panics::so_far() - panics,
            ledger: seen.ledger,
            record: seen.record,
        })
    }

    async fn watch(
        &mut self,
        fault: Fault,
        course: Course,
        host: &Host,
        proxy: &Proxy,
    ) -> Result<Seen> {
        let customers = Customers::new(host.address);
        for errand in errand::quiet_hours() {
            customers.go(&errand).await;
        }
        drop(host.shop.store.take_starts());
        let name = format!("{}-{}", self.server.dialect.name(), fault.name());
        let schedule = errand::schedule(&name, course.rate, course.end());
        let start = Instant::now();
        let load = tokio::spawn(load::run(start, schedule, customers.clone()));
        sleep_until(start + course.warm_up).await;
        let before = host.shop.protection.figures();
        let begin = start.elapsed();
        let store = &host.shop.store;
        let mut scene = Scene { server: &mut self.server, customers: &customers, store, proxy };
        fault.strike(&mut scene, course.fault).await?;
        let fault = begin..start.elapsed();
        let after = host.shop.protection.figures();
        let exchanges = load.await.expect("the load does not panic");
        let record = Record { exchanges, fault, end: course.end() };
        host.calm_down().await;
        let guards = [before, after, host.shop.protection.figures()];
        let ledger = self.settle(&record).await?;
        Ok(Seen { record, start, guards, ledger })
    }

    /// Through another instance of the shop, since this one may have come to harm.
    async fn settle(&self, record: &Record) -> Result<Ledger> {
        let (dialect, url) = (self.server.dialect, self.server.url(Login::Shop));
        let other = Host::start(dialect, url.clone(), Protection::absent()).await?;
        let customers = Customers::new(other.address);
        let was_placed = async |order: &str| customers.was_placed(order).await;
        Ledger::settle(record.orders(), was_placed, async || seed::audit(&url).await).await
    }
}
