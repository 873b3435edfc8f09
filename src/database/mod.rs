//! One database, as this process feels it.
//!
//! See [`Database`].

mod builder;
mod checkout;
mod door;
mod errors;
mod fault;
mod handle;

mod layer;
mod observed;
mod recent;
mod service;
mod statement;
mod to_the_end;

pub use builder::DatabaseBuilder;
#[cfg(feature = "tracing")]
pub(crate) use checkout::CONNECTION;
pub use checkout::{CheckoutError, Lent};
#[allow(unused_imports, reason = "for now")]
pub(crate) use door::{Door, Entering, Pass};
pub use errors::{JudgeBoxedErrors, JudgeErrors};
pub use fault::outcome_of_error;
pub use handle::Database;
pub use layer::{ByRequest, QueryLayer, StatementOf};
pub use observed::{InFlight, Observed};
pub use recent::DatabaseSnapshot;
pub use service::QueryService;
pub use statement::Statement;
pub use to_the_end::ToTheEnd;
