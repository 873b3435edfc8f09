//! A service of which there is everything to tell.

use axum::{Router, response::IntoResponse};
use brownout::{
    Admission, Class, ConcurrencyLimit, Database, Outcome, Priority, Quota, RateLimit, StaleLayer,
    limit::Fixed, metrics::Metrics,
};
use sqlx::sqlite::SqlitePoolOptions;

pub(crate) struct Exercised {
    pub(crate) metrics: Metrics,
    _admission: Admission,
    _pool: brownout::sqlx::Pool<sqlx::Sqlite>,
}

/// With a pool, quotas, a fallback and a cache; some are admitted, and some refused.
pub(crate) async fn exercised() -> Exercised {
    let db = Database::new("shop");
    let pool = SqlitePoolOptions::new().connect("sqlite::memory:").await.expect("it is there");
    let pool = db.sqlx(pool);
    let _: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&pool).await.expect("it is valid");
    db.statement("product").record(std::time::Duration::from_millis(1), Outcome::Success);
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let admission = Admission::builder()
        .protect(&db)
        .concurrency(limit)
        .rate(RateLimit::new(Quota::per_second(1_000)))
        .build()
        .expect("it is in range");
    let held = admission.acquire(&Class::default()).await.expect("there is room");
    assert!(admission.acquire(&Class::new(Priority::Bulk)).await.is_err());
    drop(held);
    let fallback = admission.layer().fallback_with(|_, _| Some("an old page".into_response()));
    let cache = StaleLayer::new();
    let (answers, kept) = (fallback.clone(), cache.clone());
    let _: Router = Router::new().layer(fallback).layer(cache);
    let metrics = admission.metrics();
    let metrics = metrics.fallback("page", move || answers.snapshot());
    let metrics = metrics.stale("pages", move || kept.snapshot());
    Exercised { metrics, _admission: admission, _pool: pool }
}
