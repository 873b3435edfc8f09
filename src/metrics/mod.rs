//! Metrics, for the facade [`metrics`](https://docs.rs/metrics) and whatever exports from there:
//! Prometheus, OpenTelemetry, StatsD.
//!
//! What the gates and the databases count anyway is handed to the recorder when
//! [`Metrics::record`] is called: before a scrape, or [each few seconds](Metrics::every) for
//! what pushes. Nothing is told on the way of a request.
//!
//! ```
//! use brownout::{Admission, Database};
//! use metrics_exporter_prometheus::PrometheusBuilder;
//!
//! let recorder = PrometheusBuilder::new().build_recorder();
//! let prometheus = recorder.handle();
//! metrics::set_global_recorder(recorder).expect("there is no other");
//!
//! let db = Database::new("shop");
//! let admission = Admission::builder().protect(&db).build()?;
//! let metrics = admission.metrics();
//! let scrape = move || {
//!     metrics.record();
//!     prometheus.render()
//! };
//! assert!(scrape().contains("brownout_circuit_state{database=\"shop\",state=\"closed\"} 1"));
//! # Ok::<(), brownout::InvalidConfig>(())
//! ```
//!
//! [`METRICS`] lists all. Their names are in the manner of OpenTelemetry; Prometheus' exporter
//! makes `brownout_circuit_state` of `brownout.circuit.state`. Dashboard and alert rules in the
//! folder `docs` of the repository go by these names.
//!
//! # Bounds
//!
//! A label's values are few: priorities, reasons, states, the databases, quotas without their
//! keys, no routes, and of statements the 20 dearest of each database in the last half to whole
//! minute; the rest is `(other)`. All of them ever told are at most the hundred that a database
//! keeps apart.

mod database;
mod decisions;
mod emit;
mod fallback;
mod handle;
#[cfg(feature = "stale")]
mod stale;
mod statements;
mod table;

pub use handle::Metrics;
pub use table::{Kind, METRICS, Metric};
