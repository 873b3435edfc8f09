//! The only place that knows admission control: what guards the shop in a run.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use axum::Router;
use brownout::http::Routes;
use brownout::{Admission, Circuit, Database, Event, Priority};
use tokio::time::Instant;

use super::failure::{Failure, Result};

/// What stands between the customers and the shop's handlers.
#[derive(Clone, Debug)]
pub(crate) enum Protection {
    /// Nothing. Its pool is wrapped all the same, so that only the gates make the
    /// difference.
    Absent { database: Database },
    /// Admission control, with its defaults.
    Present { database: Database, admission: Admission, decisions: Decisions },
}

/// The guard's inner state at one instant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Guard {
    /// Requests that may be in flight at once.
    pub(crate) limit: usize,
    pub(crate) in_flight: usize,
    pub(crate) waiting: usize,
}

/// What the guard did, and when.
type Decisions = Arc<Mutex<Vec<(Instant, Event)>>>;

impl Protection {
    pub(crate) fn absent() -> Self {
        Self::Absent { database: Database::new("shop") }
    }

    pub(crate) fn present() -> Result<Self> {
        let database = Database::new("shop");
        let decisions = Decisions::default();
        let seen = Arc::clone(&decisions);
        let watch = move |event: &Event| {
            seen.lock().expect("nobody panics with it").push((Instant::now(), event.clone()));
        };
        let admission = Admission::builder().protect(&database).on_event(watch).build();
        let invalid = |error| Failure::new(format!("the guard's settings: {error}"));
        Ok(Self::Present { database, admission: admission.map_err(invalid)?, decisions })
    }

    /// What the shop's pool is wrapped with.
    pub(crate) fn database(&self) -> &Database {
        match self {
            Self::Absent { database } | Self::Present { database, .. } => database,
        }
    }

    /// Puts the guard in front of the shop. It is told what is important, and learns by
    /// itself what needs the database.
    pub(crate) fn guard(&self, shop: Router) -> Router {
        let Self::Present { admission, .. } = self else {
            return shop;
        };
        let routes = Routes::new()
            .route("/checkout", Priority::Critical)
            .route("/search", Priority::Sheddable);
        shop.layer(admission.layer().classify(routes))
    }

    /// The guard's figures. Without a guard there are none.
    pub(crate) fn figures(&self) -> Guard {
        let Self::Present { admission, .. } = self else {
            return Guard::default();
        };
        let seen = admission.snapshot();
        Guard { limit: seen.limit, in_flight: seen.in_flight, waiting: seen.waiting }
    }

    /// When a circuit first opened in `span`, or was half open in it.
    pub(crate) fn opened(&self, span: Range<Instant>) -> Option<Instant> {
        let opens =
            |event: &Event| matches!(event, Event::Circuit { to, .. } if *to != Circuit::Closed);
        self.decisions(span).into_iter().find(|(_, event)| opens(event)).map(|(at, _)| at)
    }

    /// How many of which priority were refused in `span`, and why.
    pub(crate) fn refusals(&self, span: Range<Instant>) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (_, event) in self.decisions(span) {
            if let Event::Refused { priority, reason, .. } = event {
                *counts.entry(format!("{priority:?} {reason}")).or_default() += 1;
            }
        }
        counts
    }

    fn decisions(&self, span: Range<Instant>) -> Vec<(Instant, Event)> {
        let Self::Present { decisions, .. } = self else {
            return Vec::new();
        };
        let decisions = decisions.lock().expect("nobody panics with it");
        decisions.iter().filter(|(at, _)| span.contains(at)).cloned().collect()
    }
}
