//! Tells `tracing` what the gates do.

use std::time::{Duration, Instant};

use ::tracing::{Level, event};

use super::sums::{Sum, Sums};
use crate::{
    clock,
    event::{Circuit, Event, Observe, Subject},
    rejection::Reason,
};

/// Tells [`tracing`](https://docs.rs/tracing) what the gates do: an event for each transition,
/// and one a second at most for all that is refused, with how many of which. Never a line for
/// each refusal.
///
/// ```
/// use brownout::{Admission, Database, tracing::Log};
///
/// let db = Database::new("shop");
/// let admission = Admission::builder().protect(&db).on_event(Log::new()).build()?;
/// # let _ = admission;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// The target is `brownout`. What an event says in words is its message; in fields it has:
///
/// | what | level | fields |
/// |---|---|---|
/// | a circuit opens, dims, or tries again | `WARN` | `database`, `route`, `from`, `to` |
/// | a circuit closes | `INFO` | the same |
/// | the level of what is left out moved | `INFO` | `database`, `from`, `to` |
/// | a store that a fleet shares is lost | `WARN` | `store` |
/// | it is found | `INFO` | `store` |
/// | a drain began, is done or was called off | `INFO` | |
/// | the limit moved | `DEBUG` | `database`, `from`, `to` |
/// | requests were refused | `WARN` | `refused`, `seconds`, `which` |
/// | they would have been, or downgraded | `INFO` | `would_refuse`, `seconds`, `which` |
/// | they were downgraded, over their quota | `INFO` | `downgraded`, `seconds`, `which` |
///
/// Refusals are told when the next of them comes, or anything else happens, a second after the
/// last time at the earliest, and when this drops.
#[derive(Debug)]
pub struct Log {
    origin: Instant,
    refused: Sums,
    would_refuse: Sums,
    downgraded: Sums,
}

impl Log {
    /// One that has told nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let sums = || Sums::new(EVERY);
        let (refused, would_refuse, downgraded) = (sums(), sums(), sums());
        Self { origin: clock::now(), refused, would_refuse, downgraded }
    }

    /// From a second on, so that the first refusal is told at once.
    fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.origin) + EVERY
    }

    fn tell_sums(&self) {
        let now = self.now();
        if let Some(sum) = self.refused.take_due(now) {
            tell_refused(&sum);
        }
        if let Some(sum) = self.would_refuse.take_due(now) {
            tell_would_refuse(&sum);
        }
        if let Some(sum) = self.downgraded.take_due(now) {
            tell_downgraded(&sum);
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Observe for Log {
    fn observe(&self, event: &Event) {
        match event {
            Event::Refused { priority, reason, .. } => self.refused.add(*priority, *reason),
            Event::WouldRefuse { priority, reason, .. } => {
                self.would_refuse.add(*priority, *reason);
            }
            Event::Downgraded { from, .. } => self.downgraded.add(*from, Reason::Quota),
            Event::WouldDowngrade { from, .. } => self.would_refuse.add(*from, Reason::Quota),
            other => tell(other),
        }
        self.tell_sums();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let now = self.now();
        if let Some(sum) = self.refused.take_rest(now) {
            tell_refused(&sum);
        }
        if let Some(sum) = self.would_refuse.take_rest(now) {
            tell_would_refuse(&sum);
        }
        if let Some(sum) = self.downgraded.take_rest(now) {
            tell_downgraded(&sum);
        }
    }
}

fn tell_refused(Sum { all: refused, which, span }: &Sum) {
    let seconds = span.as_secs_f64();
    event!(target: TARGET, parent: None, Level::WARN, refused, seconds, which, "refused {refused}: {which}");
}

fn tell_would_refuse(Sum { all: would_refuse, which, span }: &Sum) {
    let seconds = span.as_secs_f64();
    event!(
        target: TARGET, parent: None, Level::INFO, would_refuse, seconds, which,
        "would have refused {would_refuse}: {which}"
    );
}

fn tell_downgraded(Sum { all: downgraded, which, span }: &Sum) {
    let seconds = span.as_secs_f64();
    event!(
        target: TARGET, parent: None, Level::INFO, downgraded, seconds, which,
        "downgraded {downgraded} over their quota: {which}"
    );
}

/// The same event at one of several levels, which have to be constant.
macro_rules! event_at {
    ($level:expr, $($rest:tt)*) => {
        match $level {
            Level::WARN => event!(target: TARGET, parent: None, Level::WARN, $($rest)*),
            Level::DEBUG => event!(target: TARGET, parent: None, Level::DEBUG, $($rest)*),
            _ => event!(target: TARGET, parent: None, Level::INFO, $($rest)*),
        }
    };
}

fn tell(event: &Event) {
    match event {
        Event::Circuit { of, from, to, .. } => {
            let level = if *to == Circuit::Closed { Level::INFO } else { Level::WARN };
            let (database, route) = names(of);
            let (from, to) = (from.as_str(), to.as_str());
            event_at!(level, database, route, from, to, "{event}");
        }
        Event::Level { of, from, to, .. } => {
            let database = names(of).0;
            event_at!(Level::INFO, database, from, to, "{event}");
        }
        Event::Limit { of, from, to } => {
            let database = names(of).0;
            event_at!(Level::DEBUG, database, from, to, "{event}");
        }
        Event::FleetLost { store, .. } => {
            event_at!(Level::WARN, store = &**store, "{event}");
        }
        Event::FleetFound { store, .. } => {
            event_at!(Level::INFO, store = &**store, "{event}");
        }
        _ => event_at!(Level::INFO, "{event}"),
    }
}

fn names(of: &Subject) -> (Option<&str>, Option<String>) {
    (of.database.as_deref(), of.route.map(|route| route.name().to_string()))
}

const TARGET: &str = "brownout";
/// How often refusals are told at most.
const EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
