//! What happens to the service, and what its database is like.

use super::{
    demand::Demand,
    phase::{Course, Moment, Phase},
};
use crate::class::Priority;

/// Traffic, database and customers of one simulation. The defaults are a database with
/// its knee at 16 that does about 600 requests a second, behind a pool of 64, and
/// customers who wait a second and try again twice.
#[derive(Clone, Debug)]
#[must_use]
pub struct Scenario {
    /// For people.
    pub name: String,
    /// What is asked for.
    pub demands: Vec<Demand>,
    pub(super) phases: Vec<Phase>,
    /// Queries at once at which throughput peaks.
    pub knee: f64,
    /// The share σ of a query that runs alone. 0 to 1.
    pub contention: f64,
    /// Connections of each instance.
    pub pool: usize,
    /// Instances of the service on the one database.
    pub instances: usize,
    pub(super) starts_within: f64,
    /// How long a customer waits for an answer, in seconds.
    pub timeout: f64,
    /// How often a customer tries again.
    pub retries: u32,
    /// The mean pause before a retry, in seconds; it doubles each time.
    pub backoff: f64,
    /// The share of queries that fail at once, for reasons of their own.
    pub errors: f64,
}

impl Scenario {
    /// The defaults, without any phase yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            demands: vec![
                Demand::new(0.2, 0.008, Priority::Critical),
                Demand::new(0.5, 0.006, Priority::Normal),
                Demand::new(0.3, 0.020, Priority::Sheddable),
            ],
            phases: Vec::new(),
            knee: 16.0,
            contention: 0.02,
            pool: 64,
            instances: 1,
            starts_within: 0.0,
            timeout: 1.0,
            retries: 2,
            backoff: 0.1,
            errors: 0.0,
        }
    }

    /// So many seconds at `load` times what the database can do at best.
    pub fn phase(mut self, seconds: f64, load: f64) -> Self {
        self.phases.push(Phase::new(seconds, load));
        self
    }

    /// In the last phase, this share of the database's speed is left; 0 is a stall.
    pub fn speed(self, speed: f64) -> Self {
        self.last(|phase| phase.speed = Course::steady(speed))
    }

    /// In the last phase, the database's speed moves to this share of its own, in a
    /// straight line from what it was set to.
    pub fn speed_drifts_to(self, speed: f64) -> Self {
        self.last(|phase| phase.speed.to = speed)
    }

    /// In the last phase, every query takes so many seconds longer without any work.
    pub fn delay(self, seconds: f64) -> Self {
        self.last(|phase| phase.delay = Course::steady(seconds))
    }

    /// In the last phase, the delay moves to so many seconds, in a straight line from
    /// what it was set to.
    pub fn delay_drifts_to(self, seconds: f64) -> Self {
        self.last(|phase| phase.delay.to = seconds)
    }

    /// In the last phase, the dearest kind of request comes so many times as often, at
    /// an equal rate of all.
    pub fn dear(self, times: f64) -> Self {
        self.last(|phase| phase.dear = times)
    }

    /// In the last phase, the load comes in bursts: three times as much in a fifth of
    /// each second, half as much in the rest.
    pub fn bursts(self) -> Self {
        self.last(|phase| phase.bursts = true)
    }

    /// The first instance starts at once and the others at random within so many
    /// seconds. An instance has traffic only from its start on; those that run share all
    /// of it.
    pub fn starts_within(mut self, seconds: f64) -> Self {
        self.starts_within = seconds;
        self
    }

    /// The same conditions with next to no load, for long enough to see what latency is
    /// when nobody waits for anybody.
    pub fn unloaded(mut self) -> Self {
        for phase in &mut self.phases {
            phase.load = 0.05;
            phase.bursts = false;
            phase.seconds = phase.seconds.max(200.0);
        }
        self
    }

    fn last(mut self, change: impl FnOnce(&mut Phase)) -> Self {
        if let Some(phase) = self.phases.last_mut() {
            change(phase);
        }
        self
    }

    /// The speed of each of `queries` that run at once, against one alone.
    pub(super) fn speed_of_each(&self, queries: f64) -> f64 {
        let coherency = (1.0 - self.contention) / (self.knee * self.knee);
        1.0 / (1.0 + (queries - 1.0) * (self.contention + coherency * queries))
    }

    /// Work per second at the knee, in seconds of a query alone.
    pub(super) fn capacity(&self) -> f64 {
        let at = |queries: f64| queries * self.speed_of_each(queries);
        at(self.knee.floor()).max(at(self.knee.ceil()))
    }

    /// The mean work of a request in the usual mix, in seconds of the database.
    pub(super) fn mean_work(&self) -> f64 {
        let shares: f64 = self.demands.iter().map(|demand| demand.share).sum();
        let work = |demand: &Demand| demand.share * demand.work();
        self.demands.iter().map(work).sum::<f64>() / shares
    }

    /// The conditions in force; None when all phases are over.
    pub(super) fn at(&self, seconds: f64) -> Option<Moment<'_>> {
        Moment::of(&self.phases, seconds)
    }
}
