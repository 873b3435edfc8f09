//! Retries, from both ends.

#![cfg(feature = "client")]

#[path = "../support/mod.rs"]
mod support;

mod client;
mod server;
