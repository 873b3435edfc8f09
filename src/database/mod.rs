//! One database, as this process feels it.
//!
//! See [`Database`].

mod builder;
mod checkout;
mod door;
mod fault;
mod handle;
mod observed;
mod pool;
mod recent;
mod statement;

pub use builder::DatabaseBuilder;
#[allow(unused_imports, reason = "for the features that know a pool")]
pub(crate) use checkout::CONNECTION;
pub use checkout::{CheckoutError, Lent};
#[allow(unused_imports, reason = "for now")]
pub(crate) use door::{Door, Entering, Pass};
pub use fault::outcome_of_error;
pub use handle::Database;
pub use observed::{InFlight, Observed};
pub use pool::PoolSnapshot;
pub use recent::DatabaseSnapshot;
pub use statement::Statement;
