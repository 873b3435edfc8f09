//! From `cargo add` to production: why services melt, how to say what matters, where the
//! layers go, how to roll them out, how to rehearse, and what they leave to others.
//!
//! There is nothing here but text. Read [`why`] for the idea, [`rollout`] for the work;
//! [`examples`] lists the programs that show it.

#[doc = include_str!("why.md")]
pub mod why {}

#[doc = include_str!("rollout.md")]
pub mod rollout {}

#[doc = include_str!("rehearsing.md")]
pub mod rehearsing {}

#[doc = include_str!("examples.md")]
pub mod examples {}

#[doc = include_str!("priorities.md")]
pub mod priorities {}

#[doc = include_str!("placing.md")]
pub mod placing {}

#[doc = include_str!("tuning.md")]
pub mod tuning {}

#[doc = include_str!("watching.md")]
pub mod watching {}

#[doc = include_str!("migrating.md")]
pub mod migrating {}

#[doc = include_str!("peers.md")]
pub mod peers {}

#[doc = include_str!("questions.md")]
pub mod questions {}
