//! What happens to the service, and what its database is like.

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
    /// How long a customer waits for an answer, in seconds.
    pub timeout: f64,
    /// How often a customer tries again.
    pub retries: u32,
    /// The mean pause before a retry, in seconds; it doubles each time.
    pub backoff: f64,
    /// The share of queries that fail at once, for reasons of their own.
    pub errors: f64,
}

/// One kind of request.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Its share of all requests.
    pub share: f64,
    /// The mean time of its query alone, in seconds.
    pub seconds: f64,
    /// The spread of that time: σ of the logarithm. 0 is constant, 1 usual, 2 heavy.
    pub spread: f64,
    /// Its priority.
    pub priority: Priority,
}

/// A stretch of time with the same conditions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub(super) seconds: f64,
    /// Arrivals in multiples of what the database can do at best.
    pub(super) load: f64,
    /// What is left of the database's speed.
    pub(super) speed: f64,
    /// Added to every query without work, in seconds.
    pub(super) delay: f64,
    /// Multiplies the share of the dearest kind of request.
    pub(super) dear: f64,
    /// Within each second, the load is tripled for a fifth and less in the rest.
    pub(super) bursts: bool,
}

impl Scenario {
    /// The defaults, without any phase yet.
    pub fn new(name: impl Into<String>) -> Self {
        let demand = |share, seconds, priority| Demand { share, seconds, spread: 0.8, priority };
        Self {
            name: name.into(),
            demands: vec![
                demand(0.2, 0.008, Priority::Critical),
                demand(0.5, 0.006, Priority::Normal),
                demand(0.3, 0.020, Priority::Sheddable),
            ],
            phases: Vec::new(),
            knee: 16.0,
            contention: 0.02,
            pool: 64,
            instances: 1,
            timeout: 1.0,
            retries: 2,
            backoff: 0.1,
            errors: 0.0,
        }
    }

    /// So many seconds at `load` times what the database can do at best.
    pub fn phase(mut self, seconds: f64, load: f64) -> Self {
        let plain = Phase { seconds, load, speed: 1.0, delay: 0.0, dear: 1.0, bursts: false };
        self.phases.push(plain);
        self
    }

    /// In the last phase, this share of the database's speed is left; 0 is a stall.
    pub fn speed(self, speed: f64) -> Self {
        self.last(|phase| phase.speed = speed)
    }

    /// In the last phase, every query takes so many seconds longer without any work.
    pub fn delay(self, seconds: f64) -> Self {
        self.last(|phase| phase.delay = seconds)
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

    /// The mean work of a request in the usual mix, in seconds.
    pub(super) fn mean_work(&self) -> f64 {
        let shares: f64 = self.demands.iter().map(|demand| demand.share).sum();
        let work = |demand: &Demand| demand.share * demand.seconds;
        self.demands.iter().map(work).sum::<f64>() / shares
    }

    /// The phase in force, and its number.
    pub(super) fn phase_at(&self, seconds: f64) -> Option<(usize, &Phase)> {
        let mut end = 0.0;
        self.phases.iter().enumerate().find(|(_, phase)| {
            end += phase.seconds;
            seconds < end
        })
    }
}

impl Phase {
    /// The load within a second.
    pub(super) fn load_at(&self, seconds: f64) -> f64 {
        match self.bursts {
            true if seconds.fract() < 0.2 => 3.0 * self.load,
            true => 0.5 * self.load,
            false => self.load,
        }
    }
}
