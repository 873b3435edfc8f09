//! The report on a database, from what was asked of it.

#![cfg(feature = "tower")]

mod support {
    use std::time::Duration;

    pub(crate) const MS: Duration = Duration::from_millis(1);
}

use std::{io, sync::Arc, time::Duration};

use brownout::{Database, Report};
use support::MS;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep},
};

/// Does up to eight queries at once; more wait for their turn.
async fn query(places: &Semaphore, work: Duration) -> Result<(), io::Error> {
    let _place = places.acquire().await.map_err(io::Error::other)?;
    sleep(work).await;
    Ok(())
}

/// So many clients ask one query after the other for so long.
async fn ask(db: &Database, places: &Arc<Semaphore>, clients: usize, time: Duration) {
    let until = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let (db, places) = (db.clone(), places.clone());
        tasks.spawn(async move {
            let mut id = client;
            while Instant::now() < until {
                let dear = id % 10 == 0;
                let (text, work) = match dear {
                    true => (format!("SELECT * FROM orders WHERE customer = {id}"), 60 * MS),
                    false => (format!("SELECT * FROM products WHERE id = {id}"), 4 * MS),
                };
                let _ = db.sql(&text).observe(query(&places, work)).await;
                id += 1;
            }
        });
    }
    tasks.join_all().await;
}

async fn surge(most_clients: usize) -> Report {
    let (db, places) = (Database::new("shop"), Arc::new(Semaphore::new(8)));
    for clients in
        [1, 2, 4, 6, 8, 11, 16, 32, 64].into_iter().take_while(|own| *own <= most_clients)
    {
        ask(&db, &places, clients, 12_000 * MS).await;
    }
    db.report()
}

#[tokio::test(start_paused = true)]
async fn the_knee_and_the_dear_statement_of_a_surge_are_found() {
    let report = surge(64).await;
    let sustained = report.sustained.as_ref().expect("it did some work");
    assert!(sustained.knee_passed && (7.0..=9.0).contains(&sustained.knee), "{report}");
    assert!((7.0..=8.2).contains(&sustained.best.work), "{report}");
    let pool = report.pool.expect("the knee is known");
    assert!(pool.sure && (9..=12).contains(&pool.connections) && pool.least == 8, "{report}");
    let [other, dear] = &report.statements[..] else { panic!("{report}") };
    assert_eq!(&*dear.name, "SELECT * FROM orders WHERE customer = ?");
    assert_eq!(&*other.name, "SELECT * FROM products WHERE id = ?");
    assert!((dear.ever.share + other.ever.share - 1.0).abs() < 1e-9, "{report}");
    let waits_for_it = dear.ever.work_share > 0.6 && dear.ever.share < 0.4;
    assert!(waits_for_it, "the other has the time, but this does the work: {report}");
    let alone = dear.alone.expect("it was asked often enough");
    assert!((59 * MS..=66 * MS).contains(&alone), "{report}");
    assert!(dear.ever.slowdown.is_some_and(|slowdown| slowdown > 1.2), "{report}");
    assert!((30_000 * MS..=50_000 * MS).contains(&report.saturated.total), "{report}");
    let page = report.to_string();
    assert!(page.contains("more gave no more work") && page.contains("< knee"), "{page}");
    assert!(page.contains("  * `SELECT * FROM orders WHERE customer = ?` is "), "{page}");
}

#[tokio::test(start_paused = true)]
async fn without_a_surge_the_knee_is_not_known() {
    let report = surge(6).await;
    let sustained = report.sustained.as_ref().expect("it did some work");
    assert!(!sustained.knee_passed && (5.0..=6.2).contains(&sustained.knee), "{report}");
    assert!(report.pool.is_some_and(|pool| !pool.sure && pool.connections == 8), "{report}");
    assert_eq!(report.saturated.spells, 0, "{report}");
    let page = report.to_string();
    assert!(page.contains("more were not tried") && page.contains("Never saturated"), "{page}");
    assert!(page.contains("at least 8 connections"), "{page}");
}

#[tokio::test(start_paused = true)]
async fn of_nothing_there_is_a_report_too() {
    let report = Database::new("shop").report();
    assert_eq!((report.sustained.as_ref(), report.statements.len()), (None, 0));
    let page = report.to_string();
    assert!(page.starts_with("Database \"shop\", watched for "), "{page}");
    assert!(page.contains("Not known yet") && page.contains("Nothing that shows."), "{page}");
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn a_report_is_an_object_with_seconds_in_it() {
    let report = surge(2).await;
    let object = serde_json::to_value(&report).expect("it can be said in JSON");
    assert_eq!(object["database"], "shop");
    assert!(object["observed"].as_f64().is_some_and(|seconds| (24.0..25.0).contains(&seconds)));
    assert_eq!(object["statements"][0]["name"], "SELECT * FROM orders WHERE customer = ?");
    assert!(object["statements"][0]["alone"].as_f64().is_some_and(|alone| alone > 0.059));
    assert!(object["sustained"]["curve"][0]["in_flight"].is_number(), "{object}");
    assert_eq!(object["saturated"]["first"], serde_json::Value::Null);
    assert_eq!(object["pool"]["connections"], 3);
}
