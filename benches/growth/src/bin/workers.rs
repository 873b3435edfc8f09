//! Do two threads admit more than one? Calls per second of 64 tasks on two workers of tokio
//! against one, behind each of the layers, around a service that does nothing.
//!
//! `cargo run --release --manifest-path benches/growth/Cargo.toml --bin workers [-- ROUNDS
//! [CALLS]]`. Each round runs the same calls on one worker and then on two, right after each
//! other. Default: 21 rounds of 1 280 000 calls. It says something only where two processors
//! have nothing else to do.

use std::{
    future::{Ready, ready},
    hint::black_box,
    task::{Context, Poll},
    time::Instant,
};

use brownout::{
    Admission, CircuitBreaker, Class, ConcurrencyLimitLayer, Database, Priority, Quota, RateLimit,
};
use tokio::runtime::{Builder, Runtime};
use tower::{BoxError, Layer, Service, ServiceExt};

const TASKS: usize = 64;

/// Answers at once with nothing.
#[derive(Clone, Copy)]
struct Bare;

impl Service<u64> for Bare {
    type Response = u64;
    type Error = BoxError;
    type Future = Ready<Result<u64, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, number: u64) -> Self::Future {
        ready(Ok(number))
    }
}

struct Bench {
    runtimes: [Runtime; 2],
    rounds: usize,
    calls: usize,
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().expect("it is a number"));
    let (rounds, calls) = (numbers.next().unwrap_or(21), numbers.next().unwrap_or(1_280_000));
    let runtime =
        |workers| Builder::new_multi_thread().worker_threads(workers).enable_time().build();
    let runtimes = [1, 2].map(|workers| runtime(workers).expect("a runtime can be built"));
    let bench = Bench { runtimes, rounds, calls };

    let valid = "the settings are in range";
    let quota = || RateLimit::new(Quota::per_second(1_000_000_000));
    let (db, other) = (Database::new("shop"), Database::new("other"));
    println!("| layer | ns, one worker | two | ratio | of the best |\n|---|---:|---:|---:|---:|");
    bench.compare("none", Bare);
    bench.compare(
        "adaptive concurrency",
        ConcurrencyLimitLayer::new().refuse_with_error().layer(Bare),
    );
    let breaker = CircuitBreaker::new().protecting(&db).expect(valid);
    bench.compare("circuit breaker", breaker.refuse_with_error().layer(Bare));
    bench.compare("global rate", quota().layer().expect(valid).refuse_with_error().layer(Bare));
    let all = Admission::builder().protect(&other).rate(quota()).build().expect(valid);
    let classify = |number: &u64| match number % 2 {
        0 => Class::new(Priority::Normal),
        _ => Class::new(Priority::Critical),
    };
    bench.compare("all three", all.layer().classify(classify).refuse_with_error().layer(Bare));
}

impl Bench {
    fn compare<S>(&self, name: &str, service: S)
    where
        S: Service<u64, Error = BoxError> + Clone + Send + 'static,
        S::Future: Send,
    {
        let run = |workers: usize| self.run(&self.runtimes[workers - 1], &service);
        run(1);
        run(2);
        let (mut one, mut two, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let pair = [run(1), run(2)];
            one.push(pair[0]);
            two.push(pair[1]);
            ratios.push(pair[0] / pair[1]);
        }
        [&mut one, &mut two, &mut ratios].into_iter().for_each(|all| all.sort_by(f64::total_cmp));
        let half = self.rounds / 2;
        let (best, ratio) = (one[0] / two[0], ratios[half]);
        println!("| {name} | {:.1} | {:.1} | {ratio:.2} | {best:.2} |", one[half], two[half]);
    }

    /// Nanoseconds per call.
    fn run<S>(&self, runtime: &Runtime, service: &S) -> f64
    where
        S: Service<u64, Error = BoxError> + Clone + Send + 'static,
        S::Future: Send,
    {
        let each = self.calls / TASKS;
        let start = Instant::now();
        runtime.block_on(async {
            let tasks: Vec<_> =
                (0..TASKS).map(|_| tokio::spawn(task(service.clone(), each))).collect();
            for task in tasks {
                task.await.expect("it does not panic");
            }
        });
        start.elapsed().as_nanos() as f64 / (each * TASKS) as f64
    }
}

async fn task<S>(mut service: S, calls: usize)
where
    S: Service<u64, Error = BoxError>,
{
    for number in 0..calls as u64 {
        let ready = service.ready().await.expect("it is always ready");
        black_box(ready.call(number).await.is_ok());
        if number % 64 == 63 {
            tokio::task::yield_now().await;
        }
    }
}
