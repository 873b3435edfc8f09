//! What the figures promise.

use std::{collections::BTreeSet, time::Duration};

use brownout::{
    Admission, Class, ConcurrencyLimit, Database, Outcome, Priority, limit::Fixed, metrics::Metrics,
};
use tokio::time::{advance, sleep};

use super::scrape::{Scrape, Scraper};

const MS: Duration = Duration::from_millis(1);

/// A shop with one place at its database.
fn shop() -> (Database, Admission) {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(1);
    let admission = Admission::builder().protect(&db).concurrency(limit).build();
    (db, admission.expect("it is in range"))
}

fn state(scrape: &Scrape, state: &str) -> Option<f64> {
    scrape.value(&format!("brownout_circuit_state{{database=\"shop\",state=\"{state}\"}}"))
}

#[tokio::test(start_paused = true)]
async fn a_circuit_is_in_one_state_and_in_the_old_one_no_more() {
    let (_db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    let scrape = scraper.scrape(&metrics);
    assert_eq!((state(&scrape, "closed"), state(&scrape, "open")), (Some(1.0), Some(0.0)));
    admission.breaker().force_open();
    let scrape = scraper.scrape(&metrics);
    assert_eq!((state(&scrape, "closed"), state(&scrape, "open")), (Some(0.0), Some(1.0)));
    assert_eq!(scrape.sum("brownout_circuit_state{"), 1.0);
    assert_eq!(scrape.value("brownout_incident"), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn decisions_are_counted_by_priority_and_reason_from_nothing_on() {
    let (_db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    let full = |priority| {
        format!(
            "brownout_requests{{priority=\"{priority}\",decision=\"refused\",reason=\"queue_full\"}}"
        )
    };
    let scrape = scraper.scrape(&metrics);
    assert_eq!(scrape.value(&full("bulk")), Some(0.0), "so that the first can be seen to rise");
    let held = admission.acquire(&Class::new(Priority::Critical)).await.expect("there is room");
    let waiting = tokio::spawn({
        let admission = admission.clone();
        async move { admission.acquire(&Class::default()).await.map(drop) }
    });
    sleep(MS).await;
    let bulk = admission.acquire(&Class::new(Priority::Bulk)).await;
    assert!(bulk.is_err(), "one waits already");
    let scrape = scraper.scrape(&metrics);
    assert_eq!(scrape.value(&full("bulk")), Some(1.0));
    assert_eq!(scrape.value(&full("normal")), Some(0.0));
    let admitted = "brownout_requests{priority=\"critical\",decision=\"admitted\",reason=\"none\"}";
    assert_eq!(scrape.value(admitted), Some(1.0));
    assert_eq!(scrape.value("brownout_queue_length{database=\"shop\"}"), Some(1.0));
    assert_eq!(scrape.value("brownout_in_flight{database=\"shop\"}"), Some(1.0));
    advance(30 * MS).await;
    drop(held);
    waiting.await.expect("it does not panic").expect("there is room");
    let scrape = scraper.scrape(&metrics);
    let waited = "{database=\"shop\",priority=\"normal\"}";
    assert_eq!(scrape.value(&format!("brownout_queue_waited{waited}")), Some(1.0));
    let wait = scrape.value(&format!("brownout_queue_wait{waited}")).expect("it is told");
    assert!((30.0..35.0).contains(&wait), "{wait} ms");
    assert_eq!(scrape.value("brownout_admitted{database=\"shop\"}"), Some(2.0));
}

#[tokio::test(start_paused = true)]
async fn a_request_tells_nothing() {
    let (db, admission) = shop();
    let scraper = Scraper::new();
    let _local = metrics::set_default_local_recorder(scraper.recorder());
    let _metrics = admission.metrics();
    for _ in 0..3 {
        let held = admission.acquire(&Class::default()).await.expect("there is room");
        db.statement("product").record(MS, Outcome::Success);
        admission.breaker().force_open();
        assert!(admission.acquire(&Class::default()).await.is_err());
        admission.breaker().force_closed();
        advance(Duration::from_secs(2)).await;
        drop(held);
    }
    assert_eq!(scraper.read().0, "");
}

#[tokio::test(start_paused = true)]
async fn what_pushes_is_told_again_and_again() {
    let (db, admission) = shop();
    let scraper = Scraper::new();
    let _local = metrics::set_default_local_recorder(scraper.recorder());
    let every = tokio::spawn(admission.metrics().every(Duration::from_secs(10)));
    let successes = "brownout_database_queries{database=\"shop\",outcome=\"success\"}";
    for queries in 0..3 {
        sleep(MS).await;
        assert_eq!(scraper.read().value(successes), Some(f64::from(queries)));
        db.record(MS, Outcome::Success);
        sleep(Duration::from_secs(10)).await;
    }
    every.abort();
}

#[tokio::test(start_paused = true)]
async fn queries_are_counted_by_how_they_ended() {
    let (db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    for outcome in [Outcome::Success, Outcome::Success, Outcome::Overload, Outcome::Ignore] {
        db.record(MS, outcome);
    }
    drop(db.statement("product").start());
    let scrape = scraper.scrape(&metrics);
    for (outcome, queries) in
        [("success", 2.0), ("overload", 1.0), ("error", 1.0), ("cancelled", 1.0)]
    {
        let series =
            format!("brownout_database_queries{{database=\"shop\",outcome=\"{outcome}\"}}");
        assert_eq!(scrape.value(&series), Some(queries), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_latency_that_nobody_knows_is_no_number() {
    let (db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    let median = "brownout_database_latency{database=\"shop\",quantile=\"0.5\"}";
    db.record(20 * MS, Outcome::Success);
    let seconds = scraper.scrape(&metrics).value(median).expect("it is told");
    assert!((0.020..0.0225).contains(&seconds), "{seconds} s");
    advance(Duration::from_secs(60)).await;
    assert!(scraper.scrape(&metrics).value(median).is_some_and(f64::is_nan));
}

/// Queries of these numbered statements, the first the dearest.
fn ask(db: &Database, statements: std::ops::Range<u32>) {
    let first = statements.start;
    for number in statements.rev() {
        let latency = 100 * MS - (number - first) * MS;
        db.statement(&format!("statement {number}")).record(latency, Outcome::Success);
    }
}

fn share(scrape: &Scrape, statement: &str) -> Option<f64> {
    let labels = format!("database=\"shop\",statement=\"{statement}\"");
    scrape.value(&format!("brownout_statement_share{{{labels}}}"))
}

#[tokio::test(start_paused = true)]
async fn what_is_no_more_among_the_dearest_is_at_zero_and_among_the_others() {
    let (db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    ask(&db, 0..25);
    let scrape = scraper.scrape(&metrics);
    assert!(share(&scrape, "statement 0").is_some_and(|share| share > 0.0));
    assert_eq!(share(&scrape, "statement 20"), None);
    let total = scrape.sum("brownout_statement_time{");
    assert!((scrape.sum("brownout_statement_share{") - 1.0).abs() < 1e-9);
    advance(Duration::from_secs(90)).await;
    ask(&db, 30..60);
    let scrape = scraper.scrape(&metrics);
    assert_eq!(share(&scrape, "statement 0"), Some(0.0));
    assert!(share(&scrape, "statement 30").is_some_and(|share| share > 0.0));
    assert!((scrape.sum("brownout_statement_share{") - 1.0).abs() < 1e-9);
    assert!(scrape.sum("brownout_statement_time{") > total, "and the sum is that of all time");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_statements_never_falls_and_sums_up_to_that_of_all() {
    let (db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    let mut before: Option<Scrape> = None;
    for round in 0..20_u32 {
        ask(&db, 10 * (round % 7)..10 * (round % 7) + 30);
        let scrape = scraper.scrape(&metrics);
        let all: f64 = db.statements().iter().map(|own| own.ever.seconds).sum();
        let told = scrape.sum("brownout_statement_time{") / 1_000.0;
        assert!((all - told).abs() < 0.2, "round {round}: {told} of {all} s");
        let times = |scrape: &Scrape| scrape.sum("brownout_statement_time{");
        assert!(before.as_ref().is_none_or(|before| times(before) <= times(&scrape)));
        before = Some(scrape);
        advance(Duration::from_secs(31)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_statements_and_routes_there_are_the_series_are_bounded() {
    let (db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    let mut series = BTreeSet::new();
    for round in 0..30 {
        for number in 0..40 {
            let text =
                format!("SELECT {} FROM products{}", "column, ".repeat(round), 40 * round + number);
            db.sql(&text).record(MS, Outcome::Success);
        }
        let class = Class::default().route(brownout::Route::named(&format!("GET /{round}")));
        drop(admission.acquire(&class).await.expect("there is room"));
        series.extend(scraper.scrape(&metrics).series().into_iter().map(str::to_owned));
        advance(Duration::from_secs(1)).await;
    }
    assert!(series.len() < 250, "{}", series.len());
    assert!(series.iter().all(|series| series.chars().count() < 250), "and none is long");
}

#[tokio::test(start_paused = true)]
async fn long_statements_that_begin_alike_are_told_apart() {
    let (db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    for table in ["orders", "carts"] {
        let text = format!("SELECT {} FROM {table}", "column, ".repeat(20));
        db.sql(&text).record(MS, Outcome::Success);
    }
    let scrape = scraper.scrape(&metrics);
    let labels = scrape.labels();
    let named = &labels["brownout_statement_time"]["statement"];
    assert_eq!(named.iter().filter(|name| name.starts_with("SELECT")).count(), 2, "{named:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_recorder_nothing_happens() {
    let (_db, admission) = shop();
    admission.metrics().record();
}

/// Whoever has a handle may record on whatever thread.
#[test]
fn the_handle_goes_anywhere() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    anywhere::<Metrics>();
}

#[tokio::test]
async fn a_pool_that_is_gone_has_no_connections_any_more() {
    let (db, admission) = shop();
    let (metrics, scraper) = (admission.metrics(), Scraper::new());
    let connections = |scrape: &Scrape, state: &str| {
        let labels = format!("{{database=\"shop\",state=\"{state}\"}}");
        scrape.value(&format!("brownout_database_connections{labels}"))
    };
    assert_eq!(connections(&scraper.scrape(&metrics), "max"), None, "there was none yet");
    let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(3);
    let pool = db.sqlx(options.connect("sqlite::memory:").await.expect("it is there"));
    assert_eq!(connections(&scraper.scrape(&metrics), "max"), Some(3.0));
    drop(pool);
    let scrape = scraper.scrape(&metrics);
    let all = ["used", "idle", "max"].map(|state| connections(&scrape, state));
    assert_eq!(all, [Some(0.0); 3]);
}
