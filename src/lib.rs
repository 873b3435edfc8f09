//! Brownout, not blackout: admission control for [Tower](tower) services that watches
//! the database.
//!
//! When traffic jumps, what saturates is rarely the service and mostly its database.
//! Connections time out, clients retry, and every page fails, also those that need no
//! database. The layers of this crate let in what the database can finish, the important
//! first, and refuse the rest within 400 ms, cheaply and politely.
//!
//! # Quick start
//!
//! One axum app, one Postgres pool of sqlx 0.9, with the features `axum` and `sqlx`:
//!
//! ```no_run
//! use axum::{Router, extract::State, http::StatusCode, routing::get};
//! use brownout::{Admission, Database, sqlx::Pool};
//! use sqlx::{PgPool, Postgres};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let url = "postgres://localhost/shop";
//! let db = Database::new("shop");
//! let pool = db.sqlx(PgPool::connect(url).await?);
//! let admission = Admission::builder().protect(&db).build()?;
//! let app: Router = Router::new()
//!     .route("/products", get(products))
//!     .layer(admission.layer())
//!     .route("/health", get(async || "alive")) // outside: a probe is never refused
//!     .with_state(pool);
//! # Ok(()) }
//!
//! async fn products(State(pool): State<Pool<Postgres>>) -> Result<String, StatusCode> {
//!     let query = sqlx::query_scalar::<_, i64>("select count(*) from products");
//!     match query.fetch_one(&pool).await {
//!         Ok(count) => Ok(format!("{count} products")),
//!         Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
//!     }
//! }
//! ```
//!
//! That is all: an adaptive concurrency limit and a circuit breaker now follow the
//! database, and each route has a circuit of its own. [`Admission`] has the knobs and their
//! defaults, [`Database`] the other ways to feed it, [`attributed`] what spawned tasks need.
//!
//! Which routes need the database, and how dear they are, is learned from the queries that
//! run inside their requests. It takes 50 requests of a route; until then, and without a
//! route, a request is taken to need all that is protected. Priorities are said, if at all,
//! by [`http::Routes`] or [`GateLayer::priority`], and handed on from service to service by
//! [`http::Propagate`] and [`http::Propagated`].
//!
//! The [`guide`] leads from here to production: why services melt, how to roll it out, what to set
//! and what not, which crate's setting is which of ours. [`guide::examples`] lists programs that run by
//! themselves: this quick start, hyper, tonic, clients, jobs.
//!
//! # Degrade, don't refuse
//!
//! A refusal is the last answer. What a page can do without is left out before anybody is refused,
//! where its handler asks: `brownout.serves(REVIEWS)`, with [`Brownout`] as an extractor or
//! [`Brownout::current()`]. Who is refused nevertheless gets the last good answer
//! ([`stale`](mod@stale)), or a cheaper one ([`FallbackLayer`]):
//!
//! ```
//! use axum::{Router, response::IntoResponse, routing::get};
//! use brownout::{Admission, Brownout, Database, Optional, StaleLayer};
//!
//! const REVIEWS: Optional = Optional::nth(1, 1);
//!
//! async fn product(brownout: Brownout) -> &'static str {
//!     if brownout.serves(REVIEWS) { "a kettle, reviewed" } else { "a kettle" }
//! }
//!
//! let db = Database::new("shop");
//! let admission = Admission::builder().protect(&db).build()?;
//! let layer = admission.layer().fallback_with(|parts, _why| {
//!     (parts.uri.path() == "/search").then(|| "no results for now".into_response())
//! });
//! let app: Router = Router::new()
//!     .route("/product", get(product))
//!     .route("/search", get(async || "42 results"))
//!     .layer(layer)
//!     .layer(StaleLayer::new()); // outside of what refuses, so below it
//! # let _ = app;
//! # Ok::<(), brownout::InvalidConfig>(())
//! ```
//!
//! How much time a request has is said by [`GateLayer::deadline`], from a header or for all;
//! [`time_left`] tells a handler, and queries on `db.sqlx(pool)` end there. Retries are known by
//! [`GateLayer::retries`] and go before first tries are refused; [`client`](mod@client) makes no
//! more of them than a service can bear. A tenant over its share can be
//! [downgraded](RateLimit::downgrade_to).
//!
//! # What happened
//!
//! [`Admission::overview`] says in a sentence whether anything is degraded, and why;
//! [`Admission::incidents`] what happened last night, with a [draft](Incident::to_markdown) of its
//! postmortem; [`tracing::Log`](mod@tracing) tells the log, and
//! [`record_span`](GateLayer::record_span) the trace; and [`console`](mod@console) is a page to
//! watch.
//!
//! Before it stops, [`Admission::drain`] has what is in flight finish and sends the rest elsewhere.
//! What holds whatever happens, how much is remembered, and the tests, is in [`guarantees`]; what it does against who means
//! ill in [`threats`].
//!
//! # The picture
//!
//! ```text
//! forward   request → classify, route → rate → circuits of the database and of the route at it
//!                   → concurrency (short priority queue) → service
//!           service → query → a door before the connection: it asks again where the request
//!                     holds nothing of this database; all ask here with `at_checkout`
//! refused   first "no" → Rejection → fallback, or 429/503 (HTTP, gRPC), or an error (plain Tower)
//!           → outside of it, the last good answer in its place
//! back      result → outcome → breaker's probe; the permit lasts to the end of the body
//! back      query → the route of its request: which databases it needs, how dear it is
//! back      database → signal, ten times a second → breakers, limit, level; report
//! level     what is wanted of a database, over its limit → requests → handlers dim what is optional
//! out       every refusal and transition → event → journal, incidents; whoever observes
//! ```
//!
//! The code lies in rooms, and imports go only from a lower room of this list to a
//! higher one:
//!
//! | room | what is in it |
//! |---|---|
//! | vocabulary | [`Class`] with its [`Route`] and [`Needs`], [`Outcome`], [`Rejection`], [`Standing`], [`Signal`], [`Event`], [`InvalidConfig`]: one value and its seam per file, std only |
//! | control | the decisions as pure state machines, std only: [`limit`], breaker, queue, baselines, habits of routes, level |
//! | gate | each decision shared by many threads: [`ConcurrencyGate`], [`RateGate`], [`BreakerGate`], [`Gates`] |
//! | database | [`Database`]: what is fed to it, who it is for, the door, the [`Report`]; the gates' neighbour, and neither knows the other |
//! | journal | what has changed lately: each [`Transition`] |
//! | admission, fallback | Tower plumbing: [`GateLayer`], once, for all gates; the doorkeeper |
//! | incident, overview | what the changes amount to, an [`Incident`]; all of it at one instant, an [`Overview`] |
//! | [`http`], [`sqlx`](mod@sqlx), [`tracing`](mod@tracing), [`metrics`](mod@metrics), [`redis`](mod@redis) | classes, routes, refusals and bodies; a pool that feels the database by itself; what the gates do and what sqlx logs; figures for Prometheus and its like; buckets that a fleet shares |
//! | [`client`] | the other end: retries with a budget |
//! | [`stale`] | the last good answers, for when there is nothing better |
//! | [`settings`] | what can be said in a file: each once, checked by those who take it |
//! | [`console`] | a page that shows what the gates do and why, live |
//! | `simulate` | the closed loop in virtual time |
//! | [`guide`], [`guarantees`], [`threats`] | text alone |
//!
//! # Which one do I want?
//!
//! | | |
//! |---|---|
//! | [`AdmissionLayer`] | all of it, in the right order; the only one that knows routes and several databases |
//! | [`ConcurrencyLimitLayer`] | as much at once as the database does well |
//! | [`CircuitBreakerLayer`] | less while the database is slow, nothing while it does not answer |
//! | [`RateLimitLayer`] | a quota, for all or per client ([`http::key`]); of this process, or of a [`Fleet`] |
//! | [`FallbackLayer`] | another service, or a closure, answers what was refused (for a quota, if told), a bounded number at once |
//! | [`StaleLayer`] | the last good answer is served where a request is refused (for a quota, if told), fails or takes too long |
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `http` (default) | refusals as HTTP responses and gRPC statuses, priorities by path and from callers, fallbacks, deadlines and retries by header, keys by address, permits that last to the end of the body, `Server-Timing` |
//! | `tower` (in `http`) | gates, database and layers |
//! | `stale` | [`StaleLayer`]: the last good answers, by the rules of HTTP caching; needs Rust 1.88 |
//! | `axum` | routes by axum's `MatchedPath`; without it, a class has a route only if you [say](Class::route) so. Peers by its `ConnectInfo`, [`Brownout`] as an extractor |
//! | `sqlx` | `db.sqlx(pool)`: sqlx's pool, timed and guarded; needs Rust 1.94 |
//! | `client` | [`client::Retries`]: a policy for tower's `RetryLayer`, with a budget |
//! | `redis` | [`redis::RedisBuckets`](mod@redis): quotas that a fleet shares, in Redis or Valkey, also on a cluster; needs Rust 1.88 |
//! | `tracing` | [`tracing::Log`](mod@tracing): transitions, and sums of refusals, as events; [`record_span`](GateLayer::record_span): wait, level and database time of each request, on its span; `db.query_events()`: a subscriber layer that feeds a database on what sqlx logs |
//! | `metrics` | [`admission.metrics()`](mod@metrics): what gates and databases do, for the facade `metrics` and its exporters |
//! | `serde` | [`Report`], [`Overview`], [`Incident`] and what is in them as values for serde; [`Settings`], from any format and from variables |
//! | `toml` | [`Settings::from_toml`], [`to_toml`](Settings::to_toml); with `serde` |
//! | `console` | [`Admission::console`]: a page that shows what the gates do and why, live; with `serde` |
//! | `simulate` | to try settings and algorithms in the simulator |
//! | none | the vocabulary and the algorithms of [`limit`] alone, without any dependency |
//!
//! Needs a tokio runtime with time enabled where requests have to wait.
//!
//! # What it does not do yet
//!
//! * Count what the database still does for a client that has left, but with
//!   `db.sqlx(pool)` and [`Lent::to_the_end`]: elsewhere a query that was dropped counts as
//!   over.
//! * Have the instances of a service agree on more than their quotas ([`Fleet`]): each feels
//!   the database for itself, and learns its routes anew after a start.
//! * Hand on tonic's `NamedService`: `layer.named_layer(service)` of tonic's `LayerExt` does.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Pure code in tests starts from any t0.
#![cfg_attr(test, allow(clippy::disallowed_methods))]
#![cfg_attr(not(feature = "tower"), allow(dead_code, reason = "the gates use it"))]

mod brownout;
mod class;
mod config;
mod control;
mod event;
mod outcome;
mod rejection;
mod signal;
mod standing;

pub use self::{
    brownout::{Brownout, Optional},
    class::{
        AlreadySeeded, Class, Classify, Cost, Downstream, EitherKey, Key, KeyOf, Needs, Plan,
        Priority, RetryOf, Route, TimeoutOf, UnknownPriority,
    },
    config::InvalidConfig,
    control::limit,
    event::{BadCalls, Cause, Circuit, Event, Observe, Subject, WorstStatement},
    outcome::{Judge, Outcome, Sample},
    rejection::{Reason, Rejection, rejection_of},
    signal::{Connections, OnSignal, Signal, StatementCalls, StatementSignal},
    standing::{Policy, Standing},
};

#[cfg(feature = "tower")]
mod admission;
#[cfg(feature = "client")]
pub mod client;
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
mod incident;
#[cfg(feature = "tower")]
mod journal;
#[cfg(feature = "tower")]
mod lock;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "http")]
mod number;
#[cfg(feature = "tower")]
mod overview;
#[cfg(feature = "serde")]
mod serial;
#[cfg(feature = "simulate")]
pub mod simulate;
#[cfg(feature = "stale")]
pub mod stale;
#[cfg(feature = "tower")]
mod striped;
#[cfg(feature = "tower")]
mod sync;
#[cfg(feature = "tracing")]
pub mod tracing;

#[cfg(feature = "console")]
pub mod console;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(all(feature = "serde", feature = "tower"))]
pub mod settings;
#[cfg(feature = "sqlx")]
pub mod sqlx;

// Text alone.
#[cfg(doc)]
pub mod guarantees;
#[cfg(doc)]
pub mod guide;
#[cfg(doc)]
pub mod threats;

#[cfg(all(feature = "serde", feature = "tower"))]
pub use self::settings::{InvalidSettings, Settings};

#[cfg(feature = "stale")]
pub use self::stale::StaleLayer;

#[cfg(feature = "tower")]
pub use self::{
    admission::{
        Admission, AdmissionBuilder, AdmissionLayer, Answer, AsError, Changed, CircuitBreakerLayer,
        ConcurrencyLimitLayer, Fleet, Format, GateLayer, GateService, Http, Inspect, Judged, Keyed,
        Nobody, Oneshot, Protocol, RateLimitLayer, ResponseFuture, WithDeadline, WithRetries,
    },
    database::{
        Attributed, ByRequest, CheckoutError, Database, DatabaseBuilder, DatabaseSnapshot, Hanging,
        InFlight, InvalidSample, JudgeBoxedErrors, JudgeErrors, Lent, Observed, PoolAdvice,
        PoolSnapshot, PostgresSample, QueryLayer, QueryService, Report, RouteFigures, Saturated,
        SpanFigures, Spent, Statement, StatementFigures, StatementOf, Sustained, Throughput,
        ToTheEnd, attributed, outcome_of_error, outcome_of_mysql, outcome_of_sqlite,
        outcome_of_sqlstate, time_left,
    },
    fallback::{
        Answering, ByService, Called, Fallback, FallbackLayer, FallbackSnapshot, FellBack, OnTerms,
    },
    gate::{
        BreakerGate, BreakerMode, BreakerPermit, BreakerSnapshot, CircuitBreaker, ConcurrencyGate,
        ConcurrencyLimit, ConcurrencySnapshot, Entry, Finish, Gate, Gates, GatesPermit, GatesWait,
        GuardSnapshot, Order, Outage, Permit, Quota, RateGate, RateLimit, RatePermit, RateSnapshot,
        RateWait, Shared, SharedBuckets, SharedRate, Sharing, Snapshot, Taken, Unkeyed, Wait,
        Waited,
    },
    incident::{Evidence, Impact, Incident, LowestLimit},
    journal::Transition,
    overview::{DatabaseOverview, Decisions, Health, IllRoute, Overview},
};
