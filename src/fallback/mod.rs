//! Somebody else answers what was refused: a replica, a static page, a queue.

mod answer;
mod called;
mod layer;
mod limit;
mod mark;

pub use answer::{Answering, Fallback, OnTerms};
pub use called::{ByService, Called};
pub use layer::FallbackLayer;
pub use limit::FallbackSnapshot;
pub use mark::FellBack;
