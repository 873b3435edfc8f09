//! The last good answers, for when there is nothing better.
//!
//! [`StaleLayer`] goes outside of an admission layer and keeps what safe requests were
//! answered. Where the service then refuses, fails or takes too long, the last good answer
//! is served, and says so in `Age` and `Cache-Status`.

mod asked;
mod body;
mod date;
mod directives;
mod flight;
mod future;
mod keeper;
mod kept;
mod key;
mod known;
mod layer;
mod personal;
mod rest;
mod said;
mod service;
mod settings;
mod snapshot;
mod store;
mod tee;
mod terms;

pub use body::StaleBody;
pub use future::StaleFuture;
pub use keeper::Keeping;
pub use layer::StaleLayer;
pub use rest::{Dropped, InBackground, Rest};
pub use service::StaleService;
pub use snapshot::StaleSnapshot;
