//! What there may be much of, and a call in the midst of it.

use std::{cell::Cell, rc::Rc, thread::sleep, time::Duration};

use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimit, Database, Entry, Gate, Outcome, Priority,
    Quota, RateLimit, Route, limit::Fixed,
};
use tower::{BoxError, Layer, Service, service_fn};

/// So many calls among `n` of something.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// Of what there are many, and what is called.
    pub(crate) what: &'static str,
    /// How many there are at least and at most: from one to the other tenfold.
    pub(crate) sizes: [usize; 2],
    /// Few, and many.
    pub(crate) calls: [usize; 2],
    pub(crate) run: fn(usize, usize),
}

const ALL: [usize; 2] = [1, 100_000];
const CALLS: [usize; 2] = [500, 2_500];

pub(crate) const SCENES: &[Scene] = &[
    scene("routes", "routes that are known; a request, admitted by all gates", ALL, routes),
    Scene {
        calls: [2, 12],
        ..scene("routes-signal", "routes that are known; one signal", [1, 1_000], routes_signal)
    },
    scene("statements", "statements; a query, by name", ALL, statements),
    scene("texts", "SQL texts; a query, by text", ALL, texts),
    scene("keys", "clients that are known; a keyed rate check", ALL, keys),
    scene("databases", "databases; a request that needs one", [1, 100], databases),
    scene("databases-all", "databases; a request that needs all", [1, 10], databases_all),
    scene("waiters", "requests that wait; one comes, another goes on", ALL, waiters),
    scene(
        "waiters-mixed",
        "the same, of 1000 clients and four priorities",
        [1, 10_000],
        waiters_mixed,
    ),
    scene("connections", "connections with a request in flight; one more", ALL, connections),
    scene("window", "milliseconds of the breaker's window; a query", [100, 100_000], window),
];

impl Scene {
    pub(crate) fn all_sizes(&self) -> impl Iterator<Item = usize> {
        let [least, most] = self.sizes;
        std::iter::successors(Some(least), |n| Some(n * 10)).take_while(move |n| *n <= most)
    }
}

const fn scene(
    name: &'static str,
    what: &'static str,
    sizes: [usize; 2],
    run: fn(usize, usize),
) -> Scene {
    Scene { name, what, sizes, calls: CALLS, run }
}

fn valid<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("the settings are in range")
}

fn runtime() -> tokio::runtime::Runtime {
    valid(tokio::runtime::Builder::new_current_thread().enable_time().build())
}

/// A service that does nothing, behind an admission.
fn behind(admission: &Admission) -> impl Service<Class, Response = (), Error = BoxError> {
    let layer = admission.layer().classify(|class: &Class| *class).refuse_with_error();
    layer.layer(service_fn(async |_: Class| Ok::<_, BoxError>(())))
}

fn call(service: &mut impl Service<Class, Response = (), Error = BoxError>, class: Class) {
    let answer = std::pin::pin!(service.call(class));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(answer.poll(&mut context).is_ready(), "nothing here waits");
}

fn normal() -> Class {
    Class::new(Priority::Normal)
}

fn known_routes(n: usize) -> Vec<Option<Route>> {
    (0..n).map(|route| Route::named(&format!("route {route}"))).collect()
}

fn routes(n: usize, calls: usize) {
    let db = Database::new("shop");
    let quota = RateLimit::new(Quota::per_second(1_000_000_000));
    let admission = valid(Admission::builder().protect(&db).rate(quota).build());
    let (mut service, routes) = (behind(&admission), known_routes(n));
    routes.iter().for_each(|route| call(&mut service, normal().route(*route)));
    (0..calls).for_each(|i| call(&mut service, normal().route(routes[i % n])));
}

fn routes_signal(n: usize, signals: usize) {
    let db = Database::new("shop");
    let admission = valid(Admission::builder().protect(&db).build());
    let mut service = behind(&admission);
    known_routes(n).iter().for_each(|route| call(&mut service, normal().route(*route)));
    for _ in 0..signals {
        sleep(Duration::from_millis(101));
        db.record(Duration::from_millis(1), Outcome::Success);
    }
}

fn statements(n: usize, calls: usize) {
    let db = Database::new("shop");
    let names: Vec<_> = (0..n).map(|name| format!("statement {name}")).collect();
    let query = |name: &String| db.statement(name).start().finish(Outcome::Success);
    names.iter().for_each(query);
    (0..calls).for_each(|i| query(&names[i % n]));
}

fn texts(n: usize, calls: usize) {
    let db = Database::new("shop");
    let text = |text| format!("SELECT * FROM products WHERE name = 'product {text:06}'");
    let texts: Vec<_> = (0..n).map(text).collect();
    let query = |text: &String| db.sql(text).start().finish(Outcome::Success);
    texts.iter().for_each(query);
    (0..calls).for_each(|i| query(&texts[i % n]));
}

fn keys(n: usize, calls: usize) {
    let limit = RateLimit::new(Quota::per_second(1_000_000)).per_key().max_keys(n.max(100_000));
    let gate = valid(limit.gate());
    let classes: Vec<_> = (0..n).map(|client| normal().key(&client)).collect();
    let now = std::time::Instant::now();
    let check = |class: &Class| drop(gate.enter(class, now));
    classes.iter().for_each(check);
    (0..calls).for_each(|i| check(&classes[i % n]));
}

fn protected(n: usize) -> (Vec<Database>, Admission) {
    let databases: Vec<_> = (0..n).map(|number| Database::new(format!("{number}"))).collect();
    let protect = |builder: brownout::AdmissionBuilder, db: &Database| builder.protect(db);
    let builder = databases.iter().fold(Admission::builder(), protect);
    let admission = valid(builder.build());
    (databases, admission)
}

fn databases(n: usize, calls: usize) {
    let (databases, admission) = protected(n);
    let mut service = behind(&admission);
    (0..calls).for_each(|i| call(&mut service, normal().needs(&databases[i % n])));
}

fn databases_all(n: usize, calls: usize) {
    let (_databases, admission) = protected(n);
    let mut service = behind(&admission);
    (0..calls).for_each(|_| call(&mut service, normal()));
}

fn waiters(n: usize, calls: usize) {
    wait(n, calls, |_| normal());
}

fn waiters_mixed(n: usize, calls: usize) {
    let priority = |i: usize| Priority::ALL[i % Priority::ALL.len()];
    wait(n, calls, |i| Class::new(priority(i)).key(&(i % 1000)));
}

/// One place, for which `n` wait all the time.
fn wait(n: usize, calls: usize, class: impl Fn(usize) -> Class) {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(n + 1);
    let gate = valid(limit.max_wait(Duration::from_secs(60)).gate());
    let (left, runtime) = (Rc::new(Cell::new(calls)), runtime());
    let tasks = tokio::task::LocalSet::new();
    let held = gate.enter(&normal(), std::time::Instant::now());
    for i in 0..n {
        let (gate, class, left) = (gate.clone(), class(i), left.clone());
        tasks.spawn_local(async move {
            while left.get() > 0 {
                let permit = gate.acquire(&class).await;
                left.set(left.get().saturating_sub(1));
                // It is in the queue again before its place is free.
                let again = gate.acquire(&class);
                let mut again = std::pin::pin!(again);
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                let waits = again.as_mut().poll(&mut context).is_pending();
                drop(permit);
                if waits {
                    let _ = again.await;
                }
            }
        });
    }
    runtime.block_on(tasks.run_until(async {
        tokio::task::yield_now().await;
        drop(held);
        while left.get() > 0 {
            tokio::task::yield_now().await;
        }
    }));
    // Those who still wait need not be woken one after the other.
    std::process::exit(0);
}

fn connections(n: usize, calls: usize) {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(n + 1)).max(n + 1);
    let gate = valid(limit.gate());
    let enter = || match gate.enter(&normal(), std::time::Instant::now()) {
        Entry::Admitted(permit) => permit,
        other => panic!("there is room: {other:?}"),
    };
    let _held: Vec<_> = (0..n).map(|_| enter()).collect();
    (0..calls).for_each(|_| drop(enter()));
}

fn window(n: usize, calls: usize) {
    let db = Database::new("shop");
    let breaker = CircuitBreaker::new().window(Duration::from_millis(n as u64));
    let _layer = valid(breaker.protecting(&db));
    let query = db.statement("query");
    (0..calls).for_each(|_| query.start().finish(Outcome::Success));
}
