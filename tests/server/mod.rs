//! A real database server: what has to hold on each kind of them.

#[cfg(feature = "sqlx")]
#[allow(dead_code, unused_imports, reason = "the faults use the rest")]
#[path = "../../examples/faults/trial/proxy/mod.rs"]
pub(crate) mod proxy;
#[cfg(feature = "sqlx")]
pub(crate) mod wrapped;

use std::sync::atomic::{AtomicU32, Ordering};

use axum::{Router, extract::State, routing};
use brownout::{
    Admission, Circuit, CircuitBreaker, CircuitBreakerLayer, ConcurrencyLimit, Database, Outcome,
    outcome_of_error,
};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, Connection, Error, Executor,
    any::{AnyPoolOptions, AnyQueryResult, install_default_drivers},
};
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{MS, within_a_minute};

/// A server, and how to say things in its tongue.
pub(crate) struct Server {
    pub(crate) url: String,
    /// Takes 50 ms.
    pub(crate) sleep: &'static str,
}

impl Server {
    /// The server at the address in this variable.
    pub(crate) fn at(variable: &str, sleep: &'static str) -> Self {
        install_default_drivers();
        let url = std::env::var(variable)
            .unwrap_or_else(|_| panic!("set {variable} to the address of a database for tests"));
        Self { url, sleep }
    }

    pub(crate) async fn pool(&self, connections: u32) -> AnyPool {
        let options = AnyPoolOptions::new().max_connections(connections);
        options.connect(&self.url).await.expect("the server is there")
    }

    pub(crate) async fn observed_queries_are_timed(&self) {
        let (db, pool) = (Database::new("server"), self.pool(1).await);
        db.observe(sqlx::query(self.sleep).execute(&pool)).await.expect("it is valid");
        let snapshot = db.snapshot();
        assert_eq!((snapshot.finished, snapshot.in_flight), (1, 0));
        assert_eq!((snapshot.errors, snapshot.overloads), (0, 0));
        assert!(snapshot.p50.expect("it came back") >= 50 * MS, "{snapshot:?}");
    }

    pub(crate) async fn a_unique_violation_says_nothing_about_the_load(&self) {
        let (db, pool) = (Database::new("server"), self.pool(1).await);
        let table = Table::create(&pool).await;
        let insert = format!("INSERT INTO {} VALUES (1)", table.name);
        db.observe(run(&pool, &insert)).await.expect("it is the first");
        let error = db.observe(run(&pool, &insert)).await.expect_err("it is there already");
        assert!(error.as_database_error().is_some_and(|error| error.is_unique_violation()));
        assert_eq!(db.judge(&error), Outcome::Ignore);
        let snapshot = db.snapshot();
        assert_eq!((snapshot.finished, snapshot.errors, snapshot.overloads), (2, 1, 0));
        table.drop(&pool).await;
    }

    pub(crate) async fn an_exhausted_pool_is_an_overload_to_a_judge_that_says_so(&self) {
        let judge = |error: &(dyn std::error::Error + 'static)| match error.downcast_ref() {
            Some(Error::PoolTimedOut) => Outcome::Overload,
            _ => outcome_of_error(error),
        };
        let db = Database::builder("server").judge(judge).build().expect("it is valid");
        let options = AnyPoolOptions::new().max_connections(1).acquire_timeout(20 * MS);
        let pool = options.connect_lazy(&self.url).expect("the address is valid");
        // A connection may take longer to make than this pool has patience.
        let taken = within_a_minute(async {
            loop {
                match pool.acquire().await {
                    Ok(connection) => break connection,
                    Err(error) => assert!(matches!(error, Error::PoolTimedOut), "{error}"),
                }
            }
        })
        .await;
        let error = db.observe(run(&pool, "SELECT 1")).await.expect_err("no connection is free");
        assert!(matches!(error, Error::PoolTimedOut), "{error}");
        let snapshot = db.snapshot();
        assert_eq!((snapshot.overloads, snapshot.errors), (1, 0));
        drop(taken);
    }

    /// `nowhere` is an address at which nobody listens.
    pub(crate) async fn a_refused_connection_is_an_overload(&self, nowhere: &str) {
        let db = Database::new("server");
        let error = db.observe(AnyConnection::connect(nowhere)).await.expect_err("nobody listens");
        assert_eq!(db.judge(&error), Outcome::Overload, "{error:?}");
        assert_eq!(db.snapshot().overloads, 1);
    }

    pub(crate) async fn a_locked_row_opens_the_circuit_until_it_is_released(&self) {
        let (pool, locker) = (self.pool(6).await, self.pool(1).await);
        let db = Database::builder("server").slow_after(300 * MS).build().expect("it is valid");
        let breaker = CircuitBreaker::new().open_for(200 * MS).window(60_000 * MS);
        let layer = breaker.protecting(&db).expect("it is valid");
        let table = Table::create(&pool).await;
        run(&pool, &format!("INSERT INTO {} VALUES (1)", table.name)).await.expect("it is new");
        let select = format!("SELECT id FROM {} FOR UPDATE", table.name);
        let mut lock = locker.begin().await.expect("the server is there");
        lock.execute(AssertSqlSafe(select.clone())).await.expect("it is locked");

        let mut hanging = JoinSet::new();
        for _ in 0..5 {
            let (db, pool, select) = (db.clone(), pool.clone(), select.clone());
            hanging.spawn(async move { db.observe(run(&pool, &select)).await.map(drop) });
        }
        within_a_minute(until_refused(&layer)).await;
        assert_eq!(db.snapshot().in_flight, 5, "nothing has come back yet");

        lock.rollback().await.expect("it is released");
        for result in within_a_minute(hanging.join_all()).await {
            result.expect("the row is free again");
        }
        within_a_minute(until_closed(&layer, &db, &pool, &select)).await;
        assert_eq!(db.snapshot().in_flight, 0);
        table.drop(&pool).await;
        locker.close().await;
    }

    pub(crate) async fn far_over_the_limit_every_request_is_answered_or_refused(&self) {
        let (db, pool) = (Database::new("server"), self.pool(4).await);
        let limit = ConcurrencyLimit::new().max(4).queue(10).max_wait(200 * MS);
        let patient = CircuitBreaker::new().min_calls(u64::MAX);
        let admission = Admission::builder().protect(&db).concurrency(limit).breaker(patient);
        let admission = admission.build().expect("it is valid");
        let sleep = self.sleep;
        let handler = move |State((db, pool)): State<(Database, AnyPool)>| async move {
            db.observe(sqlx::query(sleep).execute(&pool))
                .await
                .map(|_| "rows")
                .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
        };
        let app = Router::new()
            .route("/", routing::get(handler))
            .layer(admission.layer())
            .with_state((db.clone(), pool));
        let mut crowd = JoinSet::new();
        for _ in 0..200 {
            let request = Request::get("/").body(axum::body::Body::empty());
            let answer = app.clone().oneshot(request.expect("it is valid"));
            crowd.spawn(async move {
                let response = answer.await.expect("it is infallible");
                let status = response.status();
                response.into_body().collect().await.expect("it is whole");
                status
            });
        }
        let answers = within_a_minute(crowd.join_all()).await;
        let count = |status| answers.iter().filter(|answer| **answer == status).count();
        let (served, refused) = (count(StatusCode::OK), count(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(served + refused, 200, "{answers:?}");
        assert!(served >= 4 && refused > 0, "{served} served");
        let snapshot = admission.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.waiting), (0, 0));
        assert_eq!((snapshot.admitted, db.snapshot().in_flight), (served as u64, 0));
    }
}

async fn run(pool: &AnyPool, sql: &str) -> Result<AnyQueryResult, Error> {
    pool.execute(AssertSqlSafe(sql)).await
}

/// One request through the layer to a handler that makes this query.
async fn request(
    layer: &CircuitBreakerLayer,
    db: &Database,
    pool: &AnyPool,
    sql: &str,
) -> StatusCode {
    let handler = service_fn(|_: Request<()>| async {
        let status = match db.observe(run(pool, sql)).await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = Response::new(String::new());
        *response.status_mut() = status;
        Ok::<_, std::convert::Infallible>(response)
    });
    let response = layer.clone().layer(handler).oneshot(Request::new(())).await;
    response.expect("it is infallible").status()
}

/// Comes by every now and then with a request that needs no database.
async fn until_refused(layer: &CircuitBreakerLayer) {
    let idle = service_fn(|_: Request<()>| async {
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    });
    loop {
        let response = layer.clone().layer(idle).oneshot(Request::new(())).await;
        let status = response.expect("it is infallible").status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return;
        }
        pause().await;
    }
}

async fn until_closed(layer: &CircuitBreakerLayer, db: &Database, pool: &AnyPool, sql: &str) {
    while layer.gate().circuit() != Circuit::Closed {
        let status = request(layer, db, pool, sql).await;
        assert!(matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE), "{status}");
        pause().await;
    }
}

/// Real time has to pass for a stall; how much of it decides nothing.
async fn pause() {
    tokio::time::sleep(10 * MS).await;
}

/// A table of its own for one test.
struct Table {
    name: String,
}

impl Table {
    async fn create(pool: &AnyPool) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name =
            format!("brownout_{}_{number}_{:08x}", std::process::id(), rand::random::<u32>());
        let sql = format!("CREATE TABLE {name} (id INT PRIMARY KEY)");
        run(pool, &sql).await.expect("a table may be made");
        Self { name }
    }

    async fn drop(self, pool: &AnyPool) {
        run(pool, &format!("DROP TABLE {}", self.name)).await.expect("it may be dropped");
    }
}
