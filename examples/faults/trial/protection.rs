//! The only place that knows admission control: what guards the shop in a run.

use std::future::Future;
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
    Present { database: Database, admission: Admission, circuits: Circuits },
}

/// The guard's inner state at one instant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Guard {
    /// Requests that may be in flight at once.
    pub(crate) limit: usize,
    pub(crate) in_flight: usize,
    pub(crate) waiting: usize,
}

/// When a circuit changed, and to what.
type Circuits = Arc<Mutex<Vec<(Instant, Circuit)>>>;

impl Protection {
    pub(crate) fn present() -> Result<Self> {
        let database = Database::new("shop");
        let circuits = Circuits::default();
        let seen = Arc::clone(&circuits);
        let watch = move |event: &Event| {
            if let Event::Circuit { to, .. } = event {
                seen.lock().expect("nobody panics with it").push((Instant::now(), *to));
            }
        };
        let admission = Admission::builder().protect(&database).on_event(watch).build();
        let invalid = |error| Failure::new(format!("the guard's settings: {error}"));
        Ok(Self::Present { database, admission: admission.map_err(invalid)?, circuits })
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

    /// When a circuit first opened, from `begin` on.
    pub(crate) fn opened(&self, begin: Instant) -> Option<Instant> {
        let Self::Present { circuits, .. } = self else {
            return None;
        };
        let circuits = circuits.lock().expect("nobody panics with it");
        let opened = circuits.iter().find(|(at, to)| *at >= begin && *to != Circuit::Closed);
        opened.map(|(at, _)| *at)
    }
}
