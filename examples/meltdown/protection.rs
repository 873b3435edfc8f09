//! The only place that knows admission control: what guards the shop in a run.

use std::future::Future;

use axum::Router;

/// What stands between the customers and the shop's handlers.
#[derive(Clone, Debug)]
pub(crate) enum Protection {
    /// Nothing, as in the outage.
    Absent,
}

/// The guard's inner state at one instant, for the plots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    /// Requests that may be in flight at once.
    pub(crate) limit: usize,
    pub(crate) in_flight: usize,
    pub(crate) waiting: usize,
    pub(crate) circuit: Circuit,
    /// Refusals since the start by reason.
    pub(crate) refused: Vec<(String, u64)>,
}

/// State of the circuit breaker.
#[expect(dead_code, reason = "without a guard no circuit opens")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Circuit {
    #[default]
    Closed,
    HalfOpen,
    Open,
}

impl Protection {
    /// The guards to compare, in the order of their runs.
    pub(crate) fn variants() -> Vec<Self> {
        vec![Self::Absent]
    }

    /// What the run is called.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Absent => "unprotected",
        }
    }

    /// Whether something in this run may refuse a request.
    pub(crate) fn refuses(&self) -> bool {
        match self {
            Self::Absent => false,
        }
    }

    /// Puts the guard in front of the shop.
    pub(crate) fn guard(&self, shop: Router) -> Router {
        match self {
            Self::Absent => shop,
        }
    }

    /// Lets the guard time one query.
    pub(crate) async fn timed<T, E>(
        &self,
        _statement: &'static str,
        query: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self {
            Self::Absent => query.await,
        }
    }

    /// The guard's figures, if there is a guard.
    pub(crate) fn figures(&self) -> Option<Guard> {
        match self {
            Self::Absent => None,
        }
    }
}
