//! The only place that knows admission control: what guards the shop in a run.

use std::collections::BTreeMap;
use std::future::Future;
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
    /// Nothing.
    Absent,
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
    pub(crate) fn present() -> Result<Self> {
        let database = Database::new("shop");
        let decisions = Decisions::default();
        let seen = Arc::clone(&decisions);
        let watch = move |event: &Event| {
            seen.lock().expect("nobody panics with it").push((Instant::now(), *event));
        };
        let admission = Admission::builder().protect(&database).on_event(watch).build();
        let invalid = |error| Failure::new(format!("the guard's settings: {error}"));
        Ok(Self::Present { database, admission: admission.map_err(invalid)?, decisions })
    }

    /// Puts the guard in front of the shop.
    pub(crate) fn guard(&self, shop: Router) -> Router {
        let Self::Present { admission, .. } = self else {
            return shop;
        };
        let routes = Routes::new()
            .route("/checkout", Priority::Critical)
            .route("/search", Priority::Sheddable)
            .exempt("/health")
            .exempt("/");
        shop.layer(admission.layer().classify(routes))
    }

    /// Lets the guard time one query.
    pub(crate) async fn timed<T>(
        &self,
        statement: &'static str,
        query: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        match self {
            Self::Absent => query.await,
            Self::Present { database, .. } => database.statement(statement).observe(query).await,
        }
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
        decisions.iter().filter(|(at, _)| span.contains(at)).copied().collect()
    }
}
