//! What customers ask for.

use crate::class::Priority;

/// One kind of request.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Its share of all requests.
    pub share: f64,
    /// The mean time of its query alone, in seconds; of a request without a query, the
    /// time that it takes.
    pub seconds: f64,
    /// The spread of that time: σ of the logarithm. 0 is constant, 1 usual, 2 heavy.
    pub spread: f64,
    /// A tail heavier than that of any `spread`, and in its place: the index α of a
    /// Pareto distribution, more than 1. Below 2 the variance is infinite.
    pub pareto: Option<f64>,
    /// Its priority.
    pub priority: Priority,
    /// Whether it has a query at all. If not, it is exempt at every guard that does not
    /// stand around the whole application.
    pub needs_database: bool,
    /// The share of its work that it can do without: a second query, after the first, that
    /// is left out if the guard's level says so for this client. 0 to 1.
    pub optional: f64,
}

impl Demand {
    /// A request with a query of so many seconds, spread as usual (0.8).
    #[must_use]
    pub fn new(share: f64, seconds: f64, priority: Priority) -> Self {
        let (spread, pareto, optional) = (0.8, None, 0.0);
        Self { share, seconds, spread, pareto, priority, needs_database: true, optional }
    }

    /// The same, of whose work this share is optional. From 0 to 1; default: 0.
    ///
    /// ```
    /// use brownout::{Priority::Normal, limit::Knee};
    /// use brownout::simulate::{Demand, Guard, Scenario, simulate};
    ///
    /// let mut scenario = Scenario::new("surge").phase(20.0, 0.5).phase(20.0, 1.5);
    /// scenario.demands = vec![Demand::new(1.0, 0.01, Normal).optional(0.6)];
    /// let surge = simulate(&scenario, || Guard::limit(Knee::default()), 1).phases[1];
    /// assert!(surge.refused < 0.1, "few are refused, before it has come down: {surge:?}");
    /// assert!(surge.optional < 0.7, "some of what is optional is left out: {surge:?}");
    /// ```
    #[must_use]
    pub fn optional(self, share: f64) -> Self {
        Self { optional: share.clamp(0.0, 1.0), ..self }
    }

    /// A request that needs no database and takes half a millisecond: a static page, a
    /// health check.
    #[must_use]
    pub fn free(share: f64, priority: Priority) -> Self {
        Self { needs_database: false, spread: 0.0, ..Self::new(share, 0.0005, priority) }
    }

    /// Its mean work for the database, in seconds.
    pub(super) fn work(&self) -> f64 {
        if self.needs_database { self.seconds } else { 0.0 }
    }
}
