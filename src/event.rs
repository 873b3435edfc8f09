//! Every decision and transition, for whoever wants to see.

mod cause;
mod kind;

pub use cause::{BadCalls, Cause, WorstStatement};

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    class::{Priority, Route},
    rejection::Reason,
};

/// Something a gate did. Its text is for people and their logs:
///
/// ```
/// use brownout::{Event, Priority, Reason};
///
/// let event = Event::Refused {
///     priority: Priority::Bulk,
///     reason: Reason::QueueFull,
///     route: None,
///     quota: None,
/// };
/// assert_eq!(event.to_string(), "refused a bulk request: too many requests wait already");
/// ```
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
        /// The name of the quota that is used up, if it is one.
        quota: Option<Arc<str>>,
    },
    /// A request was admitted that would have been refused, if that were not only to be
    /// reported.
    WouldRefuse {
        /// Its priority.
        priority: Priority,
        /// Why.
        reason: Reason,
        /// The route that it takes, if that is known.
        route: Option<Route>,
        /// The name of the quota that is used up, if it is one.
        quota: Option<Arc<str>>,
    },
    /// A request over its quota was not refused for that, but went on at another priority:
    /// `RateLimit::downgrade_to`.
    Downgraded {
        /// Its own priority.
        from: Priority,
        /// That at which it went on: the same, if its own was no higher.
        to: Priority,
        /// The route that it takes, if that is known.
        route: Option<Route>,
        /// The name of the quota that is used up.
        quota: Option<Arc<str>>,
    },
    /// A request was admitted that would have been downgraded, if that were not only to be
    /// reported.
    WouldDowngrade {
        /// Its own priority.
        from: Priority,
        /// That at which it would have gone on.
        to: Priority,
        /// The route that it takes, if that is known.
        route: Option<Route>,
        /// The name of the quota that is used up.
        quota: Option<Arc<str>>,
    },
    /// A quota that a fleet shares could not be asked for a request. From now on the gate
    /// decides by itself, as it was told to, where it gets no answer.
    FleetLost {
        /// What people call the store that the fleet shares.
        store: Arc<str>,
        /// The processes of the fleet, as far as this one knows.
        members: usize,
        /// What was wrong with it.
        why: Arc<str>,
    },
    /// The store that the fleet shares answers again, and has left no request without an
    /// answer for a second.
    FleetFound {
        /// What people call it.
        store: Arc<str>,
        /// Since it was lost.
        after: Duration,
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
    /// The level of a database moved, from 0 (all is served) to 1 (nothing optional is). Told
    /// when it has left 0, has come back to it or has reached 1, and for each tenth between; at
    /// most once a second, unless it is forced or released.
    Level {
        /// Whose it is.
        of: Subject,
        /// As it was told last.
        from: f64,
        /// As it is.
        to: f64,
        /// Why, with figures.
        cause: Cause,
    },
    /// From now on nobody new is admitted but the exempt, so that what is in flight can finish:
    /// `Admission::drain`.
    DrainBegan,
    /// Nothing is in flight any more. Told where somebody waits for it: `Admission::drained`.
    Drained {
        /// Since the drain began.
        after: Duration,
    },
    /// The drain was called off: `Admission::resume`.
    DrainEnded {
        /// Since it began.
        after: Duration,
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

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { priority, reason, route, quota } => {
                write!(f, "refused {}", Request { priority, reason, route, quota })
            }
            Self::WouldRefuse { priority, reason, route, quota } => {
                write!(f, "would have refused {}", Request { priority, reason, route, quota })
            }
            Self::Downgraded { from: priority, to, route, quota } => {
                let (verb, reason) = ("downgraded", &Reason::Quota);
                write!(f, "{verb} to {to} {}", Request { priority, reason, route, quota })
            }
            Self::WouldDowngrade { from: priority, to, route, quota } => {
                let (verb, reason) = ("would have downgraded", &Reason::Quota);
                write!(f, "{verb} to {to} {}", Request { priority, reason, route, quota })
            }
            Self::FleetLost { store, members, why } => {
                write!(f, "{store} does not answer one of {members} that share a quota: {why}")
            }
            Self::FleetFound { store, after } => {
                write!(f, "{store} answers again, after {after:.1?}")
            }
            Self::Circuit { of, from, to, cause } => {
                write!(f, "circuit of {of} from {} to {}: {cause}", from.as_str(), to.as_str())
            }
            Self::Level { of, from, to, cause } => {
                write!(f, "level of {of} from {from:.2} to {to:.2}: {cause}")
            }
            Self::DrainBegan => f.write_str("draining: nobody new is admitted"),
            Self::Drained { after } => {
                write!(f, "drained: nothing is in flight any more, after {after:.1?}")
            }
            Self::DrainEnded { after } => {
                write!(f, "the drain was called off after {after:.1?}: requests are admitted again")
            }
            Self::Limit { of, from, to } => write!(f, "limit of {of} from {from} to {to}"),
        }
    }
}

/// A request that is refused or downgraded, and why.
struct Request<'e> {
    priority: &'e Priority,
    reason: &'e Reason,
    route: &'e Option<Route>,
    quota: &'e Option<Arc<str>>,
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} request", self.priority)?;
        if let Some(route) = self.route {
            write!(f, " of {route}")?;
        }
        match self.quota {
            Some(quota) => write!(f, ": its quota `{quota}` is used up"),
            None => write!(f, ": {}", self.reason.explain()),
        }
    }
}

/// What a circuit, a level or a limit is for: a database, or one route at a database.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
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
    /// All states, from passing to refusing, and then trying.
    pub const ALL: [Self; 4] = [Self::Closed, Self::Partial, Self::Open, Self::HalfOpen];

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
    /// Called on the path of the request, after the decision: be quick, never block. In an
    /// `Admission`, a panic of it goes no further than the panic hook.
    fn observe(&self, event: &Event);

    /// Whether it looks at all: where it does not, no event is made of a refusal by a quota.
    /// Default: it does.
    #[doc(hidden)]
    fn looks(&self) -> bool {
        true
    }
}

impl Observe for () {
    fn observe(&self, _event: &Event) {}

    fn looks(&self) -> bool {
        false
    }
}

impl<F> Observe for F
where
    F: Fn(&Event) + Send + Sync,
{
    fn observe(&self, event: &Event) {
        self(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_as_a_line_of_a_log() {
        let route = Route::named("GET /products");
        let of = Subject { database: Some(Arc::from("shop")), route };
        let (from, to) = (Circuit::Closed, Circuit::HalfOpen);
        let circuit = Event::Circuit { of, from, to, cause: Cause::Forced };
        let text = "circuit of GET /products at shop from closed to half_open: forced";
        assert_eq!(circuit.to_string(), text);
        let of = Subject { database: Some(Arc::from("shop")), route: None };
        let cause = Cause::Wanted { wanted: 14, places: 10, refused: 0.0 };
        let level = Event::Level { of, from: 0.3, to: 0.4, cause };
        let text = "level of shop from 0.30 to 0.40: 14 requests want 10 places";
        assert_eq!(level.to_string(), text);
        let limit = Event::Limit { of: Subject::default(), from: 8, to: 7 };
        assert_eq!(limit.to_string(), "limit of the database from 8 to 7");
        let (priority, reason) = (Priority::Normal, Reason::Quota);
        let store = Arc::<str>::from("quotas");
        let lost = Event::FleetLost { store: store.clone(), members: 4, why: "no".into() };
        assert_eq!(lost.to_string(), "quotas does not answer one of 4 that share a quota: no");
        let found = Event::FleetFound { store, after: Duration::from_millis(2_340) };
        assert_eq!(found.to_string(), "quotas answers again, after 2.3s");
        let after = Duration::from_millis(2_340);
        assert_eq!(Event::DrainBegan.to_string(), "draining: nobody new is admitted");
        let text = "drained: nothing is in flight any more, after 2.3s";
        assert_eq!(Event::Drained { after }.to_string(), text);
        let text = "the drain was called off after 2.3s: requests are admitted again";
        assert_eq!(Event::DrainEnded { after }.to_string(), text);
        let refused = Event::Refused { priority, reason, route, quota: Some("day".into()) };
        let text = "refused a normal request of GET /products: its quota `day` is used up";
        assert_eq!(refused.to_string(), text);
        let (to, quota) = (Priority::Bulk, Some("day".into()));
        let fell = Event::Downgraded { from: priority, to, route, quota: quota.clone() };
        let text =
            "downgraded to bulk a normal request of GET /products: its quota `day` is used up";
        assert_eq!(fell.to_string(), text);
        let would = Event::WouldDowngrade { from: priority, to, route: None, quota };
        let text = "would have downgraded to bulk a normal request: its quota `day` is used up";
        assert_eq!(would.to_string(), text);
    }
}
