use std::{
    convert::Infallible,
    future::{pending, ready},
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::oneshot;
use tokio_test::{assert_pending, assert_ready_ok, task};

use super::*;
use crate::{
    database::{Door, Entering},
    rejection::Reason,
};

/// Counts those inside. Refuses while it is closed.
#[derive(Default)]
struct Turnstile {
    inside: Arc<AtomicUsize>,
    /// Those who enter hold a permit already.
    at_the_edge: bool,
    closed: bool,
}

struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Door for Turnstile {
    fn enter(&self) -> Entering {
        let answer = match (self.closed, self.at_the_edge) {
            (true, _) => Err(Rejection::new(Reason::QueueFull, Duration::from_secs(1))),
            (false, true) => Ok(Pass::default()),
            (false, false) => Ok(self.occupy()),
        };
        Box::pin(ready(answer))
    }

    fn occupy(&self) -> Pass {
        self.inside.fetch_add(1, Ordering::Relaxed);
        Pass::holding(Inside(self.inside.clone()))
    }
}

/// A database behind a turnstile, and the number of those inside.
fn behind(turnstile: Turnstile) -> (Database, impl Fn() -> usize) {
    let (db, inside) = (Database::new("shop"), turnstile.inside.clone());
    db.set_door(Arc::new(turnstile));
    (db, move || inside.load(Ordering::Relaxed))
}

async fn lent(db: &Database) -> Lent<u32> {
    db.checkout(ready(Ok::<_, Infallible>(42))).await.expect("it is open")
}

#[tokio::test(start_paused = true)]
async fn a_connection_holds_its_place_until_it_is_back() {
    let (db, inside) = behind(Turnstile::default());
    let mut lent = lent(&db).await;
    *lent += 1;
    assert_eq!((*lent, inside()), (43, 1));
    drop(lent);
    assert_eq!(inside(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_refused_does_not_ask_the_pool() {
    let (db, _) = behind(Turnstile { closed: true, ..Turnstile::default() });
    let connect = async { panic!("the pool was asked") };
    let refused: CheckoutError<io::Error> =
        db.checkout::<_, (), _>(connect).await.expect_err("it is closed");
    let source = refused.source().and_then(|source| source.downcast_ref::<Rejection>());
    assert_eq!(source.map(Rejection::reason), Some(Reason::QueueFull));
    assert_eq!(db.snapshot().finished, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_fails_leaves_no_place_taken() {
    let (db, inside) = behind(Turnstile::default());
    let connect = ready(Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused)));
    let failed = db.checkout(connect).await.expect_err("it fails");
    assert!(matches!(failed, CheckoutError::Pool(_)), "{failed}");
    assert_eq!((inside(), db.snapshot().overloads), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_checkout_that_is_dropped_leaves_no_place_taken() {
    let (db, inside) = behind(Turnstile::default());
    let mut waiting = task::spawn(db.checkout(pending::<Result<(), Infallible>>()));
    assert_pending!(waiting.poll());
    assert_eq!((inside(), db.snapshot().in_flight), (1, 1));
    drop(waiting);
    assert_eq!((inside(), db.snapshot().in_flight), (0, 0));
}

/// Work on a connection: a query that ends on command.
async fn work(db: &Database) -> (ToTheEnd<u32>, oneshot::Sender<u32>) {
    let (end, ended) = oneshot::channel();
    let statement = db.statement("work");
    let work = async move |_client| statement.observe(ended).await.expect("it is told");
    (lent(db).await.to_the_end(work), end)
}

/// Lets the task of the work run.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn work_to_the_end_gives_its_result() {
    let (db, inside) = behind(Turnstile::default());
    let (work, end) = work(&db).await;
    let mut work = task::spawn(async { Ok::<_, ()>(work.await) });
    assert_pending!(work.poll());
    end.send(7).expect("it waits");
    settle().await;
    assert_eq!((assert_ready_ok!(work.poll()), inside()), (7, 0));
}

#[tokio::test(start_paused = true)]
async fn work_goes_on_and_counts_when_its_caller_leaves() {
    for at_the_edge in [false, true] {
        let (db, inside) = behind(Turnstile { at_the_edge, ..Turnstile::default() });
        let (work, end) = work(&db).await;
        settle().await;
        assert_eq!(inside(), usize::from(!at_the_edge), "the permit at the edge counts it");
        drop(work);
        settle().await;
        assert_eq!((inside(), db.snapshot().in_flight), (1, 1), "{at_the_edge}");
        end.send(7).expect("it waits");
        settle().await;
        let snapshot = db.snapshot();
        assert_eq!((inside(), snapshot.in_flight, snapshot.cancelled), (0, 0, 0));
        assert_eq!(snapshot.finished, 2, "the checkout and the query");
    }
}

#[tokio::test(start_paused = true)]
async fn leaving_when_the_work_is_over_takes_no_place() {
    let (db, inside) = behind(Turnstile { at_the_edge: true, ..Turnstile::default() });
    let (work, end) = work(&db).await;
    end.send(7).expect("it waits");
    settle().await;
    drop(work);
    assert_eq!(inside(), 0);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "halfway")]
async fn a_panic_in_the_work_reaches_who_awaits_it() {
    lent(&Database::new("shop")).await.to_the_end(async |_client| panic!("halfway")).await
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_work_frees_its_place() {
    let (db, inside) = behind(Turnstile::default());
    drop(lent(&db).await.to_the_end(async |_client: Lent<u32>| panic!("halfway")));
    settle().await;
    assert_eq!(inside(), 0);
}
