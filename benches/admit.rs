//! What does it cost to be admitted? Each layer around a service that does nothing,
//! against that service bare.

use std::{convert::Infallible, future::Future, hint::black_box};

use brownout::{Admission, CircuitBreaker, Class, ConcurrencyLimit, Database, Quota, RateLimit};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, service_fn};

type Answer = Response<Full<Bytes>>;

fn bare() -> impl Service<Request<()>, Response = Answer, Error = Infallible, Future: Send> + Clone
{
    service_fn(|_: Request<()>| async { Ok(Response::new(Full::new(Bytes::from_static(b"ok")))) })
}

fn call<S>(c: &mut Criterion, name: &str, mut service: S)
where
    S: Service<Request<()>, Error = Infallible>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime can be built");
    let _guard = runtime.enter();
    c.bench_function(name, |bencher| {
        bencher.iter(|| {
            let answer = service.call(Request::new(()));
            black_box(ready(answer).is_ok())
        });
    });
}

/// The output of a future that has nothing to wait for.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => unreachable!("nothing here waits"),
    }
}

fn admit(c: &mut Criterion) {
    let valid = "the settings are in range";
    let db = Database::new("bench");
    let quota = Quota::per(std::time::Duration::from_secs(1), 1_000_000_000);
    call(c, "bare", bare());
    call(c, "concurrency, following the service", {
        ConcurrencyLimit::new().layer().expect(valid).layer(bare())
    });
    call(c, "concurrency, following a database", {
        ConcurrencyLimit::new().protecting(&db).expect(valid).layer(bare())
    });
    call(c, "breaker", CircuitBreaker::new().protecting(&db).expect(valid).layer(bare()));
    call(c, "rate", RateLimit::new(quota).layer().expect(valid).layer(bare()));
    call(c, "rate by key", {
        let layer = RateLimit::new(quota).per_key().layer().expect(valid);
        layer.classify(Class::default().key("a client")).layer(bare())
    });
    call(c, "all three", {
        let all = Admission::builder().protect(&db).rate(RateLimit::new(quota)).build();
        all.expect(valid).layer().layer(bare())
    });
}

criterion_group!(benches, admit);
criterion_main!(benches);
