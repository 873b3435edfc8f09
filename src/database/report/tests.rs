//! What is advised, and when.

use super::*;
use crate::database::PoolSnapshot;
use crate::{Outcome, database::figures::SpanFigures};

const MS: Duration = Duration::from_millis(1);

fn statement(name: &str, alone: Duration, share: f64, slowdown: f64) -> StatementFigures {
    let ever = SpanFigures {
        span: 100_000 * MS,
        finished: 1000,
        rate: 10.0,
        seconds: 100.0 * share,
        share,
        work_share: share,
        p50: Some(alone),
        p99: Some(alone.mul_f64(20.0)),
        slowdown: Some(slowdown),
        ..SpanFigures::default()
    };
    StatementFigures { name: Arc::from(name), alone: Some(alone), lately: ever.clone(), ever }
}

fn report(statements: Vec<StatementFigures>) -> Report {
    Report {
        database: "shop".into(),
        observed: 100_000 * MS,
        sustained: None,
        pool: None,
        saturated: Saturated::default(),
        hanging: Vec::new(),
        statements,
        waiting: None,
        routes: Vec::new(),
        sample: None,
        advice: Vec::new(),
    }
}

fn sustained(knee: f64, knee_passed: bool) -> Sustained {
    let best = Throughput { in_flight: knee, queries: 900.0, work: 0.8 * knee, seconds: 9.0 };
    Sustained { best, knee, knee_passed, curve: vec![best] }
}

#[test]
fn a_dear_statement_is_named_with_its_figures() {
    let slow = statement("SELECT * FROM products", 14 * MS, 0.61, 15.0);
    let quick = statement("SELECT 1", MS, 0.25, 1.2);
    let cheap = statement("SELECT 2", 14 * MS, 0.14, 9.0);
    assert_eq!(
        advice::advise(&report(vec![slow, quick, cheap])),
        [
            "`SELECT * FROM products` is 61 % of the database's work and takes 61 % of its time, \
             10.0 times a second, 14 ms alone, 210 ms on average under load, p99 280 ms: look at its plan, for an \
             index or for less to read",
            "`SELECT 1` is 25 % of the database's work and takes 25 % of its time, 10.0 times a \
             second, 1.0 ms alone: it is quick alone, so ask it less often: keep its answer, or ask for many at once",
        ]
    );
}

#[test]
fn who_has_the_time_but_does_not_the_work_waits_for_others() {
    let mut victim = statement("SELECT * FROM products", MS, 0.9, 40.0);
    victim.ever.work_share = 0.1;
    assert_eq!(
        advice::advise(&report(vec![victim])),
        ["`SELECT * FROM products` takes 90 % of the database's time, 1.0 ms alone, 40 ms on \
          average under load, p99 20 ms: it waits for others, so look for who holds a lock on \
          what it needs"]
    );
}

#[test]
fn what_hangs_comes_first() {
    let dear = statement("SELECT 1", MS, 0.25, 1.2);
    let hanging = |statement: &str, queries| Hanging { statement: Arc::from(statement), queries };
    let hanging = vec![hanging("SELECT 2", 7), hanging("SELECT 3", 1)];
    let advice = advice::advise(&Report { hanging, ..report(vec![dear]) });
    assert!(advice[0].starts_with("7 queries of `SELECT 2` hang right now"), "{advice:?}");
    assert!(advice[1].starts_with("1 query of `SELECT 3` hangs right now"), "{advice:?}");
    assert_eq!(advice.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_query_hangs_when_it_is_beyond_slow() {
    let db = Database::new("shop");
    let query = db.statement("locked").start();
    let quick = db.statement("quick").start();
    let hung = || (db.snapshot().hung, db.report().hanging.len());
    tokio::time::advance(900 * MS).await;
    assert_eq!(hung(), (0, 0));
    drop(quick);
    tokio::time::advance(200 * MS).await;
    assert_eq!(hung(), (1, 1));
    assert_eq!((&*db.report().hanging[0].statement, db.report().hanging[0].queries), ("locked", 1));
    query.finish(Outcome::Success);
    assert_eq!(hung(), (0, 0));
}

#[test]
fn a_commit_is_not_to_be_asked_less_often() {
    let advice = advice::advise(&report(vec![statement("COMMIT", MS, 0.4, 1.2)]));
    assert!(advice[0].ends_with("do more in one transaction, or without one"), "{advice:?}");
}

#[test]
fn queries_without_a_name_are_to_be_named() {
    let other = statement("(other)", MS, 0.9, 1.0);
    let advice = advice::advise(&report(vec![other]));
    assert!(advice[0].starts_with("Queries without a name of their own are 90 %"), "{advice:?}");
}

#[test]
fn failures_are_told_of_cheap_statements_too() {
    let mut own = statement("INSERT", MS, 0.01, 1.0);
    own.ever.overloads = 20;
    let advice = advice::advise(&report(vec![own]));
    assert!(advice[0].starts_with("`INSERT` failed by overload in 2 % of its queries, 20"));
}

#[test]
fn a_pool_is_judged_by_the_knee() {
    let mut report = report(Vec::new());
    report.sustained = Some(sustained(12.0, true));
    report.pool = report.sustained.as_ref().map(|seen| PoolAdvice::new(seen, Some(50)));
    assert_eq!(
        advice::advise(&report),
        ["The pool lends up to 50 connections, but the database does no more with more than \
             15: lend 15"]
    );
    report.pool = report.sustained.as_ref().map(|seen| PoolAdvice::new(seen, Some(12)));
    assert!(advice::advise(&report)[0].contains("may be worth a few more"));
}

#[test]
fn the_wait_for_a_connection_and_saturation_are_told() {
    let mut report = report(vec![statement("SELECT 1", MS, 0.1, 1.0)]);
    report.waiting = Some(statement("(connection)", MS, 0.3, 4.0));
    report.sustained = Some(sustained(8.0, true));
    report.saturated = Saturated { total: 2_000 * MS, spells: 1, ..Saturated::default() };
    let advice = advice::advise(&report);
    assert!(advice[0].contains("75 % goes into waiting for a connection, p99 20 ms"), "{advice:?}");
    assert!(advice[1].contains("saturated for 2 % of the time"), "{advice:?}");
    report.waiting = Some(statement("(connection)", MS, 0.3, 1.0));
    report.routes = vec![RouteFigures::new(Arc::from("/"), 10, 1.0, 0.001)];
    assert_eq!(advice::advise(&report), [""; 0], "nobody waits, and it is protected");
}

#[test]
fn a_troubled_server_comes_first() {
    let mut report = report(vec![statement("SELECT 1", MS, 0.9, 1.0)]);
    report.sample = Some("10 6 2 95 100 41.5 0.9".parse().expect("it is one"));
    let advice = advice::advise(&report);
    assert!(advice[0].starts_with("95 of the server's 100 connections"), "{advice:?}");
    assert!(advice[1].starts_with("A transaction is open for 41 s"), "{advice:?}");
    assert!(advice[2].starts_with("6 of 10 active queries wait for a lock"), "{advice:?}");
    assert!(advice[3].starts_with("10 % of the blocks come from disk"), "{advice:?}");
    assert!(advice[4].starts_with("`SELECT 1`"), "{advice:?}");
    report.sample = Some("1 0 1 5 100 0.1 0.999".parse().expect("it is one"));
    assert_eq!(advice::advise(&report).len(), 1, "nothing is wrong with it");
}

#[tokio::test(start_paused = true)]
async fn what_others_know_is_told() {
    let db = Database::new("shop");
    db.set_routes(|| {
        vec![
            RouteFigures::new(Arc::from("/cheap"), 1000, 1.0, 0.001),
            RouteFigures::new(Arc::from("/search"), 100, 41.0, 0.09),
        ]
    });
    db.set_pool(|| Some(PoolSnapshot::new(50, 50, 0)), None);
    db.feed_sample("1 0 1 5 100 0.1 0.999".parse().expect("it is one"));
    let report = db.report();
    let shares: Vec<_> = report.routes.iter().map(|own| (&*own.route, own.share)).collect();
    assert_eq!(shares, [("/search", 0.9), ("/cheap", 0.1)]);
    assert_eq!(report.sample.map(|sample| sample.connections), Some(5));
    assert_eq!((report.pool, report.sustained), (None, None), "nothing was seen of it yet");
    assert!(report.advice[0].starts_with("`/search` asks 41.0 queries per request"));
    let page = db.report().to_string();
    assert!(page.contains("\n    90 %       100      41.0     90 ms  /search\n"), "{page}");
    assert!(page.contains("5 of 100 connections, 1 active"), "{page}");
}

/// Over the handle's life, second by second.
#[tokio::test(start_paused = true)]
async fn the_time_of_saturation_is_told() {
    let db = Database::new("shop");
    let get = db.statement("get");
    for second in 0..60 {
        for _ in 0..100 {
            get.record(if second < 30 { MS } else { 5 * MS }, Outcome::Success);
        }
        tokio::time::advance(1000 * MS).await;
    }
    let report = db.report();
    let Saturated { total, spells, longest, now, .. } = report.saturated;
    // That 100 ms passed in 500 ms is all that is known.
    assert!((14_000 * MS..=15_000 * MS).contains(&total), "{total:?}");
    assert!(longest >= total && spells == 1 && now);
    assert!(report.to_string().contains("\nSaturated once, for 14 s in all and "), "{report}");
}
