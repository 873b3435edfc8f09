//! One database, as this process feels it.
//!
//! See [`Database`].

mod attributed;
mod builder;
mod checkout;
mod door;
mod fault;
mod handle;
mod observed;
mod recent;
mod statement;
mod visit;

pub use attributed::{Attributed, attributed};
pub use builder::DatabaseBuilder;
pub use checkout::{CheckoutError, Lent};
pub(crate) use door::{Door, Entering, Pass};
pub use fault::outcome_of_error;
pub use handle::Database;
pub use observed::{InFlight, Observed};
pub use recent::DatabaseSnapshot;
pub use statement::Statement;
pub use visit::Spent;
pub(crate) use visit::Visit;
