//! Metrics: what is told, what the documents say of it, and that a request tells nothing.

#![cfg(all(feature = "metrics", feature = "sqlx", feature = "stale"))]

mod docs;
mod exercised;
mod promises;
mod scrape;
mod table;
