//! One database, as this process feels it.
//!
//! See [`Database`].

mod builder;
mod fault;
mod handle;
mod observed;
mod recent;
mod statement;

pub use builder::DatabaseBuilder;
pub use fault::outcome_of_error;
pub use handle::Database;
pub use observed::{InFlight, Observed};
pub use recent::DatabaseSnapshot;
pub use statement::Statement;
