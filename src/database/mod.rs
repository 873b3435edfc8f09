//! One database, as this process feels it.
//!
//! See [`Database`].

mod builder;
mod checkout;
mod code;
mod door;
mod fault;
mod figures;
mod fingerprint;
mod handle;
mod insight;
mod judge;
mod observed;
mod postgres;
mod recent;
mod report;
#[cfg(feature = "serde")]
mod serial;
mod statement;
mod table;
mod texts;

pub use builder::DatabaseBuilder;
pub use checkout::{CheckoutError, Lent};
#[allow(unused_imports, reason = "for now")]
pub(crate) use code::outcome_of_text;
pub use code::{outcome_of_mysql, outcome_of_sqlite, outcome_of_sqlstate};
#[allow(unused_imports, reason = "for now")]
pub(crate) use door::{Door, Entering, Pass};
pub use fault::outcome_of_error;
pub use figures::{SpanFigures, StatementFigures};
pub use handle::Database;
#[allow(unused_imports, reason = "for now")]
pub(crate) use judge::chain;
pub use observed::{InFlight, Observed};
pub use postgres::{InvalidSample, PostgresSample};
pub use recent::DatabaseSnapshot;
pub use report::{PoolAdvice, Report, RouteFigures, Saturated, Sustained, Throughput};
pub use statement::Statement;
