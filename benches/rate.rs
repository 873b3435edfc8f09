//! What does a rate check cost over that of bare governor?
//!
//! `cargo bench --bench rate` measures the time; with `-- --instructions` it counts
//! instructions instead, which needs valgrind and is the same on a busy machine.

use std::{
    cell::Cell,
    convert::Infallible,
    future::Future,
    hint::black_box,
    num::NonZeroU32,
    pin::pin,
    process::Command,
    rc::Rc,
    task::{Context, Waker},
    time::Duration,
};

use brownout::{Class, Gate, Quota, RateLimit};
use bytes::Bytes;
use criterion::Criterion;
use governor::{RateLimiter, clock::Clock, nanos::Nanos};
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, service_fn};

/// What is measured, by name. Each call is one check.
type Case = (&'static str, Box<dyn FnMut()>);

const CLIENTS: u64 = 1_024;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--instructions", ..] => count_all(),
        ["--run", name, times] => run(name, times.parse().expect("it is a number")),
        _ => measure_all(),
    }
}

fn measure_all() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, mut case) in cases() {
        criterion.bench_function(name, |bencher| bencher.iter(&mut case));
    }
    criterion.final_summary();
}

/// Instructions per check: of 20 000 less those of 10 000, so that what is made before does
/// not count.
fn count_all() {
    println!("| check | instructions |\n|---|---|");
    for (name, _) in cases() {
        let (more, less) = (count(name, 20_000), count(name, 10_000));
        println!("| {name} | {} |", (more - less) / 10_000);
    }
}

fn count(name: &str, times: u32) -> u64 {
    let this = std::env::current_exe().expect("it has a path");
    let out = std::env::temp_dir().join(format!("rate.{}.callgrind", std::process::id()));
    let file = format!("--callgrind-out-file={}", out.display());
    let arguments = ["--tool=callgrind", &file];
    let mut valgrind = Command::new("valgrind");
    let valgrind = valgrind.args(arguments).arg(this).args(["--run", name, &times.to_string()]);
    let said = valgrind.output().expect("valgrind is installed");
    let _ = std::fs::remove_file(out);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let collected = said.lines().find_map(|line| line.split("Collected : ").nth(1));
    collected.and_then(|count| count.trim().parse().ok()).expect("valgrind tells the count")
}

fn run(name: &str, times: u32) {
    let mut cases = cases();
    let (_, case) = cases.iter_mut().find(|case| case.0 == name).expect("there is such a case");
    (0..times).for_each(|_| case());
}

fn cases() -> Vec<Case> {
    let quota = governor::Quota::per_second(NonZeroU32::MAX);
    let mut cases: Vec<Case> = vec![("nothing", Box::new(|| {}))];
    let mut case = |name, check: Box<dyn FnMut()>| cases.push((name, check));
    case("governor", {
        let limiter = RateLimiter::direct_with_clock(quota, Frozen);
        Box::new(move || _ = black_box(limiter.check()))
    });
    case("governor, by key, hash map", {
        let (limiter, mut next) = (RateLimiter::hashmap_with_clock(quota, Frozen), clients());
        Box::new(move || _ = black_box(limiter.check_key(&next())))
    });
    case("governor, by key, dash map", {
        let (limiter, mut next) = (RateLimiter::dashmap_with_clock(quota, Frozen), clients());
        Box::new(move || _ = black_box(limiter.check_key(&next())))
    });
    for quota in [PLENTY, NOTHING] {
        let admits = quota == PLENTY;
        let name = |admits_name, refuses_name| if admits { admits_name } else { refuses_name };
        let three = RateLimit::new(quota).and(quota.named("b")).and(quota.named("c"));
        let all = entered(RateLimit::new(quota), Class::default);
        case(name("gate, admits", "gate, refuses"), all);
        let each = entered(RateLimit::new(quota).per_key(), keyed());
        case(name("gate, by key, admits", "gate, by key, refuses"), each);
        let each = entered(RateLimit::new(quota).per_key(), hashed());
        case(name("gate, by key, known hash, admits", "gate, by key, known hash, refuses"), each);
        let each = entered(three.per_key(), hashed());
        case(name("gate, by key, 3 quotas, admits", "gate, by key, 3 quotas, refuses"), each);
    }
    case("the clock", Box::new(|| _ = black_box(tokio::time::Instant::now())));
    case("a hash of a key", {
        let mut next = keyed();
        Box::new(move || _ = black_box(next()))
    });
    case("service", called(service()));
    let layer = |limit: RateLimit| limit.layer().expect("it is valid");
    case("service and layer", called(layer(RateLimit::new(PLENTY)).layer(service())));
    case("service and layer, by key", {
        let next = Rc::new(Cell::new(0));
        let classify = move |_: &Request<()>| {
            next.set((next.get() + 1) % CLIENTS);
            Class::default().key(&next.get())
        };
        called(layer(RateLimit::new(PLENTY).per_key()).classify(classify).layer(service()))
    });
    cases
}

const PLENTY: Quota = Quota::per(Duration::from_secs(1), 1_000_000_000).burst(u32::MAX);
const NOTHING: Quota = Quota::per_day(1);

fn entered(limit: RateLimit, mut next: impl FnMut() -> Class + 'static) -> Box<dyn FnMut()> {
    let gate = limit.gate().expect("it is valid");
    let now = tokio::time::Instant::now().into_std();
    // What is new, and the one that the smallest quota admits.
    (0..2 * CLIENTS).for_each(|_| drop(gate.enter(&next(), now)));
    Box::new(move || _ = black_box(gate.enter(&next(), now)))
}

/// The clients in turn.
fn clients() -> impl FnMut() -> u64 {
    let mut next = 0;
    move || {
        next = (next + 1) % CLIENTS;
        next
    }
}

fn keyed() -> impl FnMut() -> Class {
    let mut next = clients();
    move || Class::default().key(&next())
}

/// The same, where somebody has hashed it already.
fn hashed() -> impl FnMut() -> Class {
    let classes: Vec<_> = (0..CLIENTS).map(|client| Class::default().key(&client)).collect();
    let mut next = clients();
    move || classes[next() as usize]
}

type Answer = Response<Full<Bytes>>;

fn service()
-> impl Service<Request<()>, Response = Answer, Error = Infallible, Future: Send> + Clone + 'static
{
    service_fn(|_: Request<()>| async { Ok(Response::new(Full::new(Bytes::from_static(b"ok")))) })
}

fn called<S>(mut service: S) -> Box<dyn FnMut()>
where
    S: Service<Request<()>, Error = Infallible> + 'static,
{
    Box::new(move || {
        let mut answer = pin!(service.call(Request::new(())));
        let mut context = Context::from_waker(Waker::noop());
        _ = black_box(answer.as_mut().poll(&mut context).is_ready());
    })
}

/// Time stands still, so that no case pays for reading it.
#[derive(Clone, Copy)]
struct Frozen;

impl Clock for Frozen {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(1_000_000_000)
    }
}
