//! What a span says of an admitted request: its wait, its level, and what it took of the
//! databases.

#![cfg(all(feature = "http", feature = "tracing"))]

mod support;

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    io,
    sync::{Arc, Mutex},
};

use brownout::{
    Admission, Class, ConcurrencyLimit, Database, Priority, Quota, RateLimitLayer, limit,
};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use support::MS;
use tokio::time::sleep;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tracing::{
    Instrument, Subscriber,
    field::{Empty, Field, Visit},
    info_span, span,
    subscriber::{DefaultGuard, set_default},
};
use tracing_subscriber::{layer::Context, prelude::*, registry::LookupSpan};

/// The fields of each span that were recorded on it, by the span's name.
#[derive(Clone, Default)]
struct Recordings(Arc<Mutex<BTreeMap<String, BTreeMap<&'static str, f64>>>>);

impl Recordings {
    fn listen() -> (Self, DefaultGuard) {
        let recordings = Self::default();
        let subscriber = tracing_subscriber::registry().with(recordings.clone());
        (recordings, set_default(subscriber))
    }

    fn of(&self, span: &str) -> BTreeMap<&'static str, f64> {
        let spans = self.0.lock().expect("nobody panics");
        spans.get(span).cloned().unwrap_or_default()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Recordings {
    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let name = context.span(id).expect("it is there").name().to_owned();
        let mut spans = self.0.lock().expect("nobody panics");
        values.record(&mut Fields(spans.entry(name).or_default()));
    }
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, f64>);

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), value as f64);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        panic!("{field} is {value:?}, which is no number");
    }
}

macro_rules! request_span {
    ($name:literal) => {
        info_span!(
            $name,
            brownout.wait = Empty,
            brownout.level = Empty,
            brownout.database_time = Empty,
            brownout.queries = Empty,
        )
    };
}

async fn queries(db: &Database, count: usize) {
    for _ in 0..count {
        let query = async {
            sleep(5 * MS).await;
            Ok::<_, io::Error>(())
        };
        db.observe(query).await.expect("it succeeds");
    }
}

/// Sends a request of HTTP through the layer, to a service that runs `inside`.
async fn send<F: Future<Output = ()>>(admission: &Admission, inside: impl Fn() -> F + Clone) {
    let service = service_fn(move |_: Request<()>| {
        let inside = inside();
        async move {
            inside.await;
            Ok::<_, BoxError>(Response::new(Full::new(&b"page"[..])))
        }
    });
    let service = admission.layer().record_span().layer(service);
    let response = service.oneshot(Request::new(())).await.expect("it succeeds");
    assert_eq!(response.status(), StatusCode::OK);
}

fn one_at_a_time(db: &Database) -> Admission {
    let limit = ConcurrencyLimit::new().algorithm(limit::Fixed::new(1)).max_wait(100 * MS);
    Admission::builder().protect(db).concurrency(limit).build().expect("it is valid")
}

#[tokio::test(start_paused = true)]
async fn who_is_admitted_at_once_has_waited_0_and_what_it_took_is_added_up() {
    let (recordings, _listens) = Recordings::listen();
    let (shop, stock) = (Database::new("shop"), Database::new("stock"));
    let admission = Admission::builder().protect(&shop).protect(&stock).build();
    let inside = || async {
        queries(&shop, 2).await;
        queries(&stock, 1).await;
    };
    let admission = admission.expect("it is valid");
    send(&admission, inside).instrument(request_span!("first")).await;
    let expected = [
        ("brownout.database_time", 0.015),
        ("brownout.level", 0.0),
        ("brownout.queries", 3.0),
        ("brownout.wait", 0.0),
    ];
    assert_eq!(recordings.of("first"), expected.into());
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_says_for_how_long_before_its_service_runs() {
    let (recordings, _listens) = Recordings::listen();
    let db = Database::new("shop");
    let admission = one_at_a_time(&db);
    let held = admission.acquire(&Class::new(Priority::Normal)).await.expect("it is the first");
    let seen = Mutex::default();
    let inside = || async {
        *seen.lock().expect("nobody panics") = recordings.of("waits");
    };
    let free = async {
        sleep(30 * MS).await;
        drop(held);
    };
    tokio::join!(send(&admission, inside).instrument(request_span!("waits")), free);
    let expected = BTreeMap::from([("brownout.level", 0.0), ("brownout.wait", 0.03)]);
    assert_eq!(seen.into_inner().expect("nobody panics"), expected);
    assert_eq!(recordings.of("waits"), expected, "it took nothing of a database");
}

#[tokio::test(start_paused = true)]
async fn a_dimmed_request_says_at_which_level_it_ran() {
    let (recordings, _listens) = Recordings::listen();
    let db = Database::new("shop");
    let admission = one_at_a_time(&db);
    admission.force_level(0.4).expect("it is in range");
    send(&admission, || async {}).instrument(request_span!("dimmed")).await;
    assert_eq!(recordings.of("dimmed")["brownout.level"], 0.4);
}

#[tokio::test(start_paused = true)]
async fn without_http_a_failure_says_what_it_took_too() {
    let (recordings, _listens) = Recordings::listen();
    let db = Database::new("shop");
    let fails = service_fn(|_: ()| async {
        queries(&db, 2).await;
        Err::<(), _>(BoxError::from("it fails"))
    });
    let layer = one_at_a_time(&db).layer().refuse_with_error().record_span();
    let sent = layer.layer(fails).oneshot(()).instrument(request_span!("fails"));
    assert!(sent.await.is_err());
    let recorded = recordings.of("fails");
    assert_eq!((recorded["brownout.queries"], recorded["brownout.database_time"]), (2.0, 0.01));
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_and_a_gate_without_a_level_say_no_more_than_they_know() {
    let (recordings, _listens) = Recordings::listen();
    let db = Database::new("shop");
    let admission = one_at_a_time(&db);
    admission.breaker().force_open();
    let layer = admission.layer().refuse_with_error().record_span();
    let echo = service_fn(|_: ()| async { Ok::<_, BoxError>(()) });
    let refused = layer.layer(echo).oneshot(()).instrument(request_span!("refused")).await;
    assert!(refused.is_err());
    assert_eq!(recordings.of("refused"), BTreeMap::new());

    let layer = RateLimitLayer::new(Quota::per_second(1)).expect("it is valid");
    let layer = layer.refuse_with_error().record_span();
    let admitted = layer.layer(echo).oneshot(()).instrument(request_span!("rated")).await;
    assert!(admitted.is_ok());
    assert_eq!(recordings.of("rated"), [("brownout.wait", 0.0)].into());
}

#[tokio::test(start_paused = true)]
async fn a_span_without_the_fields_and_a_layer_that_is_not_asked_record_nothing() {
    let (recordings, _listens) = Recordings::listen();
    let db = Database::new("shop");
    let admission = one_at_a_time(&db);
    send(&admission, || queries(&db, 1)).instrument(info_span!("bare")).await;
    assert_eq!(recordings.of("bare"), BTreeMap::new());
    let echo = service_fn(|_: ()| async { Ok::<_, BoxError>(()) });
    let layer = admission.layer().refuse_with_error();
    let sent = layer.layer(echo).oneshot(()).instrument(request_span!("unasked")).await;
    assert!(sent.is_ok());
    assert_eq!(recordings.of("unasked"), BTreeMap::new());
}
