//! Fallbacks that were handed in.

use super::{Metrics, table};
use crate::fallback::FallbackSnapshot;

impl Metrics {
    /// Records this fallback, too, under a name that no other has.
    ///
    /// ```
    /// use axum::response::IntoResponse;
    ///
    /// # let admission = brownout::Admission::builder().build()?;
    /// let pages = admission.layer().fallback_with(|_, _| Some("an old page".into_response()));
    /// let seen = pages.clone();
    /// let metrics = admission.metrics().fallback("old pages", move || seen.snapshot());
    /// # let app: axum::Router = axum::Router::new().layer(pages);
    /// # let _ = (metrics, app);
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    #[must_use]
    pub fn fallback(
        self,
        name: impl Into<String>,
        snapshot: impl Fn() -> FallbackSnapshot + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        self.and(move || record(&name, &snapshot()))
    }
}

fn record(name: &str, snapshot: &FallbackSnapshot) {
    table::FALLBACK_REQUESTS.count([name, "answered"], snapshot.answered);
    table::FALLBACK_REQUESTS.count([name, "over_limit"], snapshot.over_limit);
    table::FALLBACK_IN_FLIGHT.set([name], snapshot.in_flight as f64);
    table::FALLBACK_LIMIT.set([name], snapshot.limit as f64);
}
