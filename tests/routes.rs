//! What is learned of routes: which databases they need, and how dear they are.

#![cfg(feature = "http")]

mod support;

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use brownout::{
    Admission, AdmissionLayer, Circuit, CircuitBreaker, Class, Classify, ConcurrencyLimit,
    Database, InFlight, Outcome, Priority, Route, attributed, http::Routes, limit::Fixed,
};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use support::MS;
use tokio::{sync::Mutex, task::JoinSet, time::advance};
use tower::{Layer, ServiceExt, service_fn};

type Page = Response<Full<&'static [u8]>>;

fn ok() -> Result<Page, Infallible> {
    Ok(Response::new(Full::new(&b"page"[..])))
}

/// The class of a request: its route is its path.
fn by_path(request: &Request<()>) -> Class {
    Class::default().route(Route::named(request.uri().path()))
}

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).expect("it is valid")
}

/// Sends one request to a handler that does `work`.
async fn send<F, W>(layer: &AdmissionLayer, path: &str, work: W) -> StatusCode
where
    W: FnOnce() -> F,
    F: Future<Output = ()>,
{
    send_by(layer, by_path, path, work).await
}

/// The same, classified in another way.
async fn send_by<C, F, W>(layer: &AdmissionLayer, class: C, path: &str, work: W) -> StatusCode
where
    C: Classify<Request<()>> + Clone,
    W: FnOnce() -> F,
    F: Future<Output = ()>,
{
    let work = Arc::new(Mutex::new(Some(work)));
    let handler = service_fn(move |_: Request<()>| {
        let work = work.clone();
        async move {
            let work = work.lock().await.take().expect("it is called once");
            work().await;
            ok()
        }
    });
    let service = layer.clone().classify(class).layer(handler);
    service.oneshot(get(path)).await.expect("it is infallible").status()
}

async fn query(db: &Database, time: Duration) {
    let query = async {
        tokio::time::sleep(time).await;
        Ok::<_, std::io::Error>(())
    };
    db.observe(query).await.expect("it succeeds");
}

/// Enough requests that it is known what the route does.
async fn acquaint(layer: &AdmissionLayer, path: &str, db: Option<&Database>) {
    for _ in 0..60 {
        let status = send(layer, path, async || {
            if let Some(db) = db {
                query(db, MS).await;
            }
        });
        assert_eq!(status.await, StatusCode::OK);
    }
}

fn one_place(dbs: &[&Database]) -> Admission {
    let builder = dbs.iter().fold(Admission::builder(), |builder, db| builder.protect(db));
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    builder.concurrency(limit).build().expect("it is valid")
}

/// Takes the one place at this database.
async fn fill(admission: &Admission, db: &Database) -> brownout::GatesPermit {
    let class = Class::new(Priority::Critical).needs(db);
    admission.acquire(&class).await.expect("there is room")
}

#[tokio::test(start_paused = true)]
async fn a_route_that_needs_no_database_goes_on_while_the_limit_is_reached() {
    let db = Database::new("shop");
    let admission = one_place(&[&db]);
    let layer = admission.layer();
    acquaint(&layer, "/home", None).await;
    acquaint(&layer, "/products", Some(&db)).await;
    let full = fill(&admission, &db).await;
    assert_eq!(send(&layer, "/home", async || ()).await, StatusCode::OK);
    assert_eq!(send(&layer, "/products", async || ()).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(send(&layer, "/new", async || ()).await, StatusCode::SERVICE_UNAVAILABLE);
    drop(full);
    assert_eq!(send(&layer, "/new", async || ()).await, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn where_no_server_tells_a_route_paths_that_are_listed_are_learned() {
    let db = Database::new("shop");
    let admission = one_place(&[&db]);
    let layer = admission.layer();
    let routes = Routes::new().learned().route("/help", Priority::Normal);
    for number in 0..60 {
        let path = format!("/help/{number}");
        let status = send_by(&layer, routes.clone(), &path, async || ()).await;
        assert_eq!(status, StatusCode::OK);
        send_by(&layer, routes.clone(), "/products", async || query(&db, MS).await).await;
    }
    let _full = fill(&admission, &db).await;
    let status = |path| send_by(&layer, routes.clone(), path, async || ());
    assert_eq!(status("/help/me").await, StatusCode::OK);
    assert_eq!(status("/products").await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_full_harms_only_the_routes_that_need_it() {
    let (primary, replica) = (Database::new("primary"), Database::new("replica"));
    let admission = one_place(&[&primary, &replica]);
    let layer = admission.layer();
    acquaint(&layer, "/orders", Some(&primary)).await;
    acquaint(&layer, "/catalogue", Some(&replica)).await;
    let full = fill(&admission, &replica).await;
    assert_eq!(send(&layer, "/orders", async || ()).await, StatusCode::OK);
    assert_eq!(send(&layer, "/catalogue", async || ()).await, StatusCode::SERVICE_UNAVAILABLE);
    let databases = admission.snapshot().databases;
    let in_flight: Vec<_> = databases.iter().map(|own| (&*own.name, own.in_flight)).collect();
    assert_eq!(in_flight, [("primary", 0), ("replica", 1)]);
    drop(full);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_needs_two_takes_a_place_at_each() {
    let (primary, replica) = (Database::new("primary"), Database::new("replica"));
    let admission = one_place(&[&primary, &replica]);
    let both = admission.acquire(&Class::new(Priority::Normal)).await.expect("there is room");
    let in_flight = |admission: &Admission| -> Vec<_> {
        admission.snapshot().databases.iter().map(|own| own.in_flight).collect()
    };
    assert_eq!(in_flight(&admission), [1, 1]);
    drop(both);
    assert_eq!(in_flight(&admission), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn queries_of_nobody_known_keep_routes_from_being_let_go() {
    let db = Database::new("shop");
    let admission = one_place(&[&db]);
    let layer = admission.layer();
    acquaint(&layer, "/spawning", None).await;
    for _ in 0..20 {
        query(&db, MS).await;
    }
    advance(200 * MS).await;
    query(&db, MS).await;
    let full = fill(&admission, &db).await;
    assert_eq!(send(&layer, "/spawning", async || ()).await, StatusCode::SERVICE_UNAVAILABLE);
    drop(full);
}

#[tokio::test(start_paused = true)]
async fn a_spawned_task_works_for_the_request_that_spawned_it() {
    let db = Database::new("shop");
    let admission = one_place(&[&db]);
    let layer = admission.layer();
    for _ in 0..60 {
        let db = db.clone();
        let work = async || {
            let task = tokio::spawn(attributed(async move { query(&db, MS).await }));
            task.await.expect("it does not panic");
        };
        send(&layer, "/spawning", work).await;
    }
    let full = fill(&admission, &db).await;
    assert_eq!(send(&layer, "/spawning", async || ()).await, StatusCode::SERVICE_UNAVAILABLE);
    drop(full);
}

#[tokio::test(start_paused = true)]
async fn a_background_job_that_says_so_keeps_nothing_from_being_learned() {
    let db = Database::new("shop");
    let admission = one_place(&[&db]);
    let layer = admission.layer();
    acquaint(&layer, "/home", None).await;
    for _ in 0..20 {
        attributed(query(&db, MS)).await;
    }
    advance(200 * MS).await;
    attributed(query(&db, MS)).await;
    let full = fill(&admission, &db).await;
    assert_eq!(send(&layer, "/home", async || ()).await, StatusCode::OK);
    drop(full);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_needs_counts_more_than_what_is_learned() {
    let (primary, replica) = (Database::new("primary"), Database::new("replica"));
    let admission = one_place(&[&primary, &replica]);
    let full = fill(&admission, &primary).await;
    let needs = |db: &Database| Class::new(Priority::Normal).needs(db);
    assert!(admission.acquire(&needs(&primary)).await.is_err());
    assert!(admission.acquire(&needs(&replica)).await.is_ok());
    assert!(admission.acquire(&Class::exempt()).await.is_ok());
    drop(full);
}

/// Asks through this layer, whatever its class.
async fn status<C>(layer: AdmissionLayer<C>) -> StatusCode
where
    C: Classify<Request<()>> + Clone,
{
    let service = layer.layer(service_fn(async |_: Request<()>| ok()));
    service.oneshot(get("/")).await.expect("it is infallible").status()
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_say_what_its_requests_need() {
    let (primary, replica) = (Database::new("primary"), Database::new("replica"));
    let admission = one_place(&[&primary, &replica]);
    let full = fill(&admission, &primary).await;
    let layer = || admission.layer();
    assert_eq!(status(layer()).await, StatusCode::SERVICE_UNAVAILABLE, "it may need both");
    assert_eq!(status(layer().needs(&primary)).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(layer().needs(&replica)).await, StatusCode::OK);
    let both = layer().needs(&replica).needs(&primary);
    assert_eq!(status(both).await, StatusCode::SERVICE_UNAVAILABLE);
    drop(full);
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_exempts_is_neither_refused_nor_counted() {
    let db = Database::new("shop");
    let admission = one_place(&[&db]);
    let full = fill(&admission, &db).await;
    let admitted = admission.snapshot().admitted;
    assert_eq!(status(admission.layer().exempt()).await, StatusCode::OK);
    assert_eq!(admission.snapshot().admitted, admitted);
    drop(full);
}

#[tokio::test(start_paused = true)]
async fn a_layer_changes_one_thing_of_a_class_and_leaves_the_rest() {
    let (primary, replica) = (Database::new("primary"), Database::new("replica"));
    let admission = one_place(&[&primary, &replica]);
    let full = fill(&admission, &primary).await;
    let needs = Class::new(Priority::Bulk).needs(&replica);
    let layer = admission.layer().classify(needs).priority(Priority::Critical);
    assert_eq!(status(layer).await, StatusCode::OK);
    drop(full);
}

/// Queries that hang, as behind a locked table.
async fn hang(layer: &AdmissionLayer, db: &Database, path: &'static str) -> Vec<InFlight> {
    let hanging = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..4 {
        let (db, hanging) = (db.clone(), hanging.clone());
        let work = async move || {
            hanging.lock().await.push(db.statement("locked").start());
        };
        send(layer, path, work).await;
    }
    Arc::into_inner(hanging).expect("all are done").into_inner()
}

#[tokio::test(start_paused = true)]
async fn a_lock_closes_off_only_the_routes_that_wait_for_it() {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(10));
    let breaker = CircuitBreaker::new()
        .open_for(Duration::from_secs(60))
        .open_at_most(Duration::from_secs(60));
    let admission = Admission::builder().protect(&db).concurrency(limit).breaker(breaker);
    let admission = admission.build().expect("it is valid");
    let layer = admission.layer();
    acquaint(&layer, "/products", Some(&db)).await;
    acquaint(&layer, "/checkout", Some(&db)).await;
    let hanging = hang(&layer, &db, "/products").await;
    for _ in 0..200 {
        send(&layer, "/checkout", async || query(&db, 10 * MS).await).await;
    }
    assert_eq!(admission.snapshot().circuit, Circuit::Closed, "the database itself is well");
    let routes = &admission.snapshot().databases[0].routes;
    assert_eq!(routes[..], [(Arc::from("/products"), Circuit::Open)]);
    assert_eq!(send(&layer, "/products", async || ()).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(send(&layer, "/checkout", async || ()).await, StatusCode::OK);
    assert_eq!(admission.snapshot().limit, 14, "what hangs takes nobody's place");
    hanging.into_iter().for_each(|query| query.finish(Outcome::Success));
}

async fn report(db: Database, time: Duration) {
    let work = async {
        tokio::time::sleep(time).await;
        Ok::<_, std::io::Error>(())
    };
    db.statement("report").observe(work).await.expect("it succeeds");
}

#[tokio::test(start_paused = true)]
async fn a_route_whose_queries_take_long_by_themselves_is_well() {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(30));
    let admission = Admission::builder().protect(&db).concurrency(limit);
    let layer = admission.build().expect("it is valid").layer();
    for _ in 0..60 {
        attributed(report(db.clone(), 1_500 * MS)).await;
    }
    // Alone, and then more than twice as long, as in an overload.
    for (rounds, time) in [(10, 1_500 * MS), (10, 3_500 * MS)] {
        for _ in 0..rounds {
            let mut reports = JoinSet::new();
            for _ in 0..10 {
                let (layer, db) = (layer.clone(), db.clone());
                let ask = async move { send(&layer, "/report", move || report(db, time)).await };
                reports.spawn(ask);
            }
            for _ in 0..100 {
                send(&layer, "/products", async || query(&db, 20 * MS).await).await;
            }
            assert_eq!(reports.join_all().await, [StatusCode::OK; 10], "after {time:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_protected_twice_has_one_limit_and_the_last_word_counts() {
    let db = Database::new("shop");
    let limit = |places| ConcurrencyLimit::new().algorithm(Fixed::new(places));
    let admission = Admission::builder().protect(&db).protect_with(&db, limit(3));
    let admission = admission.build().expect("it is valid");
    let permit = admission.acquire(&Class::new(Priority::Normal)).await.expect("there is room");
    let snapshot = admission.snapshot();
    assert_eq!((snapshot.databases.len(), snapshot.limit, snapshot.in_flight), (1, 3, 1));
    drop(permit);
}

/// A half-open circuit of a database that was seen to do what routes want of it.
async fn half_open(db: &Database) -> Admission {
    let admission = Admission::builder().protect(db).build().expect("it is valid");
    for _ in 0..3 {
        send(&admission.layer(), "/product", async || query(db, MS).await).await;
        advance(100 * MS).await;
    }
    admission.breaker().force_open();
    admission.breaker().release();
    assert_eq!(admission.snapshot().circuit, Circuit::HalfOpen);
    admission
}

#[tokio::test(start_paused = true)]
async fn a_page_that_runs_no_query_is_no_proof_that_the_database_is_back() {
    let db = Database::new("shop");
    let admission = half_open(&db).await;
    for _ in 0..5 {
        send(&admission.layer(), "/new", async || ()).await;
    }
    assert_eq!(admission.snapshot().circuit, Circuit::HalfOpen);
    for _ in 0..3 {
        assert_eq!(admission.snapshot().circuit, Circuit::HalfOpen);
        send(&admission.layer(), "/product", async || query(&db, MS).await).await;
    }
    assert_eq!(admission.snapshot().circuit, Circuit::Partial, "it ramps up");
}

#[tokio::test(start_paused = true)]
async fn where_queries_belong_to_nobody_known_every_page_is_a_proof() {
    let db = Database::new("shop");
    let admission = half_open(&db).await;
    for _ in 0..100 {
        db.record(MS, Outcome::Success);
    }
    advance(100 * MS).await;
    db.record(MS, Outcome::Success);
    for _ in 0..3 {
        send(&admission.layer(), "/new", async || ()).await;
    }
    assert_eq!(admission.snapshot().circuit, Circuit::Partial);
}
