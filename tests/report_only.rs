//! An admission that only reports: all is decided and told, and nobody feels it.

#![cfg(feature = "tower")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use brownout::{
    Admission, Brownout, Circuit, CircuitBreaker, Class, ConcurrencyLimit, Database, Event, Health,
    Outcome, Priority, Quota, RateLimit, Reason, limit::Fixed,
};
use tokio::{
    task::JoinSet,
    time::{Instant, advance, sleep},
};
use tower::{BoxError, Layer, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

type Told = Arc<Mutex<Vec<(Priority, Reason)>>>;

struct Shop {
    db: Database,
    admission: Admission,
    told: Told,
}

/// One place at its database, and two who may wait for 100 ms.
fn shop(rate: Option<RateLimit>) -> Shop {
    let (db, told) = (Database::new("shop"), Told::default());
    let tell = {
        let told = told.clone();
        move |event: &Event| match event {
            Event::WouldRefuse { priority, reason, .. } => {
                told.lock().expect("nobody panics").push((*priority, *reason));
            }
            Event::Refused { .. } => panic!("nobody is refused: {event}"),
            _ => {}
        }
    };
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(2).max_wait(100 * MS);
    let builder = Admission::builder().protect(&db).concurrency(limit).report_only().on_event(tell);
    let builder = match rate {
        Some(rate) => builder.rate(rate),
        None => builder,
    };
    Shop { db, admission: builder.build().expect("it is in range"), told }
}

impl Shop {
    /// At once.
    async fn enter(&self, class: &Class) -> brownout::GatesPermit {
        let since = Instant::now();
        let permit = self.admission.acquire(class).await.expect("nobody is refused");
        assert_eq!(since.elapsed(), Duration::ZERO, "nobody waits");
        permit
    }

    /// As a request sees it.
    async fn level(&self) -> f64 {
        let layer = self.admission.layer().refuse_with_error();
        let see = |_: ()| async { Ok::<_, BoxError>(Brownout::current().level()) };
        let seen = layer.layer(service_fn(see)).oneshot(()).await;
        seen.expect("nobody is refused")
    }

    fn would_refuse(&self, priority: Priority, reason: Reason) -> u64 {
        self.admission.snapshot().would_refuse_of(priority, reason)
    }

    fn told(&self) -> Vec<(Priority, Reason)> {
        self.told.lock().expect("nobody panics").clone()
    }
}

#[tokio::test(start_paused = true)]
async fn who_could_wait_is_not_told_and_who_could_not_is() {
    let shop = shop(None);
    let normal = Class::default();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(shop.enter(&normal).await);
    }
    assert_eq!(shop.told(), [], "one goes on, and two would wait");
    held.push(shop.enter(&normal).await);
    assert_eq!(shop.told(), [(Priority::Normal, Reason::QueueFull)]);
    assert_eq!(shop.would_refuse(Priority::Normal, Reason::QueueFull), 1);
    assert_eq!(shop.admission.snapshot().admitted, 4);
    assert_eq!(shop.admission.snapshot().in_flight, 4);
    held.clear();
    assert_eq!(shop.admission.snapshot().in_flight, 0);
    drop(shop.enter(&normal).await);
    assert_eq!(shop.told().len(), 1, "there is room again");
}

#[tokio::test(start_paused = true)]
async fn the_important_would_go_before_the_others() {
    let shop = shop(None);
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(shop.enter(&Class::new(Priority::Bulk)).await);
    }
    assert_eq!(shop.would_refuse(Priority::Bulk, Reason::QueueFull), 7);
    held.push(shop.enter(&Class::new(Priority::Critical)).await);
    assert_eq!(shop.would_refuse(Priority::Critical, Reason::QueueFull), 0);
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_for_too_long_at_the_present_pace_is_told() {
    let shop = shop(None);
    // One is done each 80 ms, so the second who waits would have to for 160 ms.
    let mut asked = JoinSet::new();
    for _ in 0..60 {
        let permit = shop.enter(&Class::default()).await;
        let query = shop.db.statement("product").start();
        asked.spawn(async move {
            sleep(200 * MS).await;
            query.finish(Outcome::Success);
            drop(permit);
        });
        sleep(80 * MS).await;
    }
    let late = shop.would_refuse(Priority::Normal, Reason::QueueTimeout);
    assert!(late > 20, "{late}");
    assert_eq!(shop.would_refuse(Priority::Normal, Reason::QueueFull), 0);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_opens_and_refuses_nobody() {
    let shop = shop(None);
    let class = Class::default().needs(&shop.db);
    for _ in 0..3 {
        for _ in 0..20 {
            shop.db.record(MS, Outcome::Overload);
        }
        advance(100 * MS).await;
        shop.db.record(MS, Outcome::Overload);
    }
    assert_eq!(shop.admission.breaker().circuit(), Circuit::Open);
    drop(shop.enter(&class).await);
    assert_eq!(shop.would_refuse(Priority::Normal, Reason::CircuitOpen), 1);
    assert_eq!(shop.told(), [(Priority::Normal, Reason::CircuitOpen)]);
    let overview = shop.admission.overview();
    assert_eq!(overview.decisions[1].would_refuse["circuit_open"], 1);
}

/// A second and a half in which all that comes back from it is overload.
async fn overload(db: &Database) {
    for _ in 0..15 {
        (0..20).for_each(|_| db.record(MS, Outcome::Overload));
        advance(100 * MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_alone_only_reports_makes_no_incident_and_nothing_is_left_out_for_it() {
    let db = Database::new("shop");
    let breaker = CircuitBreaker::new().report_only();
    let admission = Admission::builder().protect(&db).breaker(breaker).build();
    let admission = admission.expect("it is in range");
    // Other tests ask, too, and who asks once has asked for the whole process.
    assert_eq!(Brownout::default().level(), 0.0);
    let _hanging: Vec<_> = (0..4).map(|_| db.statement("product").start()).collect();
    for _ in 0..15 {
        advance(100 * MS).await;
        let _ = admission.snapshot();
    }
    assert_eq!(admission.breaker().circuit(), Circuit::Open);
    drop(admission.acquire(&Class::default().needs(&db)).await.expect("it only reports"));
    let overview = admission.overview();
    let told = "All is well; circuits of shop would refuse requests, but only report.";
    assert_eq!((overview.health, &*overview.sentence), (Health::Well, told));
    assert!(overview.databases[0].report_only && !overview.report_only);
    assert_eq!((overview.level, &overview.incidents[..]), (0.0, &[][..]));

    admission.breaker().force_open();
    let overview = admission.overview();
    assert_eq!(overview.health, Health::Down, "an order counts: {overview}");
    assert!(!overview.databases[0].report_only && overview.incidents.len() == 1);
}

#[tokio::test(start_paused = true)]
async fn where_all_gates_only_report_what_they_would_do_is_shown_as_such() {
    let shop = shop(None);
    let told = "All is well; but nothing is enforced, the gates only report.";
    assert_eq!(shop.admission.overview().sentence, told);
    overload(&shop.db).await;
    let overview = shop.admission.overview();
    assert_eq!((overview.health, overview.incidents.len()), (Health::Down, 1), "{overview}");
    assert!(overview.sentence.ends_with("; but nothing is enforced, the gates only report."));
}

#[tokio::test(start_paused = true)]
async fn a_request_counts_once_for_the_gate_that_would_have_refused_it_first() {
    let shop = shop(Some(RateLimit::new(Quota::per_second(1).burst(1))));
    let class = Class::default().needs(&shop.db);
    let held = [shop.enter(&class).await, shop.enter(&class).await];
    shop.enter(&class.deadline((Instant::now() - MS).into_std())).await;
    assert_eq!(shop.would_refuse(Priority::Normal, Reason::Quota), 2);
    assert_eq!(shop.admission.snapshot().would_refuse(), 2);
    assert_eq!(shop.told().len(), 2);
    drop(held);
    advance(Duration::from_secs(9)).await;
    shop.enter(&class.deadline((Instant::now() - MS).into_std())).await;
    assert_eq!(shop.would_refuse(Priority::Normal, Reason::Deadline), 1);
    let text = shop.admission.snapshot().to_string();
    assert!(text.contains("would have refused 3 of those admitted"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_reloaded_without_it_is_enforced() {
    let shop = shop(None);
    let _held = shop.enter(&Class::default()).await;
    let enforced = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    shop.admission.concurrency().reload(enforced).expect("it is in range");
    assert!(shop.admission.concurrency().acquire(&Class::default()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_level_is_told_and_not_felt_unless_somebody_forces_it() {
    let shop = shop(None);
    let class = Class::default().needs(&shop.db);
    let mut held = Vec::new();
    // Before somebody asks there is none.
    assert_eq!(shop.level().await, 0.0);
    for _ in 0..100 {
        held.push(shop.enter(&class).await);
        shop.db.record(MS, Outcome::Success);
        advance(50 * MS).await;
    }
    assert!(shop.admission.snapshot().level > 0.5, "{:?}", shop.admission.snapshot());
    assert_eq!(shop.level().await, 0.0);
    let overview = shop.admission.overview();
    let told = "but nothing is enforced, the gates only report.";
    assert!(overview.report_only && overview.sentence.ends_with(told), "{overview}");
    shop.admission.force_level(1.0).expect("it is in range");
    assert_eq!(shop.level().await, 1.0);
}

#[tokio::test(start_paused = true)]
async fn at_the_checkout_too_nobody_is_refused_and_all_are_told() {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(0);
    let builder = Admission::builder().protect_with(&db, limit).at_checkout();
    let admission = builder.report_only().build().expect("it is in range");
    let layer = admission.layer().refuse_with_error();
    let ask = service_fn(move |_: ()| {
        let db = db.clone();
        async move {
            let pool = std::future::ready(Ok::<_, std::io::Error>("a connection"));
            let lent = db.checkout(pool).await?;
            sleep(MS).await;
            drop(lent);
            Ok::<_, BoxError>(())
        }
    });
    let mut asked = JoinSet::new();
    for _ in 0..3 {
        let service = layer.layer(ask.clone());
        asked.spawn(service.oneshot(()));
    }
    while let Some(answer) = asked.join_next().await {
        answer.expect("nobody panics").expect("nobody is refused");
    }
    let refused = admission.snapshot().would_refuse_of(Priority::Normal, Reason::QueueFull);
    assert_eq!(refused, 2);
}

#[tokio::test(start_paused = true)]
async fn who_waited_while_a_circuit_opened_that_only_reports_is_told_of() {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(1)).queue(2).max_wait(5_000 * MS);
    let breaker = CircuitBreaker::new().report_only();
    let builder = Admission::builder().protect(&db).concurrency(limit).breaker(breaker);
    let admission = builder.build().expect("it is in range");
    let class = Class::default().needs(&db);
    let first = admission.acquire(&class).await.expect("there is room");
    let mut second = tokio_test::task::spawn(admission.acquire(&class));
    tokio_test::assert_pending!(second.poll());
    for _ in 0..3 {
        (0..20).for_each(|_| db.record(MS, Outcome::Overload));
        advance(100 * MS).await;
        db.record(MS, Outcome::Overload);
    }
    assert_eq!(admission.breaker().circuit(), Circuit::Open);
    drop(first);
    let second = second.await.expect("the circuit only reports");
    assert_eq!(admission.breaker().would_have_refused(), 1);
    let snapshot = admission.snapshot();
    assert_eq!(snapshot.would_refuse_of(Priority::Normal, Reason::CircuitOpen), 1);
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn what_is_reloaded_to_be_enforced_is_told_of() {
    let quota = || RateLimit::new(Quota::per_second(5));
    let admission = Admission::builder().rate(quota()).report_only().build().expect("it is valid");
    let only_reports = || admission.overview().report_only;
    let limit = |settings| admission.concurrency().reload(settings).expect("it is valid");
    assert!(only_reports());
    limit(ConcurrencyLimit::new());
    assert!(!only_reports());
    limit(ConcurrencyLimit::new().report_only());
    assert!(only_reports());
    admission.rate().expect("there is one").reload(quota()).expect("it is valid");
    assert!(!only_reports() && !admission.overview().sentence.contains("nothing is enforced"));
}

#[tokio::test(start_paused = true)]
async fn what_is_forced_is_said() {
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).build().expect("it is valid");
    let said = || admission.overview().sentence;
    admission.breaker().force_closed();
    assert_eq!(said(), "All is well; the circuit of shop is forced closed.");
    admission.breaker().force_open();
    assert!(said().starts_with("Down: the circuit of shop is forced open"), "{}", said());
    admission.breaker().release();
    assert!(!said().contains("forced open"), "{}", said());
}
