//! One database, as this process feels it.
//!
//! [`Database`] is a cheap handle. Time queries through it, and it tells the gates about
//! ten times a second how the database does:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::io::Error> {
//! use brownout::Database;
//!
//! let db = Database::new("shop");
//! # let query = async { Ok::<_, std::io::Error>(42) };
//! let rows = db.observe(query).await?;            // any future with a Result
//! # let query = async { Ok::<_, std::io::Error>(42) };
//! let rows = db.statement("search").observe(query).await?; // the same, by its name
//! # Ok(()) }
//! ```
//!
//! Name the statements that differ much in cost: each has a baseline of its own, so
//! that a shift of the mix is not taken for a slow database. What is observed should
//! include the wait for a connection: then the signal is right whether the pool or the
//! database is the narrow place.

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
