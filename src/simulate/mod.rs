//! A closed loop in virtual time: customers, gate, pool and database, all modelled.
//!
//! What drives the limit here is the crate's own control code, the same that runs behind
//! a service; only time and the database are made up. So a setting can be tried against
//! an hour of overload in a second:
//!
//! ```
//! use brownout::{limit::Knee, simulate::{Guard, Scenario, simulate}};
//!
//! let scenario = Scenario::new("surge").phase(10.0, 0.7).phase(20.0, 5.0).phase(10.0, 0.7);
//! let report = simulate(&scenario, || Guard::limit(Knee::default()), 1);
//! let surge = report.phases[1];
//! assert!(surge.work > 0.9, "of what the database could do: {surge:?}");
//! assert!(surge.success[0] > 0.99, "of the critical requests: {surge:?}");
//! ```
//!
//! The settings of a [`ConcurrencyLimit`](crate::ConcurrencyLimit) go in as they are:
//!
//! ```
//! use brownout::{ConcurrencyLimit, simulate::{Guard, Scenario, simulate}};
//!
//! let scenario = Scenario::new("surge").phase(10.0, 0.7).phase(20.0, 3.0);
//! let report = simulate(
//!     &scenario,
//!     || Guard::with(ConcurrencyLimit::new().max(12).queue(50)).expect("it is in range"),
//!     1,
//! );
//! assert!(report.limits.iter().all(|limit| *limit <= 12));
//! ```
//!
//! The database shares its processor among the queries it runs: with N of them each
//! proceeds at the speed 1 / (1 + σ(N − 1) + κN(N − 1)) of one alone, so that throughput
//! peaks at a *knee* and falls beyond it (Gunther, *Universal Scalability Law*, 1993).
//! Customers arrive at random (Poisson), give up after a timeout and try again.
//!
//! The same seed sends the same customers to every guard, so guards are compared on equal
//! terms. One that is not of this crate takes part as a [`Foreign`].

mod attempts;
mod customers;
mod database;
mod demand;
mod door;
mod events;
mod foreign;
mod guard;
mod phase;
mod report;
mod roll;
mod run;
mod scenario;
mod tally;

pub use demand::Demand;
pub use foreign::{Entry, Foreign};
pub use guard::Guard;
pub use report::{PhaseReport, Report};
pub use run::simulate;
pub use scenario::Scenario;
