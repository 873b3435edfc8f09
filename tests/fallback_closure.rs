//! A closure answers what was refused, at the door or in the midst.

#![cfg(feature = "http")]

mod support;

use std::{
    convert::Infallible,
    future::{pending, ready},
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use brownout::{
    Admission, AdmissionBuilder, Class, ConcurrencyLimit, ConcurrencyLimitLayer, Database,
    FallbackLayer, FellBack, Quota, RateLimit, Reason, Rejection, Unkeyed, http::InTheMidst,
    limit::Fixed,
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full};
use support::{
    MS,
    controlled::{Page, behind, get, launch, page, refused},
};
use tokio::time::advance;
use tokio_test::{assert_ready, task};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

fn limit(queue: usize) -> ConcurrencyLimit {
    ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(queue)
}

fn layer(queue: usize) -> ConcurrencyLimitLayer {
    limit(queue).layer().expect("it is valid")
}

fn reason<B>(response: &Response<B>) -> Option<Reason> {
    response.extensions().get().map(Rejection::reason)
}

fn fell_back<B>(response: &Response<B>) -> Option<Reason> {
    response.extensions().get().map(|mark: &FellBack| mark.rejection().reason())
}

async fn text<B: http_body::Body<Error: std::fmt::Debug>>(response: Response<B>) -> String {
    let body = response.into_body().collect().await.expect("it is whole").to_bytes();
    String::from_utf8(body.to_vec()).expect("it is text")
}

#[tokio::test(start_paused = true)]
async fn a_closure_answers_from_the_head_and_the_refusal() {
    let layer = layer(0);
    let fallback = layer.clone().fallback_with(|parts, rejection| {
        Response::new(format!("{} {} {}", parts.method, parts.uri, rejection.reason()))
    });
    let (service, _inside) = behind(&fallback);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let response = refused(&service, get("/feed?page=2"));
    assert_eq!((response.status(), reason(&response)), (StatusCode::OK, None));
    assert_eq!(fell_back(&response), Some(Reason::QueueFull));
    assert_eq!(text(response).await, "GET /feed?page=2 queue_full");
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_declines_leaves_it_at_the_refusal_in_the_form_that_the_caller_reads() {
    let layer = layer(0);
    let (service, _inside) = behind(&layer.clone().fallback_with(|parts, _| {
        (parts.uri.path() == "/feed").then(|| Response::new("yesterday's"))
    }));
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    assert_eq!(refused(&service, get("/feed")).status(), StatusCode::OK);
    let mut json = get("/other");
    json.headers_mut().insert(header::ACCEPT, "application/json".parse().expect("it is valid"));
    let response = refused(&service, json);
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((reason(&response), fell_back(&response)), (Some(Reason::QueueFull), None));
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let mut call = get("/shop.Feed/Read");
    *call.method_mut() = Method::POST;
    call.headers_mut().insert(header::CONTENT_TYPE, "application/grpc".parse().expect("valid"));
    let response = refused(&service, call);
    assert_eq!(
        (response.status(), &response.headers()["grpc-status"]),
        (StatusCode::OK, &"14".parse().expect("it is valid"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_closure_may_take_its_time_and_decline_then() {
    let layer = layer(0);
    let fallback = layer.clone().fallback_async(|parts, _| {
        let known = parts.uri.path() == "/feed";
        async move {
            tokio::time::sleep(5 * MS).await;
            known.then(|| Response::new("yesterday's"))
        }
    });
    let (service, _inside) = behind(&fallback);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let (mut feed, mut other) = (launch(&service, get("/feed")), launch(&service, get("/other")));
    assert_eq!(fallback.snapshot().in_flight, 2);
    advance(5 * MS).await;
    let response = assert_ready!(feed.poll()).expect("it is answered");
    assert_eq!(fell_back(&response), Some(Reason::QueueFull));
    let response = assert_ready!(other.poll()).expect("it is answered");
    assert_eq!(reason(&response), Some(Reason::QueueFull));
    let snapshot = fallback.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.answered, snapshot.over_limit), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_is_left_gives_its_place_back() {
    let layer = layer(0);
    let fallback =
        layer.clone().fallback_async(|_, _| pending::<Response<&'static str>>()).limit(1);
    let (service, _inside) = behind(&fallback);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    for _ in 0..3 {
        let flight = launch(&service, get("/"));
        assert_eq!(fallback.snapshot().in_flight, 1);
        assert_eq!(reason(&refused(&service, get("/"))), Some(Reason::QueueFull));
        drop(flight);
        assert_eq!(fallback.snapshot().in_flight, 0);
    }
    assert_eq!(fallback.snapshot().over_limit, 3);
    assert_eq!(layer.gate().in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_closure_leaves_no_place_taken() {
    let layer = layer(0);
    let fallback = layer.clone().fallback_with(|parts, _| {
        assert!(parts.uri.path() == "/", "the closure panics");
        Response::new("fallback")
    });
    let fallback = fallback.limit(1);
    let inner = service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    let service = fallback.layer(inner);
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let task = tokio::spawn(service.clone().oneshot(get("/panic")));
    assert!(task.await.expect_err("it panicked").is_panic());
    assert_eq!(fallback.snapshot().in_flight, 0);
    let response = service.oneshot(get("/")).await.expect("it is infallible");
    assert_eq!(fell_back(&response), Some(Reason::QueueFull));
}

/// A shop whose pages all ask at their connection, for which there is one place.
struct Shop {
    db: Database,
    admission: Admission,
}

impl Shop {
    fn new(settings: fn(AdmissionBuilder) -> AdmissionBuilder) -> Self {
        let db = Database::new("shop");
        let builder = Admission::builder().protect(&db).concurrency(limit(0)).at_checkout();
        let admission = settings(builder).build().expect("it is valid");
        Self { db, admission }
    }

    /// Fails if it gets no connection, with its own words.
    fn handler<B>(
        &self,
    ) -> impl Service<Request<B>, Response = Page, Error = BoxError, Future: Send> + Clone + use<B>
    {
        let db = self.db.clone();
        service_fn(move |_: Request<B>| {
            let db = db.clone();
            async move {
                match db.checkout(ready(Ok::<_, io::Error>(()))).await {
                    Ok(_) => Ok(page(StatusCode::OK)),
                    Err(_) => Ok(page(StatusCode::INTERNAL_SERVER_ERROR)),
                }
            }
        })
    }
}

/// Anything but `Clone`.
struct Precious;

#[tokio::test(start_paused = true)]
async fn a_closure_answers_what_was_refused_in_the_midst() {
    let shop = Shop::new(|builder| builder);
    let fallback = shop.admission.layer().fallback_with(|parts, rejection| {
        let tenant = parts.headers["x-tenant"].to_str().expect("it is text");
        let number: u8 = *parts.extensions.get().expect("it is there");
        Response::new(format!("{} {tenant} {number} {}", parts.uri, rejection.reason()))
    });
    let service = fallback.layer(shop.handler());
    let put = || {
        let request = Request::put("/orders/7").header("x-tenant", "seven").extension(42_u8);
        request.body(Precious).expect("it is valid")
    };
    let response = service.clone().oneshot(put()).await.expect("it is answered");
    assert_eq!((fell_back(&response), text(response).await), (None, "page".to_owned()));
    let _held = shop.admission.acquire(&Class::default()).await.expect("there is room");
    let response = service.oneshot(put()).await.expect("it is answered");
    assert_eq!(fell_back(&response), Some(Reason::QueueFull));
    assert_eq!(text(response).await, "/orders/7 seven 42 queue_full");
    assert_eq!((shop.admission.snapshot().in_flight, fallback.snapshot().answered), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_that_waited_at_the_door_is_answered_in_the_midst_too() {
    let db = Database::new("shop");
    let other = Database::new("other");
    let admission = Admission::builder().protect(&db).protect(&other).concurrency(limit(1));
    let admission = admission.build().expect("it is valid");
    let layer = admission.layer().classify(Class::default().needs(&db));
    let fallback = layer.fallback_with(|parts, _| Response::new(parts.uri.to_string()));
    let handler = Shop { db: other.clone(), admission: admission.clone() }.handler::<()>();
    let service = fallback.layer(handler);
    let held = admission.acquire(&Class::default().needs(&db)).await.expect("there is room");
    let _other = admission.acquire(&Class::default().needs(&other)).await.expect("there is room");
    let mut waiting = task::spawn(service.oneshot(get("/late")));
    assert!(waiting.poll().is_pending());
    drop(held);
    assert!(waiting.poll().is_pending(), "it waits again, at its connection");
    advance(401 * MS).await;
    let response = assert_ready!(waiting.poll()).expect("it is answered");
    assert_eq!(fell_back(&response), Some(Reason::QueueTimeout));
    assert_eq!(text(response).await, "/late");
}

#[tokio::test(start_paused = true)]
async fn in_the_midst_a_closure_that_declines_is_followed_by_the_refusal_and_the_cell_comes_back() {
    let shop = Shop::new(|builder| builder.rate(RateLimit::new(Quota::per_day(2))));
    let fallback = shop.admission.layer().fallback_with(|parts, _| {
        (parts.uri.path() == "/feed").then(|| Response::new("yesterday's"))
    });
    let service = fallback.layer(shop.handler());
    let held = shop.admission.acquire(&Class::default()).await.expect("there is room");
    for _ in 0..3 {
        let response = service.clone().oneshot(get("/other")).await.expect("it is answered");
        assert_eq!(reason(&response), Some(Reason::QueueFull));
        let response = service.clone().oneshot(get("/feed")).await.expect("it is answered");
        assert_eq!(fell_back(&response), Some(Reason::QueueFull));
    }
    drop(held);
    let response = service.clone().oneshot(get("/feed")).await.expect("it is answered");
    assert_eq!((response.status(), fell_back(&response)), (StatusCode::OK, None));
    let response = service.oneshot(get("/feed")).await.expect("it is answered");
    assert_eq!(reason(&response), Some(Reason::Quota), "that is no business of the fallback");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_closure_in_the_midst_leaves_nothing_held() {
    let shop = Shop::new(|builder| builder);
    let closure = |parts: &http::request::Parts, _: &Rejection| -> Response<&'static str> {
        panic!("{} is too much for it", parts.uri)
    };
    let fallback = shop.admission.layer().fallback_with(closure);
    let service = fallback.layer(shop.handler());
    let held = shop.admission.acquire(&Class::default()).await.expect("there is room");
    let task = tokio::spawn(service.oneshot(get("/")));
    assert!(task.await.expect_err("it panicked").is_panic());
    drop(held);
    assert_eq!((shop.admission.snapshot().in_flight, fallback.snapshot().in_flight), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_leaves_while_a_closure_answers_in_the_midst_leaves_nothing_held() {
    let (shop, work) = (Shop::new(|builder| builder), Arc::new(()));
    let running = Arc::downgrade(&work);
    let fallback = shop.admission.layer().fallback_async(move |_, _| {
        let held = running.upgrade();
        async move {
            let _held = held;
            pending::<Response<&'static str>>().await
        }
    });
    let service = fallback.layer(shop.handler());
    let held = shop.admission.acquire(&Class::default()).await.expect("there is room");
    let mut flight = task::spawn(service.oneshot(get("/")));
    assert!(flight.poll().is_pending());
    assert_eq!((Arc::strong_count(&work), fallback.snapshot().in_flight), (2, 1));
    drop(flight);
    assert_eq!((Arc::strong_count(&work), fallback.snapshot().in_flight), (1, 0));
    drop(held);
    assert_eq!(shop.admission.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_fallbacks_queries_are_no_part_of_the_request_that_was_refused() {
    let shop = Shop::new(|builder| builder);
    let replica = Database::new("replica");
    let fallback = shop.admission.layer().server_timing().fallback_async({
        let replica = replica.clone();
        move |_, _| {
            let replica = replica.clone();
            async move {
                let read = replica.observe(ready(Ok::<_, io::Error>("from the replica")));
                Response::new(read.await.expect("it succeeds"))
            }
        }
    });
    let service = fallback.layer(shop.handler());
    let _held = shop.admission.acquire(&Class::default()).await.expect("there is room");
    let response = service.oneshot(get("/")).await.expect("it is answered");
    assert_eq!(response.headers().get("server-timing"), None);
    assert_eq!(text(response).await, "from the replica");
    assert_eq!(replica.snapshot().finished, 1);
}

type Anew<F> = FallbackLayer<brownout::Gates, Class, brownout::Http, InTheMidst<F>>;

/// What a service as the fallback makes of a request that was refused in the midst.
async fn anew(request: Request<Full<Bytes>>) -> (Option<Reason>, String) {
    let shop = Shop::new(|builder| builder);
    let replica = service_fn(|request: Request<Full<Bytes>>| async move {
        let why = reason_of(&request).expect("it is told");
        Ok(Response::new(Full::from(format!("{} {} {why}", request.method(), request.uri()))))
    });
    let fallback: Anew<_> = shop.admission.layer().fallback(replica).in_the_midst();
    let service = fallback.layer(shop.handler());
    let _held = shop.admission.acquire(&Class::default()).await.expect("there is room");
    let response = service.oneshot(request).await.expect("it is answered");
    (fell_back(&response), text(response).await)
}

fn reason_of<B>(request: &Request<B>) -> Option<Reason> {
    request.extensions().get().map(Rejection::reason)
}

#[tokio::test(start_paused = true)]
async fn a_service_answers_in_the_midst_what_it_can_be_sent_anew() {
    let request = |method: Method, body: &'static str| {
        let request = Request::builder().method(method).uri("/feed");
        request.body(Full::from(body)).expect("it is valid")
    };
    let (why, text) = anew(request(Method::GET, "")).await;
    assert_eq!((why, &*text), (Some(Reason::QueueFull), "GET /feed queue_full"));
    assert_eq!(anew(request(Method::HEAD, "")).await.0, Some(Reason::QueueFull));
    assert_eq!(anew(request(Method::GET, "a body")).await.0, None, "its body is gone");
    assert_eq!(anew(request(Method::POST, "")).await.0, None, "it may have been done in part");
}

#[tokio::test(start_paused = true)]
async fn unless_told_a_service_answers_nothing_in_the_midst() {
    let shop = Shop::new(|builder| builder);
    let replica = service_fn(|_: Request<Empty<Bytes>>| async { Ok(page(StatusCode::OK)) });
    let service = shop.admission.layer().fallback(replica).layer(shop.handler());
    let _held = shop.admission.acquire(&Class::default()).await.expect("there is room");
    let response = service.oneshot(Request::new(Empty::new())).await.expect("it is answered");
    assert_eq!(reason(&response), Some(Reason::QueueFull));
}

/// An extension that counts its copies.
#[derive(Default)]
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

/// How often the head of an admitted request is copied.
async fn copies<L>(layer: L) -> usize
where
    L: Layer<Plain, Service: Service<Request<()>, Error = Infallible>>,
{
    let copies = Arc::<AtomicUsize>::default();
    let mut request = get("/");
    request.extensions_mut().insert(Counted(copies.clone()));
    let answer = layer.layer(service_fn(plain as Handler)).oneshot(request).await;
    assert!(answer.is_ok());
    copies.load(Ordering::Relaxed)
}

type Handler = fn(Request<()>) -> std::future::Ready<Result<Page, Infallible>>;
type Plain = tower::util::ServiceFn<Handler>;

fn plain(_: Request<()>) -> std::future::Ready<Result<Page, Infallible>> {
    ready(Ok(page(StatusCode::OK)))
}

#[tokio::test(start_paused = true)]
async fn a_head_is_copied_only_for_who_may_need_it() {
    let admission = || Admission::builder().build().expect("it is valid").layer();
    let service = || service_fn(plain as Handler);
    let reply = |_: &http::request::Parts, _: &Rejection| Response::new("fallback");
    assert_eq!(copies(admission()).await, 0);
    assert_eq!(copies(admission().fallback(service())).await, 0);
    assert_eq!(copies(admission().fallback_with(reply)).await, 1);
    assert_eq!(copies(layer(0).fallback_with(reply)).await, 0, "nothing refuses it in the midst");
}

/// How the second of two requests is answered, and why by the fallback.
async fn twice<L, B>(layer: L) -> (StatusCode, Option<Reason>)
where
    L: Layer<
            Plain,
            Service: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone,
        >,
{
    let service = layer.layer(service_fn(plain as Handler));
    assert!(service.clone().oneshot(get("/")).await.is_ok());
    let Ok(response) = service.oneshot(get("/")).await;
    (response.status(), fell_back(&response))
}

#[tokio::test(start_paused = true)]
async fn a_quotas_refusal_is_the_fallbacks_business_only_if_told() {
    let quota = || RateLimit::new(Quota::per_day(1)).layer().expect("it is valid");
    let reply = |_: &http::request::Parts, _: &Rejection| Response::new("fallback");
    let layer = quota().fallback_with(reply);
    assert_eq!(twice(layer).await, (StatusCode::TOO_MANY_REQUESTS, None));
    let layer = quota().fallback_with(reply).over_quota();
    assert_eq!(twice(layer).await, (StatusCode::OK, Some(Reason::Quota)));
}

#[tokio::test(start_paused = true)]
async fn nobodys_request_is_nobodys_business() {
    let layer = RateLimit::new(Quota::per_day(1))
        .per_key()
        .unkeyed(Unkeyed::Refuse)
        .layer()
        .expect("it is valid");
    let reply = |_: &http::request::Parts, _: &Rejection| Response::new("fallback");
    let service = layer.fallback_with(reply).over_quota().layer(service_fn(plain as Handler));
    let Ok(response) = service.oneshot(get("/")).await;
    assert_eq!(reason(&response), Some(Reason::Unkeyed));
}

#[cfg(feature = "stale")]
#[tokio::test(start_paused = true)]
async fn a_stale_layer_outside_keeps_nothing_of_a_fallback_and_forgets_nothing_for_it() {
    let (layer, stale) = (layer(0), brownout::StaleLayer::new());
    let fallback = layer.clone().fallback_with(|_, _| {
        let mut response = Response::new("a static page");
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, "public, max-age=60".parse().expect("it is valid"));
        response
    });
    let service = stale.layer(fallback.layer(service_fn(|_: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(page(StatusCode::OK)))
    })));
    let send = async |path: &str| {
        let request = Request::get(path).body(Empty::new()).expect("it is valid");
        let Ok(response) = service.clone().oneshot(request).await;
        (response.status(), text(response).await)
    };
    assert_eq!(send("/known").await, (StatusCode::OK, "page".to_owned()));
    assert_eq!(stale.snapshot().pages, 1);
    let held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    for path in ["/known", "/unknown"] {
        assert_eq!(send(path).await, (StatusCode::NOT_FOUND, "a static page".to_owned()));
    }
    assert_eq!(stale.snapshot().pages, 1, "the service's own");
    drop(held);
    assert_eq!(send("/unknown").await, (StatusCode::OK, "page".to_owned()));
}

#[cfg(feature = "stale")]
#[tokio::test(start_paused = true)]
async fn a_stale_layer_that_is_told_so_comes_before_the_fallback() {
    let layer = layer(0);
    let fallback = layer.clone().fallback_with(|_, _| Response::new("a static page"));
    let stale = brownout::StaleLayer::new().over_fallback();
    let service = stale.layer(fallback.layer(service_fn(|_: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(page(StatusCode::OK)))
    })));
    let send = async |path: &str| {
        let request = Request::get(path).body(Empty::new()).expect("it is valid");
        let Ok(response) = service.clone().oneshot(request).await;
        let said = response.headers().get("cache-status").cloned();
        (said, text(response).await)
    };
    send("/known").await;
    let _held = layer.gate().acquire(&Class::default()).await.expect("there is room");
    let (said, text) = send("/known").await;
    let said = said.expect("it was kept");
    assert!(said.to_str().expect("it is text").ends_with("detail=queue_full"), "{said:?}");
    assert_eq!(text, "page");
    assert_eq!(send("/unknown").await, (None, "a static page".to_owned()));
    assert_eq!(stale.snapshot().pages, 1);
}
