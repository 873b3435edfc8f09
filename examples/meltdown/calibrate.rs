//! Finds out what this database sustains on this machine.
//!
//! Through the same shop and the same client as the runs, so that what these
//! cost is part of the figure and not of the verdict.

use std::time::Duration;

use tokio::time::Instant;

use crate::client::Customers;
use crate::errand::Errands;
use crate::mix::{Route, database_deck};
use crate::terminal::failure::{Failure, Result};
use crate::watching::progress::Progress;

/// Requests in flight of the closed loop.
const LEVELS: [usize; 3] = [2, 4, 8];
/// Part of each level in which caches and connections warm up.
const WARM_UP: f64 = 0.2;
/// Requests per route in the unloaded measurement: many of the cheap ones, whose figure
/// is little more than noise.
const UNLOADED: usize = 100;
const UNLOADED_SEARCHES: usize = 15;
/// The one without a database first, as it tells what the plumbing takes.
const UNLOADED_ORDER: [Route; 6] =
    [Route::Health, Route::Product, Route::Search, Route::Checkout, Route::Review, Route::View];

/// The measure of all that follows.
#[derive(Clone, Debug)]
pub(crate) struct Calibration {
    /// Unloaded cost of each route at the database.
    pub(crate) costs: Vec<(Route, Duration)>,
    /// Concurrency and database work per second (in unloaded seconds) of each
    /// level of the closed loop.
    pub(crate) levels: Vec<(usize, f64)>,
}

impl Calibration {
    pub(crate) async fn measure(
        customers: &Customers,
        mut errands: Errands,
        step: Duration,
    ) -> Result<Self> {
        let steps = LEVELS.len() as u32 + 1;
        let progress = Progress::begin("calibration", step * steps);
        let mut measured =
            Self { costs: unloaded(customers, &mut errands).await?, levels: Vec::new() };
        for (done, level) in (1..).zip(LEVELS) {
            progress.tick(step * done, &format!("{level} at once"));
            let work = measured.closed_loop(customers, &mut errands, level, step).await;
            measured.levels.push((level, work));
        }
        progress.end();
        if measured.sustained_work() > 0.0 {
            Ok(measured)
        } else {
            Err(Failure::new("calibration got no answer from the database"))
        }
    }

    /// Database work per second at the best level, measured again: a shared machine is
    /// not equally fast all the time.
    pub(crate) async fn measure_again(
        &self,
        customers: &Customers,
        mut errands: Errands,
        step: Duration,
    ) -> f64 {
        let best = self.levels.iter().max_by(|one, other| one.1.total_cmp(&other.1));
        let level = best.map_or(LEVELS[0], |(level, _)| *level);
        self.closed_loop(customers, &mut errands, level, step).await
    }

    /// Unloaded database time of one request, in seconds.
    pub(crate) fn weight(&self, route: Route) -> f64 {
        let cost = self.costs.iter().find(|(known, _)| *known == route);
        cost.map_or(0.0, |(_, cost)| cost.as_secs_f64())
    }

    /// Database work per second at the best level.
    pub(crate) fn sustained_work(&self) -> f64 {
        self.levels.iter().map(|(_, work)| *work).fold(0.0, f64::max)
    }

    /// Requests per second of the whole mix that keep the database just busy.
    pub(crate) fn sustained_rate(&self) -> f64 {
        let mean: f64 = Route::ALL
            .into_iter()
            .map(|route| self.weight(route) * f64::from(route.share()) / 100.0)
            .sum();
        self.sustained_work() / mean
    }

    /// The searches' part of the database's work, in per cent.
    pub(crate) fn search_share(&self) -> f64 {
        let work = |route: Route| self.weight(route) * f64::from(route.share());
        100.0 * work(Route::Search) / Route::ALL.into_iter().map(work).sum::<f64>()
    }

    /// Work per second of `level` customers who ask again as soon as they have
    /// their answer.
    async fn closed_loop(
        &self,
        customers: &Customers,
        errands: &mut Errands,
        level: usize,
        step: Duration,
    ) -> f64 {
        let start = Instant::now();
        let (from, until) = (start + step.mul_f64(WARM_UP), start + step);
        let workers: Vec<_> = (0..level)
            .map(|_| {
                // Everyone with a deck of his own, long enough for the step.
                let decks = (0..64).flat_map(|_| database_deck(errands.rng())).collect::<Vec<_>>();
                let asked: Vec<_> =
                    decks.into_iter().map(|route| errands.to(route, Duration::ZERO)).collect();
                let customers = customers.clone();
                tokio::spawn(async move {
                    let mut answered = Vec::new();
                    for errand in asked.iter().cycle() {
                        let success = customers.attempt(errand).await.answer.is_success();
                        let now = Instant::now();
                        if now >= until {
                            break;
                        }
                        if success && now >= from {
                            answered.push(errand.route);
                        }
                    }
                    answered
                })
            })
            .collect();
        let mut work = 0.0;
        for worker in workers {
            let answered = worker.await.expect("customers do not panic");
            work += answered.into_iter().map(|route| self.weight(route)).sum::<f64>();
        }
        work / (until - from).as_secs_f64()
    }
}

/// The typical latency of each route without any load, less that of a route
/// without a database.
async fn unloaded(customers: &Customers, errands: &mut Errands) -> Result<Vec<(Route, Duration)>> {
    let mut latencies = Vec::new();
    for route in UNLOADED_ORDER {
        let mut seen = Vec::new();
        let times = if route == Route::Search { UNLOADED_SEARCHES } else { UNLOADED };
        for _ in 0..times {
            let errand = errands.to(route, Duration::ZERO);
            let sent = Instant::now();
            let answer = customers.attempt(&errand).await.answer;
            if !answer.is_success() {
                return Err(Failure::new(format!(
                    "calibration: {} answered {answer}",
                    errand.path
                )));
            }
            seen.push(sent.elapsed());
        }
        seen.sort();
        latencies.push((route, seen[times / 2]));
    }
    let plumbing = latencies[0].1;
    Ok(latencies
        .into_iter()
        .skip(1)
        .map(|(route, latency)| (route, latency.saturating_sub(plumbing)))
        .collect())
}
