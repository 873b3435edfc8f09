//! A pool of sqlx that feels the database by itself.

mod outcome;

pub use outcome::outcome_of_error;
