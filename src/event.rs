//! Every decision and transition, for whoever wants to see.

mod cause;

pub use cause::{BadCalls, Cause, WorstStatement};

use std::{fmt, sync::Arc};

use crate::{
    class::{Priority, Route},
    rejection::Reason,
};

/// Something a gate did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A request was refused.
    Refused {
        /// Its priority.
        priority: Priority,
        /// Why.
        reason: Reason,
        /// The route that it takes, if that is known.
        route: Option<Route>,
    },
    /// The circuit changed its state.
    Circuit {
        /// Whose it is.
        of: Subject,
        /// From.
        from: Circuit,
        /// To.
        to: Circuit,
        /// Why, with figures.
        cause: Cause,
    },
    /// The concurrency limit moved, in requests in flight at once.
    Limit {
        /// Whose it is.
        of: Subject,
        /// From.
        from: usize,
        /// To.
        to: usize,
    },
}

/// What a circuit or a limit is for: a database, or one route at a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The name of the database. `None` where a gate stands alone.
    pub database: Option<Arc<str>>,
    /// The route, where it is for one alone.
    pub route: Option<Route>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.route, self.database.as_deref().unwrap_or("the database")) {
            (Some(route), database) => write!(f, "{route} at {database}"),
            (None, database) => f.write_str(database),
        }
    }
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Circuit {
    /// Passing.
    #[default]
    Closed,
    /// Dimmed: it refuses the lower priorities and a growing share, never the critical.
    Partial,
    /// Refusing.
    Open,
    /// Trying: a bounded number of probes pass.
    HalfOpen,
}

impl Circuit {
    /// The name in lower case, as it stands in a label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Partial => "partial",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Watches what the gates do. Closures do it, and `()` watches nothing.
pub trait Observe: Send + Sync {
    /// Called on the path of the request, after the decision: be quick, never block.
    fn observe(&self, event: &Event);
}

impl Observe for () {
    fn observe(&self, _event: &Event) {}
}

impl<F> Observe for F
where
    F: Fn(&Event) + Send + Sync,
{
    fn observe(&self, event: &Event) {
        self(event);
    }
}
