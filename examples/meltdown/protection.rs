//! The only place that knows admission control: what guards the shop in a run.

use axum::Router;
use brownout::http::Routes;
use brownout::{Admission, Circuit, Database, Priority, Reason, StaleLayer};

use crate::terminal::failure::{Failure, Result};

/// What stands between the customers and the shop's handlers.
#[derive(Clone, Debug)]
pub(crate) enum Protection {
    /// Nothing, as in the outage. Its pool is wrapped all the same, so that only the gates
    /// make the difference.
    Absent { database: Database },
    /// Admission control, with its defaults, and copies of good answers around it. Of equal
    /// requests at the same time one asks; a copy is served only where there is nothing
    /// better, also while it is fresh.
    Present { database: Database, admission: Admission, copies: StaleLayer },
}

/// The guard's inner state at one instant, for the plots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    /// Requests that may be in flight at once.
    pub(crate) limit: usize,
    pub(crate) in_flight: usize,
    pub(crate) waiting: usize,
    /// Queries at the database.
    pub(crate) queries: usize,
    pub(crate) circuit: Circuit,
    /// Refusals since the start by reason.
    pub(crate) refused: Vec<(String, u64)>,
}

impl Protection {
    /// What makes the guards to compare, in the order of their runs.
    pub(crate) const VARIANTS: [fn() -> Result<Self>; 2] = [|| Ok(Self::absent()), Self::present];

    pub(crate) fn absent() -> Self {
        Self::Absent { database: Database::new("shop") }
    }

    fn present() -> Result<Self> {
        let database = Database::new("shop");
        let admission = Admission::builder().protect(&database);
        let invalid = |error| Failure::new(format!("the guard's settings: {error}"));
        let admission = admission.build().map_err(invalid)?;
        Ok(Self::Present { database, admission, copies: StaleLayer::new().coalesce() })
    }

    /// What the run is called.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "unprotected",
            Self::Present { .. } => "protected",
        }
    }

    /// Whether something in this run may refuse a request.
    pub(crate) fn refuses(&self) -> bool {
        matches!(self, Self::Present { .. })
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
        let Self::Present { admission, copies, .. } = self else {
            return shop;
        };
        let routes = Routes::new()
            .route("/checkout", Priority::Critical)
            .route("/search", Priority::Sheddable)
            .route("/reviews", Priority::Sheddable)
            .route("/views", Priority::Bulk);
        shop.layer(admission.layer().classify(routes)).layer(copies.clone())
    }

    /// The drafts of postmortems that the guard has to show, if there is one.
    pub(crate) fn postmortems(&self) -> String {
        let Self::Present { admission, .. } = self else { return String::new() };
        let drafts = admission.incidents().iter().map(|own| own.to_markdown()).collect::<Vec<_>>();
        drafts.join("\n")
    }

    /// The guard's figures, if there is a guard.
    pub(crate) fn figures(&self) -> Option<Guard> {
        let Self::Present { admission, database, .. } = self else {
            return None;
        };
        let seen = admission.snapshot();
        let refused = Reason::ALL.map(|reason| (reason.to_string(), seen.refused(reason)));
        Some(Guard {
            limit: seen.limit,
            in_flight: seen.in_flight,
            waiting: seen.waiting,
            queries: database.snapshot().in_flight,
            circuit: seen.circuit,
            refused: refused.into(),
        })
    }
}
