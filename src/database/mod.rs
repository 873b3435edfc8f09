//! One database, as this process feels it.
//!
//! See [`Database`].

mod attributed;
mod both;
mod builder;
mod checkout;
mod code;
mod deadline;
mod dimmed;
mod door;
mod errand;
mod errors;
mod fault;
mod figures;
mod fingerprint;
mod fork;
mod gathered;
mod handle;
mod insight;
mod judge;
mod layer;
mod observed;
mod pool;
mod postgres;
mod priority;
mod recent;
mod recorder;
mod recording;
mod report;
mod service;
mod statement;
mod table;
mod texts;
mod to_the_end;
mod visit;

pub use attributed::{Attributed, attributed};
pub use builder::DatabaseBuilder;
pub(crate) use checkout::CONNECTION;
pub use checkout::{CheckoutError, Lent};
#[cfg(feature = "sqlx")]
pub(crate) use code::outcome_of_text;
pub use code::{outcome_of_mysql, outcome_of_sqlite, outcome_of_sqlstate};
pub use deadline::time_left;
#[cfg(feature = "sqlx")]
pub(crate) use deadline::{Alarm, Time};
pub(crate) use door::{Door, Entering, Pass};
pub(crate) use errand::Errand;
pub use errors::{JudgeBoxedErrors, JudgeErrors};
pub use fault::outcome_of_error;
pub use figures::{SpanFigures, StatementFigures};
#[cfg(feature = "metrics")]
pub(crate) use fingerprint::hash as hash_of_name;
pub use handle::Database;
#[cfg(feature = "sqlx")]
pub(crate) use judge::chain;
pub use layer::{ByRequest, QueryLayer, StatementOf};
pub use observed::{InFlight, Observed};
pub(crate) use pool::Ping;
#[cfg(feature = "sqlx")]
pub(crate) use pool::Pinging;
pub use pool::PoolSnapshot;
pub use postgres::{InvalidSample, PostgresSample};
pub use recent::DatabaseSnapshot;
pub use report::{Hanging, PoolAdvice, Report, RouteFigures, Saturated, Sustained, Throughput};
pub use service::QueryService;
pub use statement::Statement;
pub(crate) use table::OTHER;
pub use to_the_end::ToTheEnd;
pub use visit::Spent;
pub(crate) use visit::Visit;
