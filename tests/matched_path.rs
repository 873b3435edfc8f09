//! With axum, one layer around everything learns which routes need the database.

#![cfg(feature = "axum")]

use axum::{
    Router,
    body::Body,
    extract::State,
    routing::{get, post},
};
use brownout::{Admission, Class, ConcurrencyLimit, Database, Priority, limit::Fixed};
use http::{Method, Request, StatusCode};
use tower::ServiceExt;

async fn query(State(db): State<Database>) {
    let query = std::future::ready(Ok::<_, std::io::Error>(()));
    db.observe(query).await.expect("it succeeds");
}

fn app(db: &Database, admission: &Admission) -> Router {
    Router::new()
        .route("/", get(async || "home"))
        .route("/products/{id}", get(query).head(async || "none"))
        .route("/orders", post(query))
        .nest("/about", Router::new().route("/{page}", get(async || "about us")))
        .layer(admission.layer())
        .with_state(db.clone())
}

async fn ask(app: &Router, method: &Method, path: &str) -> StatusCode {
    let request = Request::builder().method(method).uri(path).body(Body::empty());
    app.clone().oneshot(request.expect("it is valid")).await.expect("it is infallible").status()
}

#[tokio::test(start_paused = true)]
async fn pages_without_a_database_go_on_when_it_is_full_and_nobody_said_which_they_are() {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let admission = Admission::builder().protect(&db).concurrency(limit).build();
    let admission = admission.expect("it is valid");
    let app = app(&db, &admission);
    let asked = [
        (Method::GET, "/"),
        (Method::GET, "/about/us"),
        (Method::HEAD, "/products/7"),
        (Method::GET, "/products/7"),
        (Method::POST, "/orders"),
    ];
    for (method, path) in &asked {
        for _ in 0..60 {
            assert_eq!(ask(&app, method, path).await, StatusCode::OK);
        }
    }
    let full = admission.acquire(&Class::new(Priority::Critical)).await.expect("there is room");
    let [home, about, head, product, order] = asked;
    for (method, path) in [home, about, head] {
        assert_eq!(ask(&app, &method, path).await, StatusCode::OK, "{method} {path}");
    }
    for (method, path) in [product, order, (Method::GET, "/nowhere")] {
        let status = ask(&app, &method, path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
    }
    let odd = Method::from_bytes(b"ODD").expect("it is valid");
    assert_eq!(ask(&app, &odd, "/").await, StatusCode::SERVICE_UNAVAILABLE, "no route of its own");
    drop(full);
}
