//! What each thing takes of the heap.

use std::{mem::size_of_val, time::Duration};

use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimit, ConcurrencyLimitLayer, Database, Entry,
    Gate, Key, Outcome, Priority, Quota, RateLimit, Route, limit::Fixed,
};
use tower::{BoxError, Layer, Service, service_fn};

use super::heap::held;

/// One of something, and its bytes.
pub(crate) type Item = (&'static str, f64);

pub(crate) fn each() -> Vec<Item> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime can be built");
    let _guard = runtime.enter();
    // What is made once for all.
    drop((admission(&Database::new("first")), Route::named("first")));
    [gates(), database(), keys(), futures()].concat()
}

/// Bytes for each of what is made.
fn per<T>(many: usize, make: impl FnOnce() -> T) -> f64 {
    let before = held();
    let made = make();
    let bytes = held().saturating_sub(before);
    drop(made);
    bytes as f64 / many as f64
}

fn of<T>(make: impl Fn() -> T) -> f64 {
    const MANY: usize = 100;
    let mut made = Vec::with_capacity(MANY);
    per(MANY, || made.extend((0..MANY).map(|_| make())))
}

fn admission(db: &Database) -> Admission {
    let quota = RateLimit::new(Quota::per_second(1));
    Admission::builder().protect(db).rate(quota).build().expect("it is valid")
}

fn gates() -> Vec<Item> {
    let db = Database::new("shop");
    let full = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(20_000);
    let full = full.gate().expect("it is valid");
    let now = std::time::Instant::now();
    let _place = full.enter(&Class::default(), now);
    const MANY: usize = 10_000;
    let mut waits = Vec::with_capacity(MANY);
    let wait = |i: usize| match full.enter(&Class::new(Priority::Normal).key(&i), now) {
        Entry::Waiting(wait) => Box::new(wait),
        other => panic!("it waits: {other:?}"),
    };
    vec![
        ("a concurrency limit", of(|| ConcurrencyLimit::new().gate().expect("it is valid"))),
        ("a circuit breaker", of(|| CircuitBreaker::new().gate().expect("it is valid"))),
        ("a rate limit for all together", {
            of(|| RateLimit::new(Quota::per_second(1)).gate().expect("it is valid"))
        }),
        ("an admission with all three, for one database", of(|| admission(&db))),
        ("a request that waits, with the future it waits in", {
            per(MANY, || waits.extend((0..MANY).map(wait)))
        }),
    ]
}

fn database() -> Vec<Item> {
    let db = Database::new("shop");
    let admission = admission(&db);
    let routes: Vec<_> = (0..500).map(|i| Route::named(&format!("route {i}"))).collect();
    let enter = |route: &Option<Route>| {
        let class = Class::new(Priority::Normal).route(*route);
        drop(admission.layer().gate().enter(&class, std::time::Instant::now()));
    };
    let query = |db: &Database, i: usize| {
        db.statement(&format!("statement {i}")).record(Duration::from_millis(1), Outcome::Success);
    };
    let warm = Database::new("warm");
    query(&warm, 0);
    drop(warm.statements());
    vec![
        ("a database", of(|| Database::new("shop"))),
        ("a route, once seen", per(routes.len(), || routes.iter().for_each(enter))),
        (
            "a statement, once run",
            per(98, || {
                (1..99).for_each(|i| query(&warm, i));
                drop(warm.statements());
            }),
        ),
    ]
}

fn keys() -> Vec<Item> {
    const MANY: usize = 100_000;
    let gate = |keys: usize| {
        RateLimit::new(Quota::per_second(1)).per_key().max_keys(keys).gate().expect("it is valid")
    };
    let fill = || {
        let (gate, now) = (gate(MANY), std::time::Instant::now());
        (0..MANY).for_each(|i| drop(gate.enter(&Class::default().key(&Key::of(&i)), now)));
        gate
    };
    vec![
        ("a client of a keyed rate limit for 100 000", per(MANY, fill)),
        ("the same before the first came", per(MANY, || gate(MANY))),
    ]
}

/// Sizes, since nothing of it is on the heap.
fn futures() -> Vec<Item> {
    let inner = service_fn(async |_: Class| Ok::<_, BoxError>(()));
    let bare = size_of_val(&{ inner }.call(Class::default())) as f64;
    let adaptive = ConcurrencyLimitLayer::new().refuse_with_error();
    let adaptive = size_of_val(&adaptive.layer(inner).call(Class::default())) as f64;
    let all = admission(&Database::new("shop")).layer().refuse_with_error();
    let connection = size_of_val(&all.layer(inner)) as f64;
    let all = size_of_val(&all.layer(inner).call(Class::default())) as f64;
    vec![
        ("the future of a request, one concurrency limit", adaptive - bare),
        ("the same, an admission", all - bare),
        ("the service of a connection, an admission", connection),
    ]
}
