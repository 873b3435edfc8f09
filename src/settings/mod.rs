//! Settings of an [`Admission`](crate::Admission) in a file, for those who run it (features `serde`
//! and `tower`; `toml` for TOML).
//!
//! [`Settings`] come out of whatever serde reads, are checked as they are read, by the same code
//! that checks what is written in Rust, and are laid over the defaults. What is no setting is a
//! fault that names the nearest one, so that nobody finds out in the surge that `max_wiat` was
//! never heard. Nothing here has to be set: see the [guide](crate::guide::tuning).
//!
//! ```no_run
//! # #[cfg(all(feature = "toml", feature = "http"))] {
//! use brownout::{Admission, Database, Settings};
//!
//! let text = std::fs::read_to_string("brownout.toml")?;
//! let settings = Settings::from_toml(&text)?.with_env()?; // BROWNOUT_LIMIT_MAX_WAIT=250ms
//! let db = Database::builder("shop").settings(&settings).build()?;
//! let admission = Admission::builder().settings(&settings).protect(&db).build()?;
//! let layer = admission.layer().classify(settings.routes());
//! println!("{}", settings.effective().to_toml());
//! # let _ = layer;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! While it serves, [`Admission::reload`](crate::Admission::reload) takes others.
//!
//! # All of them
//!
//! Durations are texts such as `"400ms"` or `"1m 30s"`. Names in capitals are yours: those of
//! databases as in [`Database::new`](crate::Database::new), those of plans as in
//! [`Plan::named`](crate::Plan::named), paths as in
//! [`http::Routes`](https://docs.rs/brownout/latest/brownout/http/struct.Routes.html). A variable is
//! `BROWNOUT_` and the path in capitals, with `_` for `.`, for those without such names.
//!
#![doc = include_str!("table.md")]
//!
//! # A file with all of them
//!
//! With the defaults, and with names, routes and quotas as a shop might have them:
//!
//! ```toml
#![doc = include_str!("brownout.toml")]
//! ```

mod apply;
mod breaker;
mod database;
mod difference;
mod fault;
mod limit;
mod name;
mod quota;
mod rate;
mod route;
#[cfg(feature = "http")]
mod routes;
mod schema;
mod service;
mod setting;
#[cfg(feature = "toml")]
mod toml;
mod tree;
mod value;
mod values;
mod vars;
mod whole;

#[cfg(test)]
mod tests;

pub use fault::InvalidSettings;
pub use schema::{Known, known};
pub use whole::Settings;
