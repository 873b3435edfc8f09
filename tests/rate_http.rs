//! What spends cells of a quota over HTTP and in an admission, and what is told of it.

#![cfg(feature = "http")]

mod support;

use std::sync::{Arc, Mutex};

use brownout::{
    Admission, Class, ConcurrencyLimit, Database, Event, Priority, Quota, RateLimit, Reason, Route,
    limit::Fixed,
};
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use support::{MS, SECOND};
use tokio::time::{advance, sleep};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

type Page = http::Response<Full<bytes::Bytes>>;

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).expect("it is valid")
}

fn preflight() -> Request<()> {
    let request = Request::options("/").header(header::ORIGIN, "https://shop.example");
    let request = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT");
    request.body(()).expect("it is valid")
}

async fn page(_: Request<()>) -> Result<Page, BoxError> {
    Ok(Page::default())
}

async fn status<S, B>(service: &S, request: Request<()>) -> StatusCode
where
    S: Service<Request<()>, Response = http::Response<B>, Error = BoxError> + Clone,
{
    service.clone().oneshot(request).await.expect("a refusal is no error").status()
}

#[tokio::test(start_paused = true)]
async fn preflights_and_exempt_routes_spend_nothing_and_are_never_refused() {
    let limit = RateLimit::new(Quota::per_day(2)).and(Quota::per_hour(2));
    for limit in [limit.clone(), limit.per_key()] {
        let layer = limit.layer().expect("it is valid").classify(|request: &Request<()>| {
            match request.uri().path() {
                "/health" => Class::exempt(),
                _ => Class::default().key("client"),
            }
        });
        let service = layer.layer(service_fn(page));
        for expected in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
            for _ in 0..10 {
                assert_eq!(status(&service, preflight()).await, StatusCode::OK);
                assert_eq!(status(&service, get("/health")).await, StatusCode::OK);
            }
            assert_eq!(status(&service, get("/")).await, expected);
        }
        let mut options = preflight();
        options.headers_mut().remove(header::ORIGIN);
        assert_eq!(options.method(), Method::OPTIONS);
        assert_eq!(status(&service, options).await, StatusCode::TOO_MANY_REQUESTS);
        let told = layer.gate().snapshot();
        assert_eq!((told.admitted, told.refused), (2, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn every_refusal_is_told_and_every_one_that_would_have_been() {
    for (share, told) in [(1.0, "refused"), (0.0, "would refuse")] {
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = events.clone();
        let hear = move |event: &Event| heard.lock().expect("nobody panics").push(event.clone());
        let limit = RateLimit::new(Quota::per_day(1)).per_key().enforced_for(share);
        let gate = limit.on_event(hear).gate().expect("it is valid");
        let route = Route::named("rate events");
        let class = Class::new(Priority::Bulk).key("client").route(route);
        for _ in 0..3 {
            let _ = gate.acquire(&class).await;
        }
        let (priority, reason, quota) = (Priority::Bulk, Reason::Quota, Some("day".into()));
        let event = match told {
            "refused" => Event::Refused { priority, reason, route, quota },
            _ => Event::WouldRefuse { priority, reason, route, quota },
        };
        assert_eq!(*events.lock().expect("nobody panics"), [event.clone(), event]);
    }
}

/// Lets it be learned that a query of `/dear` takes ten times that of `/cheap`.
async fn acquaint(admission: &Admission, db: &Database) {
    let by_path =
        |request: &Request<()>| Class::default().cells(0).route(Route::named(request.uri().path()));
    for (path, time) in [("/cheap", MS), ("/dear", 10 * MS)].repeat(60) {
        let db = db.clone();
        let handler = service_fn(move |_: Request<()>| {
            let db = db.clone();
            async move {
                let query = async {
                    sleep(time).await;
                    Ok::<_, std::io::Error>(())
                };
                db.statement(path).observe(query).await?;
                page(get("/")).await
            }
        });
        let service = admission.layer().classify(by_path).layer(handler);
        assert_eq!(status(&service, get(path)).await, StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_dear_spends_as_many_cells_more() {
    let db = Database::new("shop");
    let limit = RateLimit::new(Quota::per_hour(100)).per_key().by_cost();
    let admission = Admission::builder().protect(&db).rate(limit).build().expect("it is valid");
    acquaint(&admission, &db).await;
    let mut admitted = [0, 0];
    for (path, admitted) in ["/cheap", "/dear"].into_iter().zip(&mut admitted) {
        let class = Class::default().key(path).route(Route::named(path));
        while admission.acquire(&class).await.is_ok() {
            *admitted += 1;
        }
    }
    let [cheap, dear] = admitted;
    assert!((8 * dear..12 * dear).contains(&cheap), "{cheap} and {dear}");
    let said = Class::default().key("said").cost(25.0).route(Route::named("/cheap"));
    for _ in 0..4 {
        admission.acquire(&said).await.expect("a hundred cells are four of 25");
    }
    assert!(admission.acquire(&said).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_back_is_what_was_spent_of_each_quota_also_after_a_reload() {
    let db = Database::new("shop");
    let one_place = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(1);
    let limit = RateLimit::new(Quota::per_hour(100)).and(Quota::per_day(50)).per_key();
    let builder = Admission::builder().protect(&db).concurrency(one_place);
    let admission = builder.rate(limit.clone()).build().expect("it is valid");
    let class = Class::default().key("client").cells(7);
    let _held = admission.acquire(&Class::default()).await.expect("there is room");
    // Waits in vain for as long as one may, and is handed its cells back.
    let shed = admission.acquire(&class).await.expect_err("there is no room");
    assert_eq!(shed.reason(), Reason::QueueTimeout);
    let gate = admission.layer().gate().rate().expect("there are quotas").clone();
    let mut waiting = tokio_test::task::spawn(admission.acquire(&class));
    assert!(waiting.poll().is_pending());
    // From now on, a cell is a hundred units.
    gate.reload(limit.by_cost()).expect("it is valid");
    advance(SECOND).await;
    assert!(waiting.poll().is_ready());
    assert!(gate.acquire(&class.cells(50)).await.is_ok(), "none of 50 is spent");
    let lack = gate.acquire(&class.cells(1)).await.expect_err("all are");
    assert_eq!(lack.standing().expect("a quota refused").policy().name.as_ref(), "day");
    assert!(gate.acquire(&class.cells(50).key("another")).await.is_ok());
}
