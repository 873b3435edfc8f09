//! [`tracing`](https://docs.rs/tracing), in both directions: [`Log`] tells what the gates do,
//! [`GateLayer::record_span`](crate::GateLayer::record_span) what became of an admitted request,
//! and [`Database::query_events`](crate::Database::query_events) listens to what sqlx does.

mod log;
pub mod query_events;
mod span;
mod sums;

pub use log::Log;
pub use query_events::QueryEvents;
pub use span::Recorded;
