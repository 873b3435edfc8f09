//! What a request is to the gates: how important, whose, until when.

mod cost;
mod key;
mod key_of;
mod names;
mod needs;
mod plan;
mod priority;
mod retry_of;
mod route;
mod timeout_of;

pub use cost::Cost;
pub use key::{AlreadySeeded, Key};
pub use key_of::{EitherKey, KeyOf};
pub use needs::{Downstream, Needs};
pub use plan::Plan;
pub use priority::{Priority, UnknownPriority};
pub use retry_of::RetryOf;
pub use route::Route;
pub use timeout_of::TimeoutOf;

use std::{hash::Hash, time::Instant};

/// All that the gates know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Class {
    /// How important the request is. Default: [`Priority::Normal`].
    pub priority: Priority,
    /// Your own levels inside a priority: 0, the default, goes first, and 255 last. The
    /// priority alone says who leaves headroom to whom and for whom another has to go; the
    /// rank orders those who wait inside it.
    pub rank: u8,
    /// True if it was tried before, as far as it tells (`GateLayer::retries`). A retry goes
    /// behind all first tries of its priority, whatever their rank, leaves before them where
    /// too many wait, and finds no more room than the priority below. Default: false.
    pub retry: bool,
    /// How much database work it is, in multiples of a usual request. Default: 1, for which
    /// stands what was learned of its route, if anything was. Inside a rank, the cheap go
    /// before the dear, by doublings; and the dear may have less of the limit
    /// (`ConcurrencyLimit::headroom`).
    pub cost: Cost,
    /// Whose it is. Default: nobody's; all such requests share one bucket of a quota, if
    /// `RateLimit::unkeyed` says nothing else, and one share of the limit.
    pub key: Option<Key>,
    /// How many cells of a quota it spends. Default: 1. One that spends none passes
    /// every quota; one that costs more than a burst spends a whole burst.
    pub cells: u32,
    /// The plan that its client is on, for quotas that differ by it. Default: none.
    pub plan: Option<Plan>,
    /// When its answer is of no use any more. Default: never. After it, a request is
    /// refused at once, even if there is room. Before, it waits for the limit no longer
    /// than a third of the time that is left: it needs the rest to be served. See
    /// `GateLayer::deadline`.
    pub deadline: Option<Instant>,
    /// The route it takes. Default: none; then the layer may know it (axum's
    /// `MatchedPath`, with the feature `axum`). What a route needs of the databases, and
    /// what it costs them, is learned from 50 of its requests.
    pub route: Option<Route>,
    /// The databases that it needs. Default: what was learned of its route; all that are
    /// protected, as long as that is not known.
    pub needs: Needs,
    /// True if no gate may refuse, delay or count it, not even a quota. Default: false.
    pub exempt: bool,
}

impl Class {
    /// A class of this priority, with no key, no deadline and no route of its own.
    #[must_use]
    pub const fn new(priority: Priority) -> Self {
        let (rank, retry, cost, needs) = (0, false, Cost::USUAL, Needs::Learned);
        let (key, cells, plan) = (None, 1, None);
        let (deadline, route, exempt) = (None, None, false);
        Self { priority, rank, retry, cost, key, cells, plan, deadline, route, needs, exempt }
    }

    /// The class of requests that pass every gate untouched, such as health checks. Pages
    /// that need no database are found out without it.
    #[must_use]
    pub fn exempt() -> Self {
        Self { exempt: true, ..Self::default() }
    }

    /// The same class at this level inside its priority; 0 goes first.
    #[must_use]
    pub fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// The same class, of a request that was tried before, or was not.
    #[must_use]
    pub fn retry(self, retry: bool) -> Self {
        Self { retry, ..self }
    }

    /// The priority whose room under a limit it may use: a retry leaves what is left of its
    /// own to first tries.
    pub(crate) fn room(&self) -> Priority {
        if self.retry { self.priority.below() } else { self.priority }
    }

    /// The same class, of so many times the database work of a usual request:
    /// [`Cost::times`] says which numbers it takes.
    ///
    /// ```
    /// use brownout::{Class, Priority};
    ///
    /// let search = Class::new(Priority::Sheddable).cost(8.0);
    /// assert_eq!(search.cost.get(), 8.0);
    /// ```
    #[must_use]
    pub fn cost(self, times: f64) -> Self {
        Self { cost: Cost::times(times), ..self }
    }

    /// The same class, counted against this client's quota and share.
    #[must_use]
    pub fn key<T: Hash + ?Sized>(self, client: &T) -> Self {
        Self { key: Some(Key::of(client)), ..self }
    }

    /// The same class, which spends so many cells of a quota.
    ///
    /// ```
    /// use brownout::{Class, Priority};
    ///
    /// let export = Class::new(Priority::Bulk).cells(50);
    /// assert_eq!(export.cells, 50);
    /// ```
    #[must_use]
    pub fn cells(self, cells: u32) -> Self {
        Self { cells, ..self }
    }

    /// The same class, under the quotas of this plan, if the rate limit has any for it;
    /// without one, under those that hold for all.
    #[must_use]
    pub fn plan(self, plan: Option<Plan>) -> Self {
        Self { plan, ..self }
    }

    /// The same class, on this route; without one if there are too many. For services
    /// that are not axum's, or whose requests differ in their work although the path is the
    /// same:
    ///
    /// ```
    /// use brownout::{Class, Classify, Route};
    ///
    /// struct Call { method: &'static str }
    /// let by_method = |call: &Call| Class::default().route(Route::named(call.method));
    /// assert!(by_method.classify(&Call { method: "shop.Stock/Take" }).route.is_some());
    /// ```
    #[must_use]
    pub fn route(self, route: Option<Route>) -> Self {
        Self { route, ..self }
    }

    /// The same class, which needs this database, whatever its route was seen to use: a
    /// `&Database`. Called again, it needs both.
    ///
    /// ```
    /// # #[cfg(feature = "tower")] {
    /// use brownout::{Class, Database, Priority};
    ///
    /// let (primary, replica) = (Database::new("primary"), Database::new("replica"));
    /// let report = Class::new(Priority::Bulk).needs(&primary).needs(&replica);
    /// # let _ = report;
    /// # }
    /// ```
    #[must_use]
    pub fn needs(self, database: impl Into<Downstream>) -> Self {
        Self { needs: self.needs.and(database.into()), ..self }
    }

    /// The same class, of no use after `deadline`.
    #[must_use]
    pub fn deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The same class, of no use after `deadline` either.
    pub(crate) fn no_later_than(self, deadline: Option<Instant>) -> Self {
        Self { deadline: self.deadline.into_iter().chain(deadline).min(), ..self }
    }
}

impl Default for Class {
    fn default() -> Self {
        Self::new(Priority::default())
    }
}

impl From<Priority> for Class {
    fn from(priority: Priority) -> Self {
        Self::new(priority)
    }
}

/// Tells the class of a request. Closures do it, and a [`Class`] gives the same to all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell the class of a `{Req}`",
    note = "a closure does: `|request: &{Req}| -> brownout::Class`",
    note = "behind `ClientIp::behind(…)?`, say the header that the proxies write: \
            `.x_forwarded_for()` or `.forwarded()`"
)]
pub trait Classify<Req> {
    /// The class of `request`. Runs once per request, before any gate: keep it cheap.
    fn classify(&self, request: &Req) -> Class;
}

impl<Req> Classify<Req> for Class {
    fn classify(&self, _request: &Req) -> Class {
        *self
    }
}

impl<Req, F> Classify<Req> for F
where
    F: Fn(&Req) -> Class,
{
    fn classify(&self, request: &Req) -> Class {
        self(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_and_classes_classify() {
        let by_length = |text: &&str| match text.len() {
            0 => Class::exempt(),
            _ => Class::new(Priority::Critical),
        };
        assert!(by_length.classify(&"").exempt);
        assert_eq!(by_length.classify(&"x").priority, Priority::Critical);
        let constant = Class::new(Priority::Bulk);
        assert_eq!(constant.classify(&"anything"), constant);
    }
}
