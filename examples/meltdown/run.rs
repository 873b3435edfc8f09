//! One run from the first customer to the settled ledger.

use std::net::TcpListener;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Runtime;

use crate::calibrate::Calibration;
use crate::client::Customers;
use crate::dialect::Source;
use crate::errand::{Errand, Errands};
use crate::load;
use crate::mix::Route;
use crate::protection::Protection;
use crate::quiet_hours;
use crate::record::Record;
use crate::recovery::time_to_recover;
use crate::seed::audit;
use crate::server::Server;
use crate::store::Store;
use crate::terminal::failure::Result;
use crate::timeline::{Phase, Timeline};
use crate::watching::figures::per_cent;
use crate::watching::ledger::Ledger;
use crate::watching::progress::Progress;

/// What all runs share.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The generator's threads; the shop has its own.
    pub(crate) runtime: Runtime,
    pub(crate) listener: TcpListener,
    pub(crate) source: Source,
    /// For seeding and for the audit, never for customers.
    pub(crate) store: Store,
    pub(crate) products: i64,
    pub(crate) seed: u64,
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) name: &'static str,
    /// Whether the shop had a guard that may refuse.
    pub(crate) guarded: bool,
    pub(crate) record: Record,
    pub(crate) ledger: Ledger,
    /// Database work per second that reached customers in the surge.
    pub(crate) work: f64,
    /// What the database sustained, on the average of before and after the run.
    pub(crate) sustained: f64,
    pub(crate) recovered: Option<Duration>,
    /// Whether connections stayed lost after the run, until a restart.
    pub(crate) restarted: bool,
    /// The page of the database handle, at the end.
    pub(crate) database_page: String,
    /// The drafts of its postmortems, in Markdown.
    pub(crate) postmortems: String,
}

/// Item that only calibration sells; runs sell the ones after it.
const CALIBRATION_ITEM: i64 = 0;

impl Stage {
    pub(crate) fn calibrate(&self, step: Duration) -> Result<Calibration> {
        let server = self.calibration_server()?;
        let errands = self.errands("calibration");
        self.runtime.block_on(async {
            let customers = Customers::new(server.address);
            Calibration::measure(&customers, errands, step).await
        })
    }

    /// What the database sustains now, in work per second.
    pub(crate) fn sustained_now(&self, calibration: &Calibration, step: Duration) -> Result<f64> {
        let server = self.calibration_server()?;
        let customers = Customers::new(server.address);
        let errands = self.errands("calibration again");
        Ok(self.runtime.block_on(calibration.measure_again(&customers, errands, step)))
    }

    fn calibration_server(&self) -> Result<Server> {
        Server::start(&self.listener, &self.source, Protection::absent(), CALIBRATION_ITEM)
    }

    /// Replays the surge once, selling `item`.
    pub(crate) fn run(
        &self,
        protection: Protection,
        item: i64,
        timeline: Timeline,
        calibration: &Calibration,
    ) -> Result<Run> {
        let (name, guarded) = (protection.name(), protection.refuses());
        let mut server = Server::start(&self.listener, &self.source, protection.clone(), item)?;
        // The same seed for every run: the same customers come at the same time.
        let schedule = self
            .errands(&format!("{name}-{item}"))
            .schedule(&timeline, calibration.sustained_rate());
        let (record, quiet) =
            self.runtime.block_on(self.replay(name, &server, timeline, schedule))?;
        if !quiet {
            // What the operators of the outage did: no connection came back.
            drop(server);
            server = Server::start(&self.listener, &self.source, protection, item)?;
        }
        let database_page = server.shop.database_page();
        let postmortems = server.shop.postmortems();
        let customers = Customers::new(server.address);
        let was_placed = async |order: &str| customers.was_placed(order).await;
        let audit = async || audit(&self.store, item).await;
        let ledger = Ledger::settle(record.orders(), was_placed, audit);
        let ledger = self.runtime.block_on(ledger)?;
        let work = record.surge_goodput(|route| calibration.weight(route));
        Ok(Run {
            name,
            guarded,
            work,
            sustained: calibration.sustained_work(),
            recovered: time_to_recover(&record),
            restarted: !quiet,
            database_page,
            postmortems,
            record,
            ledger,
        })
    }

    /// The quiet hours, then the customers; also tells whether the database had peace in
    /// the end.
    async fn replay(
        &self,
        name: &'static str,
        server: &Server,
        timeline: Timeline,
        schedule: Vec<Errand>,
    ) -> Result<(Record, bool)> {
        let customers = Customers::new(server.address);
        let before = quiet_hours::pass(&customers, self.errands("quiet hours")).await?;
        let progress = Progress::begin(name, timeline.end());
        let record = load::run(timeline, schedule, &customers, &server.shop, progress).await;
        Ok((Record { before, ..record }, server.quiet().await))
    }

    fn errands(&self, run: &str) -> Errands {
        Errands::new(StdRng::seed_from_u64(self.seed), self.products, run)
    }
}

impl Run {
    /// Work in the surge in per cent of what the database sustains.
    pub(crate) fn goodput(&self) -> f64 {
        100.0 * self.work / self.sustained
    }

    /// Per cent of the surge in which the database had at least one query to do.
    pub(crate) fn busy(&self) -> f64 {
        let (start, end) = self.record.timeline.span(Phase::Surge);
        let seen = self.record.figures.iter().filter(|(at, _)| (start..end).contains(at));
        per_cent(seen.map(|(_, guard)| guard.queries > 0))
    }

    /// Per cent of a route's requests in the surge that got a useful answer.
    pub(crate) fn surge_success(&self, route: Route) -> f64 {
        self.record.success(Phase::Surge, |asked| asked == route)
    }

    /// Refusals of routes that need no database, over the whole run.
    pub(crate) fn needless_refusals(&self) -> usize {
        let answers = self.record.answers(|route| !route.needs_database());
        answers.into_iter().filter(|(answer, _)| answer.is_refusal()).map(|(_, count)| count).sum()
    }
}
