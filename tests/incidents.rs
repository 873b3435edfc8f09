//! An admission remembers what happened, and says in a sentence what is so.

#![cfg(all(feature = "tower", feature = "serde"))]

use std::time::Duration;

use brownout::{
    Admission, Brownout, Class, ConcurrencyLimit, Database, Health, Optional, Outcome, Priority,
    limit,
};
use tokio::{
    task::JoinSet,
    time::{advance, sleep},
};

const MS: Duration = Duration::from_millis(1);

/// A shop with one place at its database.
fn shop() -> (Database, Admission) {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(limit::Fixed::new(1)).queue(0);
    let admission = Admission::builder().protect(&db).concurrency(limit).build();
    (db, admission.expect("it is in range"))
}

async fn refuse_some(admission: &Admission) {
    let held = admission.acquire(&Class::new(Priority::Critical)).await.expect("there is room");
    for _ in 0..3 {
        assert!(admission.acquire(&Class::new(Priority::Bulk)).await.is_err());
    }
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_service_without_trouble_is_well_and_has_no_incidents() {
    let (db, admission) = shop();
    db.record(MS, Outcome::Success);
    assert_eq!(admission.incidents(), []);
    let overview = admission.overview();
    assert_eq!((overview.health, &*overview.sentence), (Health::Well, "All is well."));
}

#[tokio::test(start_paused = true)]
async fn a_forced_circuit_is_an_incident_that_says_so() {
    let (_db, admission) = shop();
    admission.breaker().force_open();
    let incidents = admission.incidents();
    let [incident] = &incidents[..] else { panic!("there is one: {incidents:?}") };
    assert_eq!(incident.first, "circuit of shop from closed to open: forced");
    let overview = admission.overview();
    assert_eq!(overview.health, Health::Down);
    assert!(
        overview.sentence.contains("the circuit of shop is forced open; the first sign was"),
        "{overview}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_looks_hears_of_a_database_that_hangs_though_nobody_comes() {
    let (db, admission) = shop();
    let statement = db.statement("select 1 for update");
    let _hanging: Vec<_> = (0..5).map(|_| statement.start()).collect();
    advance(3_000 * MS).await;
    let overview = admission.overview();
    assert_eq!(overview.health, Health::Down, "{overview}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_connection_stands_out_in_words() {
    let (db, admission) = shop();
    let _waiting: Vec<_> = (0..5).map(|_| db.statement("(connection)").start()).collect();
    for _ in 0..10 {
        advance(1_000 * MS).await;
        let _ = admission.incidents();
    }
    let sentence = admission.overview().sentence;
    assert!(sentence.contains("what stands out is the wait for a connection"), "{sentence}");
}

#[tokio::test(start_paused = true)]
async fn what_has_no_name_does_not_stand_out() {
    for (text, stands_out) in [("SELECT 1", Some("SELECT ?")), ("", None)] {
        let (db, admission) = shop();
        let statement = db.sql(text);
        let _hanging: Vec<_> = (0..5).map(|_| statement.start()).collect();
        for _ in 0..10 {
            advance(1_000 * MS).await;
            let _ = admission.incidents();
        }
        let incidents = admission.incidents();
        let [incident] = &incidents[..] else { panic!("there is one: {incidents:?}") };
        assert_eq!(incident.statement.as_deref(), stands_out);
        let sentence = admission.overview().sentence;
        let why = stands_out.map_or("the first sign was: circuit of shop", |_| "stands out is");
        assert!(sentence.contains(why), "{sentence}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_refused_is_told_in_the_incident_and_in_the_sentence() {
    let (_db, admission) = shop();
    // Who looks is who records, where nothing is asked of the database.
    for _ in 0..3 {
        refuse_some(&admission).await;
        tokio::time::advance(1_000 * MS).await;
        let _ = admission.incidents();
    }
    let incidents = admission.incidents();
    let [incident] = &incidents[..] else { panic!("there is one: {incidents:?}") };
    assert_eq!(incident.refused(), 9);
    let sentence = admission.overview().sentence;
    assert!(
        sentence.contains("75 % of the requests were refused for load, none of them critical"),
        "{sentence}"
    );
    let json = serde_json::to_value(incident).expect("it is a value");
    assert_eq!(json["impact"][3]["priority"], "bulk");
    assert_eq!(json["impact"][3]["refused"]["queue_full"], 9);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_any_more_does_not_stay_degraded() {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(limit::Fixed::new(1)).max_wait(10_000 * MS);
    let admission = Admission::builder().protect(&db).concurrency(limit).build();
    let admission = admission.expect("it is in range");
    assert!(Brownout::current().serves(Optional::nth(1, 1)), "somebody asks");
    let held = admission.acquire(&Class::default()).await.expect("there is room");
    let mut waiting = JoinSet::new();
    for _ in 0..50 {
        let admission = admission.clone();
        waiting.spawn(async move { admission.acquire(&Class::default()).await.map(drop) });
    }
    for _ in 0..50 {
        sleep(100 * MS).await;
        db.record(MS, Outcome::Success);
    }
    assert!(admission.snapshot().level > 0.9 && admission.incidents().len() == 1);
    waiting.shutdown().await;
    drop(held);
    sleep(3_600_000 * MS).await;
    assert_eq!(admission.overview().sentence, "All is well.");
    let [incident] = &admission.incidents()[..] else { panic!("there is one") };
    let lasted = incident.duration(Duration::MAX);
    assert!(lasted < 10_000 * MS, "{lasted:?}");
}
