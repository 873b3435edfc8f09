//! One database, as this process feels it.
//!
//! See [`Database`].

mod builder;
mod checkout;
mod door;
mod fault;
mod fingerprint;
mod handle;
mod observed;
mod recent;
mod statement;
mod table;

pub use builder::DatabaseBuilder;
pub use checkout::{CheckoutError, Lent};
#[allow(unused_imports, reason = "for now")]
pub(crate) use door::{Door, Entering, Pass};
pub use fault::outcome_of_error;
pub use handle::Database;
pub use observed::{InFlight, Observed};
pub use recent::DatabaseSnapshot;
pub use statement::Statement;
