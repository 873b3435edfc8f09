//! Brownout, not blackout: admission control for [Tower](tower) services that watches
//! the database.
//!
//! When traffic jumps, what saturates is rarely the service and mostly its database.
//! Connections time out, clients retry, and every page fails, also those that need no
//! database. The layers of this crate let in what the database can finish, the important
//! first, and refuse the rest at once, cheaply and politely.
//!
//! # Quick start
//!
//! One axum app, one database:
//!
//! ```
//! # #[cfg(feature = "http")] mod quick_start {
//! use axum::{Router, routing::{get, post}};
//! use brownout::{Admission, Database, InvalidConfig, Priority, http::Routes};
//! # async fn products() {}
//! # async fn search() {}
//! # async fn checkout() {}
//!
//! fn app(db: &Database) -> Result<Router, InvalidConfig> {
//!     let admission = Admission::builder().protect(db).build()?;
//!     let routes = Routes::new()
//!         .route("/checkout", Priority::Critical)
//!         .route("/search", Priority::Sheddable)
//!         .exempt("/health");
//!     Ok(Router::new()
//!         .route("/checkout", post(checkout))
//!         .route("/products", get(products))
//!         .route("/search", get(search))
//!         .route("/health", get(|| async { "needs no database" }))
//!         .layer(admission.layer().classify(routes)))
//! }
//! # }
//! ```
//!
//! with `Database::new("shop")` made once at the start,
//! and in the handlers, around what waits for a connection and queries:
//!
//! ```
//! # #[cfg(feature = "tower")] {
//! # use brownout::Database;
//! # async fn f(db: Database) -> Result<(), std::io::Error> {
//! # let query = std::future::ready(Ok::<_, std::io::Error>(()));
//! let rows = db.statement("products").observe(query).await?;
//! # Ok(()) } }
//! ```
//!
//! That is all: an adaptive concurrency limit and a circuit breaker now follow the
//! database. [`Admission`] has the knobs and their defaults.
//!
//! # The picture
//!
//! ```text
//! forward   request → classify → rate → breaker → concurrency (short priority queue) → service
//! refused   first "no" → Rejection → fallback, or 429/503 (HTTP), or an error (plain Tower)
//! back      result → outcome → breaker's probe; the permit lasts to the end of the body
//! back      database → signal, ten times a second → breaker, limit
//! out       every refusal and transition → event
//! ```
//!
//! The code lies in rooms, and imports go only from a lower room of this list to a
//! higher one:
//!
//! | room | what is in it |
//! |---|---|
//! | vocabulary | [`Class`], [`Outcome`], [`Rejection`], [`Signal`], [`Event`], [`InvalidConfig`]: one value and its seam per file, std only |
//! | control | the decisions as pure state machines, std only: [`limit`], breaker, queue, baselines |
//! | gate | each decision shared by many threads: [`ConcurrencyGate`], [`RateGate`], [`BreakerGate`], [`Gates`] |
//! | database | [`Database`]: the gates' neighbour; neither knows the other |
//! | admission, fallback | Tower plumbing: [`GateLayer`], once, for all gates |
//! | [`http`], `sqlx` | classes, refusals and bodies; a pool that feels the database by itself |
//!
//! # Which one do I want?
//!
//! | | |
//! |---|---|
//! | [`AdmissionLayer`] | all of it, in the right order |
//! | [`ConcurrencyLimitLayer`] | as much at once as the database does well |
//! | [`CircuitBreakerLayer`] | nothing while the database does not answer |
//! | [`RateLimitLayer`] | a quota, for all or per client |
//! | [`FallbackLayer`] | another service answers what was refused |
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `http` (default) | refusals as HTTP responses, priorities by header and route, permits that last to the end of the body |
//! | `tower` (in `http`) | gates, database and layers |
//! | `tracing` | a subscriber layer that feeds a database on what sqlx logs |
//! | `sqlx` | `db.sqlx(pool)`: sqlx's pool, timed and guarded |
//! | `serde` | [`Report`] and what is in it as values for serde |
//! | `simulate` | the closed loop in virtual time, to try settings and algorithms in |
//! | none | the vocabulary and the algorithms of [`limit`] alone, without any dependency |
//!
//! Needs a tokio runtime with time enabled where requests have to wait.
//!
//! # What it does not do yet
//!
//! * Count what the database still does for a client that has left, beyond the gate's
//!   own permits, but with the feature `sqlx` and `Lent::to_the_end`.
//! * gRPC statuses, and tonic's `NamedService`: a refusal is an HTTP status.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Pure code in tests starts from any t0.
#![cfg_attr(test, allow(clippy::disallowed_methods))]
#![cfg_attr(not(feature = "tower"), allow(dead_code, reason = "the gates use it"))]

mod class;
mod config;
mod control;
mod event;
mod outcome;
mod rejection;
mod signal;

pub use self::{
    class::{Class, Classify, Cost, Downstream, Key, Needs, Priority, Route, UnknownPriority},
    config::InvalidConfig,
    control::limit,
    event::{BadCalls, Cause, Circuit, Event, Observe, Subject, WorstStatement},
    outcome::{Judge, Outcome, Sample},
    rejection::{Reason, Rejection, rejection_of},
    signal::{OnSignal, Signal, StatementCalls, StatementSignal},
};

#[cfg(feature = "tower")]
mod admission;
#[cfg(feature = "tower")]
mod clock;
#[cfg(feature = "tower")]
mod database;
#[cfg(feature = "tower")]
mod fallback;
#[cfg(feature = "tower")]
mod gate;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "tower")]
mod lock;
#[cfg(feature = "simulate")]
pub mod simulate;
#[cfg(feature = "tracing")]
pub mod tracing;

#[cfg(feature = "sqlx")]
pub mod sqlx;

#[cfg(feature = "tower")]
pub use self::{
    admission::{
        Admission, AdmissionBuilder, AdmissionLayer, Answer, AsError, Changed, CircuitBreakerLayer,
        ConcurrencyLimitLayer, GateLayer, GateService, Http, Judged, Locate, Nobody, Oneshot,
        Protocol, RateLimitLayer, ResponseFuture,
    },
    database::{
        Attributed, ByRequest, CheckoutError, Database, DatabaseBuilder, DatabaseSnapshot,
        InFlight, InvalidSample, JudgeBoxedErrors, JudgeErrors, Lent, Observed, PoolAdvice,
        PoolSnapshot, PostgresSample, QueryLayer, QueryService, Report, RouteFigures, Saturated,
        SpanFigures, Spent, Statement, StatementFigures, StatementOf, Sustained, Throughput,
        ToTheEnd, attributed, outcome_of_error, outcome_of_mysql, outcome_of_sqlite,
        outcome_of_sqlstate,
    },
    fallback::{Fallback, FallbackLayer},
    gate::{
        BreakerGate, BreakerMode, BreakerPermit, BreakerSnapshot, CircuitBreaker, ConcurrencyGate,
        ConcurrencyLimit, ConcurrencySnapshot, Entry, Finish, Gate, Gates, GatesPermit, GatesWait,
        GuardSnapshot, Permit, Quota, RateGate, RateLimit, Snapshot, Wait,
    },
};
