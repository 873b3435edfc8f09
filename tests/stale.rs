//! The last good answer is served where there is nothing better, and only then.

#![cfg(feature = "stale")]

mod support;

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use brownout::{Reason, Rejection, StaleLayer};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use support::{
    MS, SECOND,
    chunks::Chunks,
    origin::{Came, Origin, Play, fields, get, request, send},
};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

const BUSY: Play = Play::Status(StatusCode::SERVICE_UNAVAILABLE);
const PLAIN: Play = Play::Page(&[]);

#[tokio::test(start_paused = true)]
async fn each_kind_of_trouble_is_answered_from_what_is_kept() {
    for (play, says) in [
        (Play::Refuse(Reason::CircuitOpen), "brownout; hit; ttl=-7; detail=circuit_open"),
        (Play::Refuse(Reason::QueueFull), "brownout; hit; ttl=-7; detail=queue_full"),
        (Play::Status(StatusCode::BAD_GATEWAY), "brownout; fwd=stale; fwd-status=502; ttl=-7"),
        (BUSY, "brownout; fwd=stale; fwd-status=503; ttl=-7"),
        (Play::Status(StatusCode::GATEWAY_TIMEOUT), "brownout; fwd=stale; fwd-status=504; ttl=-7"),
        (Play::Fail, "brownout; fwd=stale; ttl=-7; detail=failed"),
        (Play::Wait(&[]), "brownout; fwd=stale; ttl=-7; detail=late"),
    ] {
        let origin = Origin::new(Play::Page(&[("cache-control", "max-age=5"), ("x-shop", "7")]));
        let service = StaleLayer::new().within(300 * MS).layer(origin.service());
        let first = get(&service, "/").await;
        assert_eq!((first.header("cache-status"), first.header("age")), ("", ""));
        advance(12 * SECOND).await;
        origin.play(play);
        let came = get(&service, "/").await;
        assert_eq!((came.status, &*came.body, came.header("x-shop")), (200, "/ 1", "7"), "{says}");
        assert_eq!(came.header("cache-status"), says);
        assert!(["12", "13"].contains(&came.header("age")), "{}", came.header("age"));
        assert_eq!(origin.calls(), 2, "it was asked first");
        assert_eq!(origin.inside(), 0, "nothing is left of it");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_passes_as_it_is_where_nothing_is_kept() {
    let origin = Origin::new(Play::Refuse(Reason::QueueFull));
    let service = StaleLayer::new().within(300 * MS).layer(origin.service());
    assert_eq!(get(&service, "/").await.status, 503);
    origin.play(Play::Fail);
    let error = send(&service, request("/", &[])).await.expect_err("it fails");
    assert_eq!(error.to_string(), "broken");
    origin.play(Play::Wait(&[]));
    let mut late = task::spawn(service.clone().oneshot(request("/", &[])));
    assert_pending!(late.poll());
    advance(SECOND).await;
    assert_pending!(late.poll());
    origin.open();
    assert!(assert_ready!(late.poll()).is_ok(), "it is waited for");
}

#[tokio::test(start_paused = true)]
async fn who_is_over_a_quota_learns_it_unless_told_otherwise() {
    for (layer, reason, status) in [
        (StaleLayer::new(), Reason::Quota, 503),
        (StaleLayer::new().over_quota(), Reason::Quota, 200),
        (StaleLayer::new().over_quota(), Reason::Unkeyed, 503),
    ] {
        let origin = Origin::new(PLAIN);
        let service = layer.layer(origin.service());
        get(&service, "/").await;
        origin.play(Play::Refuse(reason));
        assert_eq!(get(&service, "/").await.status, status, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_never_kept_whatever_its_status() {
    let layer = StaleLayer::new();
    let service = layer.layer(service_fn(|_: Request<()>| async {
        let mut refusal = Response::new(Full::<Bytes>::default());
        refusal.extensions_mut().insert(Rejection::new(Reason::Quota, SECOND));
        Ok::<_, BoxError>(refusal)
    }));
    assert_eq!(get(&service, "/").await.status, 200);
    assert_eq!(layer.snapshot().kept, 0);
}

#[tokio::test(start_paused = true)]
async fn a_500_is_a_bug_unless_the_answer_calls_it_an_error() {
    for (kept, status) in [
        (&[("cache-control", "max-age=1")], 500),
        (&[("cache-control", "max-age=1, stale-if-error=60")], 200),
    ] {
        let origin = Origin::new(Play::Page(kept));
        let service = StaleLayer::new().layer(origin.service());
        get(&service, "/").await;
        origin.play(Play::Status(StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!(get(&service, "/").await.status, status, "{kept:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_answer_is_served_without_asking_only_if_told() {
    let origin = Origin::new(Play::Page(&[("cache-control", "max-age=60")]));
    let asking = StaleLayer::new();
    let service = asking.layer(origin.service());
    get(&service, "/").await;
    assert_eq!(get(&service, "/").await.body, "/ 2");
    let service = asking.clone().fresh().layer(origin.service());
    let came = get(&service, "/").await;
    assert_eq!((&*came.body, came.header("cache-status")), ("/ 2", "brownout; hit; ttl=60"));
    for (own, calls) in [("max-age=10", 3), ("min-fresh=99", 4), ("no-cache", 5), ("max-age=99", 5)]
    {
        advance(20 * SECOND).await;
        send(&service, request("/", &[("cache-control", own)])).await.expect("it is answered");
        assert_eq!(origin.calls(), calls, "{own}");
    }
    advance(41 * SECOND).await;
    assert_eq!(get(&service, "/").await.body, "/ 6", "it is stale");
    assert_eq!(asking.snapshot().fresh, 2);
}

/// What a request gets in trouble after `age` seconds, if the answer before had `kept`.
async fn in_trouble(kept: &'static [(&str, &str)], sent: &[(&str, &str)], age: u32) -> Came {
    let origin = Origin::new(Play::Page(kept));
    let service = StaleLayer::new().layer(origin.service());
    send(&service, request("/", sent)).await.expect("it is answered");
    advance(age * SECOND).await;
    origin.play(BUSY);
    send(&service, request("/", sent)).await.expect("it is answered")
}

#[tokio::test(start_paused = true)]
async fn an_answer_stands_in_for_as_long_as_it_says() {
    for (control, lasts) in [
        ("max-age=10", 3_610),
        ("max-age=10, stale-if-error=20", 30),
        ("max-age=10, stale-if-error=90000", 90_010),
        ("max-age=10, stale-if-error=nonsense", 9),
        ("max-age=10, must-revalidate", 9),
        ("max-age=10, Must-Revalidate, stale-if-error=20", 9),
        ("max-age=5, s-maxage=10, stale-if-error=20", 9),
        ("public", 3_600),
        ("max-age=0", 3_600),
    ] {
        let kept: &'static [_] = Vec::leak(vec![("cache-control", control)]);
        assert_eq!(in_trouble(kept, &[], lasts).await.status, 200, "{control}");
        assert_eq!(in_trouble(kept, &[], lasts + 1).await.status, 503, "{control}");
    }
    assert_eq!(in_trouble(&[], &[], 3_600).await.status, 200, "it says nothing");
    assert_eq!(in_trouble(&[], &[], 3_601).await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_kept_is_not() {
    const BAD: &[&[(&str, &str)]] = &[
        &[("cache-control", "no-store")],
        &[("cache-control", "max-age=60, PRIVATE")],
        &[("cache-control", "max-age=60"), ("cache-control", "private=\"x-name, x-mail\"")],
        &[("cache-control", "no-cache")],
        &[("pragma", "no-cache")],
        &[("cache-control", "proxy-revalidate, max-age=60")],
        &[("cache-control", "must-revalidate")],
        &[("cache-control", "public, max-age=60"), ("set-cookie", "sid=7")],
        &[("vary", "*")],
        &[("vary", "accept, *")],
        &[("content-range", "bytes 0-4/9")],
        &[("age", "99999999999999999999")],
        &[("content-length", "999")],
        &[("content-length", "nonsense")],
    ];
    for kept in BAD {
        assert_eq!(in_trouble(kept, &[], 1).await.status, 503, "{kept:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_have_nothing_to_do_with_stores_pass() {
    for sent in [
        ("range", "bytes=0-4"),
        ("cache-control", "no-store"),
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        ("if-match", "\"7\""),
        ("content-length", "3"),
        ("upgrade", "websocket"),
    ] {
        assert_eq!(in_trouble(&[], &[sent], 1).await.status, 503, "{sent:?}");
    }
    // A reload takes what there is, and an answer with `public` is for all.
    let reload = [("cache-control", "max-age=0")];
    assert_eq!(in_trouble(&[], &reload, 1).await.status, 200);
    let user = [("authorization", "Bearer 7")];
    assert_eq!(in_trouble(&[("cache-control", "public")], &user, 1).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_not_served_as_if_it_were_there() {
    let origin = Origin::new(PLAIN);
    let service = StaleLayer::new().layer(origin.service());
    get(&service, "/").await;
    origin.play(Play::Status(StatusCode::NOT_FOUND));
    get(&service, "/").await;
    origin.play(BUSY);
    assert_eq!(get(&service, "/").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn variants_are_kept_apart_and_are_bounded() {
    let origin = Origin::new(Play::Page(&[("vary", "Accept-Language, x-region")]));
    let service = StaleLayer::new().max_variants(2).layer(origin.service());
    let ask = async |language| {
        let sent = [("accept-language", language)];
        send(&service, request("/", &sent)).await.expect("it is answered")
    };
    for language in ["de", "en", "fr", "en"] {
        ask(language).await;
    }
    origin.play(BUSY);
    assert_eq!(ask("en").await.body, "/ 4");
    assert_eq!(ask("fr").await.body, "/ 3");
    assert_eq!(ask("de").await.status, 503, "two are kept, the newest");
    let lines = [("accept-language", "en"), ("accept-language", "fr")];
    assert_eq!(send(&service, request("/", &lines)).await.expect("it is answered").status, 503);
}

#[tokio::test(start_paused = true)]
async fn hosts_and_queries_are_kept_apart() {
    let origin = Origin::new(PLAIN);
    let service = StaleLayer::new().layer(origin.service());
    let ask = async |path, host| {
        send(&service, request(path, &[("host", host)])).await.expect("it is answered")
    };
    ask("/?a=1", "Shop.example").await;
    origin.play(BUSY);
    assert_eq!(ask("/?a=1", "shop.example").await.status, 200);
    assert_eq!(ask("/?a=2", "shop.example").await.status, 503);
    assert_eq!(ask("/?a=1", "other.example").await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn a_head_is_answered_from_a_kept_get_and_never_kept() {
    let origin = Origin::new(PLAIN);
    let service = StaleLayer::new().layer(origin.service());
    let head = || Request::head("/").body(()).expect("it is valid");
    send(&service, head()).await.expect("it is answered");
    origin.play(BUSY);
    assert_eq!(get(&service, "/").await.status, 503);
    origin.play(PLAIN);
    get(&service, "/").await;
    origin.play(BUSY);
    let came = send(&service, head()).await.expect("it is answered");
    assert_eq!((came.status, &*came.body, came.header("content-length")), (200, "", "3"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_it_already_is_told_so() {
    let origin = Origin::new(Play::Page(&[("etag", "\"7\""), ("content-type", "text/plain")]));
    let service = StaleLayer::new().layer(origin.service());
    get(&service, "/").await;
    origin.play(BUSY);
    let ask = async |tag| {
        send(&service, request("/", &[("if-none-match", tag)])).await.expect("it is answered")
    };
    let came = ask("\"7\"").await;
    assert_eq!((came.status, &*came.body, came.header("etag")), (304, "", "\"7\""));
    assert_eq!((came.header("age"), came.header("content-type")), ("0", ""));
    assert_eq!(ask("\"6\"").await.body, "/ 1");
}

#[tokio::test(start_paused = true)]
async fn what_changes_a_page_has_it_forgotten() {
    let origin = Origin::new(PLAIN);
    let service = StaleLayer::new().layer(origin.service());
    let put = async |path| {
        let request = Request::put(path).body(()).expect("it is valid");
        send(&service, request).await.expect("it is answered")
    };
    get(&service, "/").await;
    put("/other").await;
    origin.play(BUSY);
    put("/").await;
    assert_eq!(get(&service, "/").await.status, 200, "it was not changed");
    origin.play(PLAIN);
    put("/").await;
    origin.play(BUSY);
    assert_eq!(get(&service, "/").await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn what_is_about_one_connection_or_client_is_not_served_to_others() {
    let came = in_trouble(
        &[
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("server-timing", "db;dur=5"),
            ("ratelimit", "\"default\";r=3"),
            ("x-ratelimit-remaining", "3"),
            ("warning", "110 - stale"),
            ("age", "40"),
            ("cache-status", "inner; hit"),
            ("link", "</a>"),
            ("link", "</b>"),
        ],
        &[],
        2,
    )
    .await;
    let mut names: Vec<_> = came.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["age", "cache-status", "date", "link"]);
    assert_eq!(came.headers.get_all("link").iter().count(), 2);
    assert_eq!(came.header("age"), "42");
    let said: Vec<_> = came.headers.get_all("cache-status").iter().collect();
    assert_eq!(said, ["inner; hit", "brownout; fwd=stale; fwd-status=503; ttl=-42"]);
}

/// A body of these frames.
struct Script(VecDeque<Result<Frame<Bytes>, &'static str>>);

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// A service that answers with bodies of the test's.
fn answering<B: Body>(
    headers: &[(&str, &str)],
    body: impl Fn() -> B + Clone,
) -> impl Service<Request<()>, Response = Response<B>, Error = BoxError> + Clone {
    let headers = fields(headers);
    service_fn(move |_: Request<()>| {
        let mut response = Response::new(body());
        response.headers_mut().clone_from(&headers);
        std::future::ready(Ok(response))
    })
}

fn data(text: &'static str) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text.as_bytes()))
}

/// Whether a body of these frames is kept, of which `read` are read.
async fn is_kept(
    layer: StaleLayer,
    headers: &[(&str, &str)],
    frames: fn() -> Vec<Result<Frame<Bytes>, &'static str>>,
    read: usize,
) -> bool {
    let service = layer.layer(answering(headers, move || Script(frames().into())));
    let mut response = service.oneshot(request("/", &[])).await.expect("it is answered");
    for _ in 0..read {
        let _ = response.body_mut().frame().await;
    }
    drop(response);
    layer.snapshot().kept == 1
}

#[tokio::test(start_paused = true)]
async fn only_what_was_whole_is_kept() {
    let new = StaleLayer::new;
    let two = || vec![Ok(data("one")), Ok(data("two"))];
    assert!(is_kept(new(), &[], two, 3).await);
    assert!(!is_kept(new(), &[], two, 2).await, "its end was not seen");
    assert!(!is_kept(new(), &[], || vec![Ok(data("one")), Err("broken")], 3).await);
    assert!(is_kept(new(), &[("content-length", "6")], two, 2).await, "that is all");
    assert!(!is_kept(new(), &[("content-length", "5")], two, 3).await);
    assert!(!is_kept(new(), &[("content-length", "7")], two, 3).await);
    assert!(is_kept(new().max_body(6), &[], two, 3).await);
    assert!(!is_kept(new().max_body(5), &[], two, 3).await);
    assert!(!is_kept(new().max_bytes(0), &[], two, 3).await);
    let trailed = || vec![Ok(data("one")), Ok(Frame::trailers(fields(&[("x-sum", "7")])))];
    assert!(is_kept(new(), &[], trailed, 2).await);
}

#[tokio::test(start_paused = true)]
async fn trailers_are_kept_too() {
    let layer = StaleLayer::new().fresh();
    let headers = [("cache-control", "max-age=60")];
    let trailers = || Frame::trailers(fields(&[("x-sum", "7")]));
    let inner = answering(&headers, move || Script([Ok(data("one")), Ok(trailers())].into()));
    let service = layer.layer(inner);
    for _ in 0..2 {
        let response = service.clone().oneshot(request("/", &[])).await.expect("it is answered");
        let whole = response.into_body().collect().await.expect("it is whole");
        assert_eq!(whole.trailers(), Some(&fields(&[("x-sum", "7")])));
        assert_eq!(whole.to_bytes(), "one");
    }
    assert_eq!(layer.snapshot().fresh, 1);
}

#[tokio::test(start_paused = true)]
async fn frames_go_through_as_they_come() {
    let layer = StaleLayer::new().max_body(5);
    let (sender, chunks) = Chunks::channel();
    let chunks = Arc::new(Mutex::new(Some(chunks)));
    let chunks = move || chunks.lock().expect("no test panics").take().expect("asked once");
    let service = layer.layer(answering(&[], chunks));
    let response = service.oneshot(request("/", &[])).await.expect("it is answered");
    let mut body = response.into_body();
    for text in ["one", "two", "three"] {
        assert_pending!(task::spawn(body.frame()).poll());
        sender.send(text.into()).expect("it is read");
        let frame = assert_ready!(task::spawn(body.frame()).poll()).expect("there is one");
        assert_eq!(frame.expect("it is infallible").into_data().expect("it is data"), text);
    }
    drop(sender);
    assert!(body.frame().await.is_none());
    assert_eq!(layer.snapshot().kept, 0, "it is too long");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pages_stays_within_the_bytes() {
    const MOST: u64 = 4 * 1024 * 1024;
    let layer = StaleLayer::new().max_bytes(MOST).max_body(64 * 1024);
    let sizes = [100, 5_000, 64 * 1024, 20_000];
    let number = Arc::new(AtomicUsize::new(0));
    let body = move || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        Full::new(Bytes::from(vec![b'x'; sizes[number % sizes.len()]]))
    };
    let service = layer.layer(answering(&[("vary", "x-variant")], body));
    for number in 0..2_000 {
        let (path, variant) = (format!("/{}", number / 3), number.to_string());
        let request = request(&path, &[("x-variant", &variant)]);
        send(&service, request).await.expect("it is answered");
        assert!(layer.snapshot().bytes <= MOST, "{:?}", layer.snapshot());
    }
    let full = layer.snapshot();
    assert!(full.bytes > MOST / 2 && full.kept == 2_000, "{full:?}");
    layer.clear();
    assert_eq!((layer.snapshot().pages, layer.snapshot().bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_when_all_is_forgotten_is_not_kept() {
    let origin = Origin::new(Play::Wait(&[]));
    let layer = StaleLayer::new();
    let service = layer.layer(origin.service());
    let mut asking = task::spawn(service.oneshot(request("/", &[])));
    assert_pending!(asking.poll());
    layer.clone().clear();
    origin.open();
    let response = assert_ready!(asking.poll()).expect("it is answered");
    drop(response.into_body().collect().await);
    assert_eq!(layer.snapshot().kept, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_goes_on_in_the_background_if_told() {
    let origin = Origin::new(PLAIN);
    let layer = StaleLayer::new().within(300 * MS).in_background();
    let service = layer.layer(origin.service());
    get(&service, "/").await;
    origin.play(Play::Wait(&[]));
    assert_eq!(get(&service, "/").await.body, "/ 1");
    assert_eq!((origin.inside(), layer.snapshot().late), (1, 1));
    origin.open();
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert_eq!((origin.inside(), layer.snapshot().kept), (0, 2));
    origin.play(BUSY);
    assert_eq!(get(&service, "/").await.body, "/ 2");
}

#[tokio::test(start_paused = true)]
async fn an_answer_serves_while_it_is_asked_for_anew_by_one() {
    const KEPT: &[(&str, &str)] = &[("cache-control", "max-age=5, stale-while-revalidate=10")];
    let origin = Origin::new(Play::Page(KEPT));
    let layer = StaleLayer::new().fresh().in_background();
    let service = layer.layer(origin.service());
    get(&service, "/").await;
    advance(6 * SECOND).await;
    origin.play(Play::Wait(KEPT));
    for _ in 0..9 {
        let conditional = request("/", &[("if-none-match", "\"7\"")]);
        let came = send(&service, conditional).await.expect("it is answered");
        assert_eq!(came.body, "/ 1");
        assert_eq!(came.header("cache-status"), "brownout; hit; ttl=-1; detail=revalidating");
    }
    tokio::task::yield_now().await;
    assert_eq!((origin.calls(), origin.inside()), (2, 1));
    origin.open();
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert_eq!(get(&service, "/").await.body, "/ 2");
    advance(16 * SECOND).await;
    assert_eq!(get(&service, "/").await.body, "/ 3", "it is too old for that");
    assert_eq!(layer.snapshot().revalidating, 9);
}

#[tokio::test(start_paused = true)]
async fn the_ready_service_is_the_one_that_is_called() {
    #[derive(Default)]
    struct Careful(bool);

    impl Clone for Careful {
        fn clone(&self) -> Self {
            Self(false)
        }
    }

    impl Service<Request<()>> for Careful {
        type Response = Response<Full<Bytes>>;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Self::Response, BoxError>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            self.0 = true;
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _request: Request<()>) -> Self::Future {
            assert!(std::mem::take(&mut self.0), "called without having been polled ready");
            std::future::ready(Ok(Response::new(Full::default())))
        }
    }

    let mut service = StaleLayer::new().coalesce().layer(Careful::default());
    for sent in [[("accept", "x")], [("range", "bytes=0-1")]] {
        let ready = service.ready().await.expect("it is ready");
        assert!(ready.call(request("/", &sent)).await.is_ok());
    }
}
