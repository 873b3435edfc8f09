//! A pool of sqlx that feels the database by itself.

mod outcome;
mod sample;

pub use outcome::outcome_of_error;
pub use sample::sample_postgres;
