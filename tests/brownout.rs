//! How degraded the service is, as its handlers see it and as people do.

#![cfg(feature = "axum")]

mod support;

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Request},
    routing::get,
};
use brownout::{
    Admission, AdmissionBuilder, AdmissionLayer, Brownout, Class, ConcurrencyLimit, Database,
    Event, Key, Needs, Optional, Outcome, Priority, attributed, limit::Fixed,
};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use proptest::prelude::*;
use support::{MS, SECOND, on_paused_time};
use tokio::{
    task::JoinSet,
    time::{advance, sleep, timeout},
};
use tower::{Layer, ServiceExt, service_fn};

const RELATED: Optional = Optional::nth(1, 2);
const REVIEWS: Optional = Optional::nth(2, 2);
const USER: &str = "x-user";
/// So many clients are far too many for four places.
const CROWD: usize = 20;

fn limited(places: usize) -> AdmissionBuilder {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(places)).queue(99).max_wait(SECOND);
    Admission::builder().concurrency(limit)
}

fn of(db: &Database, places: usize) -> Admission {
    limited(places).protect(db).build().expect("it is valid")
}

fn by_user<B>(request: &Request<B>) -> Option<Key> {
    request.headers().get(USER).map(|user| Key::of(user.as_bytes()))
}

fn asking(path: &str, user: Option<&str>) -> Request<Body> {
    let request = user.iter().fold(Request::get(path), |request, user| request.header(USER, *user));
    request.body(Body::empty()).expect("it is valid")
}

async fn text(app: &Router, request: Request<Body>) -> String {
    let response = app.clone().oneshot(request).await.expect("it is infallible");
    let body = response.into_body().collect().await.expect("it has no errors");
    String::from_utf8(body.to_bytes().to_vec()).expect("it is text")
}

fn level_of(seen: &str) -> f64 {
    seen.parse().unwrap_or_else(|_| panic!("it is no level: {seen}"))
}

async fn level(brownout: Brownout) -> String {
    brownout.level().to_string()
}

fn page_of(brownout: Brownout) -> String {
    let optional = [(RELATED, "related"), (REVIEWS, "reviews")];
    let served = optional.iter().filter(|(what, _)| brownout.serves(*what)).map(|(_, name)| *name);
    served.collect::<Vec<_>>().join(" ")
}

async fn page(brownout: Brownout) -> String {
    page_of(brownout)
}

/// A query of 200 ms, and the level that its request sees.
async fn queries(State(db): State<Database>, brownout: Brownout) -> String {
    let query = async {
        sleep(200 * MS).await;
        Ok::<_, std::io::Error>(())
    };
    db.observe(query).await.expect("it succeeds");
    level(brownout).await
}

fn querying(layer: AdmissionLayer, db: &Database) -> Router {
    Router::new().route("/", get(queries)).layer(layer).with_state(db.clone())
}

/// So many clients send one request after the other, for so long.
async fn surge(app: &Router, clients: usize, span: Duration) {
    let mut all = JoinSet::new();
    for _ in 0..clients {
        let app = app.clone();
        all.spawn(timeout(span, async move {
            loop {
                text(&app, asking("/", None)).await;
                sleep(MS).await;
            }
        }));
    }
    while all.join_next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn a_surge_raises_the_level_and_its_end_brings_it_back() {
    let db = Database::new("shop");
    let told = Arc::new(Mutex::new(Vec::new()));
    let book = told.clone();
    let observer = move |event: &Event| {
        if let Event::Level { from, to, .. } = event {
            let line = (*from, *to, event.to_string());
            book.lock().expect("nobody panicked").push(line);
        }
    };
    let builder = limited(4).protect(&db).on_event(observer);
    let admission = builder.build().expect("it is valid");
    let app = querying(admission.layer(), &db);
    surge(&app, 2, 5 * SECOND).await;
    assert_eq!(admission.snapshot().level, 0.0, "two of four places");
    surge(&app, CROWD, 10 * SECOND).await;
    let snapshot = admission.snapshot();
    assert_eq!((snapshot.level, snapshot.databases[0].level), (1.0, 1.0));
    assert!(snapshot.to_string().contains("waiting, level 1.00\n"), "{snapshot}");
    surge(&app, 1, 10 * SECOND).await;
    assert_eq!(admission.snapshot().level, 0.0);
    assert!(!admission.snapshot().to_string().contains("level"));

    let told = told.lock().expect("nobody panicked");
    let (first, last) = (&told[0], &told[told.len() - 1]);
    assert!(first.2.starts_with("level of shop from 0.00 to 0."), "{}", first.2);
    assert!(first.2.contains("requests want 4 places"), "{}", first.2);
    assert!(told.iter().any(|(_, to, _)| *to == 1.0) && last.1 == 0.0);
    assert!(told.windows(2).all(|two| two[0].1 == two[1].0), "each goes on where one was");
    assert!(told.len() <= 20, "once a second at most");
    assert!(admission.transitions().len() >= told.len(), "they are transitions");
}

#[tokio::test(start_paused = true)]
async fn a_nightly_batch_dims_nothing() {
    let db = Database::new("shop");
    let admission = of(&db, 4);
    let batch = querying_bulk(&admission, &db);
    surge(&batch, CROWD, 10 * SECOND).await;
    assert_eq!(admission.snapshot().level, 0.0);
    assert!(admission.snapshot().admitted > 100);
}

fn querying_bulk(admission: &Admission, db: &Database) -> Router {
    let layer = admission.layer().priority(Priority::Bulk);
    Router::new().route("/", get(queries)).layer(layer).with_state(db.clone())
}

#[tokio::test(start_paused = true)]
async fn the_first_request_after_a_pause_sees_nothing_of_the_surge_before() {
    let db = Database::new("shop");
    let admission = of(&db, 4);
    let app = querying(admission.layer(), &db);
    let exempt = Router::new().route("/", get(level)).layer(admission.layer().exempt());
    for after in [&app, &exempt] {
        surge(&app, CROWD, 10 * SECOND).await;
        assert_eq!(admission.snapshot().level, 1.0);
        sleep(60 * SECOND).await;
        assert_eq!(text(after, asking("/", None)).await, "0");
    }
}

#[tokio::test(start_paused = true)]
async fn who_looks_after_a_pause_sees_nothing_of_the_surge_before() {
    let db = Database::new("shop");
    let admission = of(&db, 4);
    surge(&querying(admission.layer(), &db), CROWD, 10 * SECOND).await;
    assert_eq!(admission.snapshot().level, 1.0);
    sleep(60 * SECOND).await;
    let overview = admission.overview();
    assert_eq!((overview.level, admission.snapshot().level), (0.0, 0.0), "{overview}");
}

#[tokio::test(start_paused = true)]
async fn the_level_rises_also_where_limits_bind_at_the_checkout() {
    async fn checks_out(State(db): State<Database>, brownout: Brownout) -> String {
        let connect = async { Ok::<_, std::io::Error>(()) };
        let connection = db.checkout(connect).await;
        let seen = queries(State(db), brownout).await;
        drop(connection);
        seen
    }
    let db = Database::new("shop");
    let admission = limited(4).protect(&db).at_checkout().build().expect("it is valid");
    let app = Router::new().route("/", get(checks_out)).layer(admission.layer());
    let app = app.with_state(db);
    surge(&app, CROWD, 10 * SECOND).await;
    assert_eq!(admission.snapshot().level, 1.0);
    assert_eq!(text(&app, asking("/", None)).await, "1");
}

#[tokio::test(start_paused = true)]
async fn the_level_rises_also_where_the_service_itself_is_watched() {
    let admission = limited(4).build().expect("it is valid");
    let app = querying(admission.layer(), &Database::new("nobody listens to it"));
    surge(&app, CROWD, 10 * SECOND).await;
    assert_eq!(admission.snapshot().level, 1.0);
    assert_eq!(text(&app, asking("/", None)).await, "1");
    sleep(60 * SECOND).await;
    assert_eq!(text(&app, asking("/", None)).await, "0");
}

/// Queries fail for so long, with no request in flight.
async fn fail(db: &Database, span: Duration) {
    for _ in 0..span.as_millis() / 10 {
        db.record(MS, Outcome::Overload);
        advance(10 * MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_sees_the_worst_of_what_it_needs_and_without_needs_the_worst_of_all() {
    let (orders, search) = (Database::new("orders"), Database::new("search"));
    let admission = limited(4).protect(&orders).protect(&search).build().expect("it is valid");
    // What is refused sees nothing.
    admission.breaker_of(&search).expect("it is protected").force_closed();
    fail(&search, 5 * SECOND).await;
    let snapshot = admission.snapshot();
    assert_eq!(snapshot.databases.iter().map(|own| own.level).collect::<Vec<_>>(), [0.0, 1.0]);
    assert_eq!(snapshot.level, 1.0);
    let seen = async |layer| {
        let app = Router::new().route("/", get(level)).layer(layer);
        level_of(&text(&app, asking("/", None)).await)
    };
    assert_eq!(seen(admission.layer().needs(&orders)).await, 0.0);
    assert_eq!(seen(admission.layer().needs(&search)).await, 1.0);
    let both = Router::new().route("/", get(level)).layer(admission.layer());
    assert_eq!(text(&both, asking("/", None)).await, "1");
    let exempt = Router::new().route("/", get(level)).layer(admission.layer().exempt());
    assert_eq!(text(&exempt, asking("/", None)).await, "1");
    let neither = |_: &Request<Body>| {
        let mut class = Class::default();
        class.needs = Needs::Of([None; 4]);
        class
    };
    let neither = admission.layer().classify(neither);
    let neither = Router::new().route("/", get(level)).layer(neither);
    assert_eq!(text(&neither, asking("/", None)).await, "1");
}

#[tokio::test(start_paused = true)]
async fn only_a_degraded_request_carries_the_level_and_current_knows_it_anyway() {
    let db = Database::new("shop");
    let admission = of(&db, 4);
    let seen = async || {
        let inside = service_fn(async |request: Request<()>| {
            let carried = request.extensions().get::<Brownout>().copied();
            let mut response = http::Response::new(String::new());
            response.extensions_mut().insert((carried, Brownout::current()));
            Ok::<_, Infallible>(response)
        });
        let response = admission.layer().layer(inside).oneshot(Request::new(())).await;
        let response = response.expect("it is infallible");
        *response.extensions().get::<(Option<Brownout>, Brownout)>().expect("it was served")
    };
    assert_eq!(seen().await, (None, Brownout::default()));
    admission.force_level(0.3).expect("it is valid");
    let (carried, current) = seen().await;
    assert_eq!(carried, Some(current));
    assert_eq!(current.level(), 0.3);
    assert_eq!(Brownout::current().level(), 0.0, "no request runs here");
}

#[tokio::test(start_paused = true)]
async fn outside_of_any_layer_everything_is_served() {
    let app = Router::new().route("/", get(page));
    assert_eq!(text(&app, asking("/", None)).await, "related reviews");
}

/// A body of one frame: the level that is seen as it streams.
struct Seen(bool);

impl http_body::Body for Seen {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let told = std::mem::replace(&mut self.0, true);
        let level = || Bytes::from(Brownout::current().level().to_string());
        Poll::Ready((!told).then(|| Ok(Frame::data(level()))))
    }
}

fn deep_routes() -> Router {
    let task = async || {
        let seen = attributed(async { Brownout::current().level().to_string() });
        tokio::spawn(seen).await.expect("it does not panic")
    };
    let deep = async || Brownout::current().level().to_string();
    Router::new()
        .route("/extracted", get(level))
        .route("/deep", get(deep))
        .route("/task", get(task))
        .route("/body", get(async || Body::new(Seen(false))))
}

#[tokio::test(start_paused = true)]
async fn of_layers_inside_of_each_other_the_worse_level_counts_wherever_it_is_asked() {
    let (inner, outer) = (of(&Database::new("one"), 4), of(&Database::new("other"), 4));
    let app = deep_routes().layer(inner.layer()).layer(outer.layer());
    for (own, around) in [(0.25, 0.75), (0.75, 0.25), (0.0, 0.5), (0.5, 0.0)] {
        inner.force_level(own).expect("it is valid");
        outer.force_level(around).expect("it is valid");
        for path in ["/extracted", "/deep", "/task", "/body"] {
            let seen = level_of(&text(&app, asking(path, None)).await);
            assert_eq!(seen, own.max(around), "{path} with {own} in {around}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_outside_holds_where_the_layer_inside_knows_none() {
    let (inner, outer) = (of(&Database::new("one"), 4), of(&Database::new("other"), 4));
    let app = Router::new().route("/", get(page)).layer(inner.layer());
    let app = app.layer(outer.layer().key(by_user));
    for (own, around) in [(0.0, 0.25), (0.25, 0.0), (0.25, 0.25)] {
        inner.force_level(own).expect("it is valid");
        outer.force_level(around).expect("it is valid");
        assert_consistent(&app).await;
    }
}

/// Each of ten users sees the same each time, and not all see the same.
async fn assert_consistent(app: &Router) {
    let mut seen = HashMap::new();
    for request in 0..1_000 {
        let user = format!("user {}", request % 100);
        let page = text(app, asking("/", Some(&user))).await;
        let first = seen.entry(user).or_insert_with(|| page.clone());
        assert_eq!(*first, page);
    }
    let with_related = seen.values().filter(|page| page.contains("related")).count();
    assert!((20..=80).contains(&with_related), "{with_related} of 100");
    assert!(seen.values().all(|page| page.contains("reviews")));
}

#[tokio::test(start_paused = true)]
async fn one_client_sees_the_same_at_the_same_level() {
    let admission = of(&Database::new("shop"), 4);
    let app = Router::new().route("/", get(page)).layer(admission.layer().key(by_user));
    admission.force_level(0.25).expect("it is valid");
    assert_consistent(&app).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_key_as_many_are_served_as_the_level_says() {
    let admission = of(&Database::new("shop"), 4);
    let app = Router::new().route("/", get(page)).layer(admission.layer());
    admission.force_level(0.125).expect("it is valid");
    let mut with_related = 0;
    for _ in 0..1_000 {
        let page = text(&app, asking("/", None)).await;
        with_related += usize::from(page.contains("related"));
    }
    assert!((740..=760).contains(&with_related), "{with_related} of 1000");
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_sees_the_level_of_the_admission() {
    let db = Database::new("shop");
    let admission = of(&db, 1);
    let app = Router::new().route("/", get(level)).layer(admission.layer());
    let held = admission.acquire(&Class::default()).await.expect("there is room");
    admission.force_level(0.25).expect("it is valid");
    let waiting = tokio::spawn(async move { text(&app, asking("/", None)).await });
    while admission.snapshot().waiting == 0 {
        tokio::task::yield_now().await;
    }
    admission.force_level(0.75).expect("it is valid");
    drop(held);
    assert_eq!(waiting.await.expect("it does not panic"), "0.75");
}

#[tokio::test(start_paused = true)]
async fn a_forced_level_stays_whatever_happens_and_is_told() {
    let db = Database::new("shop");
    let admission = of(&db, 4);
    let app = querying(admission.layer(), &db);
    admission.force_level(0.5).expect("it is valid");
    surge(&app, CROWD, 5 * SECOND).await;
    assert_eq!(admission.snapshot().level, 0.5);
    admission.release_level();
    assert_eq!(admission.snapshot().level, 1.0, "it has watched");
    let lines = admission.transitions().into_iter().map(|own| own.event.to_string());
    let lines: Vec<_> = lines.filter(|line| line.starts_with("level")).collect();
    let told =
        ["level of shop from 0.00 to 0.50: forced", "level of shop from 0.50 to 1.00: released"];
    assert_eq!(lines, told);
}

#[test]
fn what_is_no_level_is_told_and_changes_nothing() {
    let admission = Admission::builder().build().expect("it is valid");
    admission.force_level(1.0).expect("it is valid");
    for (level, value) in [(1.5, "1.5"), (-0.1, "-0.1"), (f64::NAN, "NaN")] {
        let error = admission.force_level(level).unwrap_err();
        assert_eq!(error.to_string(), format!("`level` is {value}, but must be from 0 to 1"));
    }
    assert_eq!(admission.snapshot().level, 1.0);
    let error = Admission::builder().dim_above(1.2).build().unwrap_err();
    let text = "`dim_above` is 1.2, but must be more than 0 and at most 1";
    assert_eq!(error.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn the_set_point_is_how_full_the_limit_may_be() {
    let mut levels = Vec::new();
    for share in [0.2, 1.0] {
        let db = Database::new("shop");
        let builder = limited(10).protect(&db).dim_above(share);
        let admission = builder.build().expect("it is valid");
        surge(&querying(admission.layer(), &db), 7, 10 * SECOND).await;
        levels.push(admission.snapshot().level);
    }
    assert!(levels[0] > 0.5 && levels[1] == 0.0, "{levels:?}");
}

async fn user_header(headers: HeaderMap, brownout: Brownout) -> String {
    let user = headers.get(USER).and_then(|user| user.to_str().ok()).unwrap_or_default();
    format!("{user}: {}", page_of(brownout))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]
    /// Through the whole stack: as the level rises, a client loses what goes first, then what
    /// goes next, and never gets back what it has lost.
    #[test]
    fn what_is_optional_goes_in_order_for_each_client(
        mut levels in prop::collection::vec(0.0..=1.0_f64, 1..20), user in "[a-z]{1,12}",
    ) {
        levels.sort_by(f64::total_cmp);
        on_paused_time(async {
            let admission = of(&Database::new("shop"), 4);
            let layer = admission.layer().key(by_user);
            let app = Router::new().route("/", get(user_header)).layer(layer);
            let order = ["related reviews", "reviews", ""];
            let mut stage = 0;
            for level in levels {
                admission.force_level(level).expect("it is valid");
                let seen = text(&app, asking("/", Some(&user))).await;
                let page = seen.strip_prefix(&format!("{user}: ")).expect("it is theirs");
                let now = order.iter().position(|own| *own == page).expect("it goes in order");
                prop_assert!(now >= stage, "{page} at {level}");
                stage = now;
            }
            Ok(())
        })?;
    }
}
