//! What is measured: a call through each layer, ours and other crates', around the same
//! service.

pub mod cases;
pub mod contend;
pub mod service;
pub mod time;
