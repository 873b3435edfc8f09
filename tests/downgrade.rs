//! Who is over its quota goes on at a lower priority, on paused time.

#![cfg(feature = "http")]

mod support;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use brownout::{
    Admission, AdmissionBuilder, Class, ConcurrencyLimit, Database, Event, Fleet, Outage, Priority,
    Quota, RateLimit, Reason, Rejection, Unkeyed, limit::Fixed,
};
use http::{Request, StatusCode};
use support::{
    MS, SECOND,
    controlled::{behind, get, launch, page},
    fleet::{Buckets, Mood},
};
use tokio::{
    task::JoinSet,
    time::{advance, interval, sleep},
};
use tokio_test::{assert_pending, assert_ready, task::spawn};
use tower::{BoxError, Layer, ServiceExt, service_fn};

const BULK: Priority = Priority::Bulk;
const CRITICAL: Class = Class::new(Priority::Critical);
/// One that no quota concerns.
fn free() -> Class {
    Class::new(Priority::Sheddable).cells(0)
}

fn once_a_day() -> RateLimit {
    RateLimit::new(Quota::per_day(1)).downgrade_to(BULK)
}

/// With room for so many at once, and a place in the queue for as many.
fn admission(rate: RateLimit, room: usize, queue: usize) -> (Admission, Events) {
    admission_with(rate, room, queue, |builder| builder)
}

fn admission_with(
    rate: RateLimit,
    room: usize,
    queue: usize,
    settings: impl FnOnce(AdmissionBuilder) -> AdmissionBuilder,
) -> (Admission, Events) {
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(room)).queue(queue);
    let events = Events::default();
    let builder = Admission::builder().rate(rate).concurrency(limit).on_event(events.listener());
    (settings(builder).build().expect("it is valid"), events)
}

#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = self.0.clone();
        move |event| events.lock().expect("nobody panics").push(event.clone())
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics"))
    }
}

fn downgraded(from: Priority, to: Priority) -> Event {
    Event::Downgraded { from, to, route: None, quota: Some("day".into()) }
}

fn refused(reason: Reason) -> Event {
    Event::Refused { priority: BULK, reason, route: None, quota: None }
}

/// So many requests a second of this client for ten seconds, of 50 ms each: how many were
/// served.
async fn served(admission: &Admission, client: &str, per_second: u32) -> usize {
    let mut due = interval(SECOND / per_second);
    let mut all = JoinSet::new();
    for _ in 0..10 * per_second {
        due.tick().await;
        let (admission, class) = (admission.clone(), Class::default().key(client));
        all.spawn(async move {
            let permit = admission.acquire(&class).await;
            if permit.is_ok() {
                sleep(50 * MS).await;
            }
            permit.is_ok()
        });
    }
    all.join_all().await.into_iter().filter(|served| *served).count()
}

#[tokio::test(start_paused = true)]
async fn a_tenant_over_its_share_has_what_room_there_is_and_harms_nobody() {
    let share = || RateLimit::new(Quota::per_second(40).burst(8)).per_key();
    // Room for 200 a second, of which `Bulk` has nine tenths.
    let new = |rate| admission(rate, 10, 20).0;
    let refusing = new(share());
    assert!((400..=410).contains(&served(&refusing, "loud", 400).await));

    let alone = new(share().downgrade_to(BULK));
    let room = served(&alone, "loud", 400).await;
    assert!((1_800..=2_050).contains(&room), "{room}");
    assert_eq!(alone.snapshot().refused(Reason::Quota), 0);

    let both = new(share().downgrade_to(BULK));
    let (quiet, loud) = tokio::join!(served(&both, "quiet", 40), served(&both, "loud", 400));
    assert_eq!(quiet, 400, "all of them");
    assert!((1_400..=1_650).contains(&loud), "{loud}");
}

/// One over its quota waits for the one place; then comes one that is within.
async fn evicted(admission: &Admission, class: Class) -> Rejection {
    let _in_flight = admission.acquire(&class).await.expect("there is a cell, and room");
    let (within, over) = (free(), class);
    let mut over = spawn(admission.acquire(&over));
    assert_pending!(over.poll());
    let mut within = spawn(admission.acquire(&within));
    assert_pending!(within.poll());
    assert_ready!(over.poll()).expect_err("there is no room for both")
}

#[tokio::test(start_paused = true)]
async fn who_fell_is_the_first_to_go_also_if_it_was_critical() {
    let (admission, events) = admission(once_a_day(), 1, 1);
    let rejection = evicted(&admission, CRITICAL).await;
    assert_eq!((rejection.reason(), rejection.standing()), (Reason::Evicted, None));
    assert_eq!(events.take(), [downgraded(Priority::Critical, BULK), refused(Reason::Evicted)]);
    assert!(admission.snapshot().to_string().ends_with("\nquotas downgraded 1"));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_raised() {
    let rate = RateLimit::new(Quota::per_day(1)).downgrade_to(Priority::Normal);
    let (admission, events) = admission(rate, 1, 1);
    assert_eq!(evicted(&admission, Class::new(BULK)).await.reason(), Reason::Evicted);
    assert_eq!(events.take(), [downgraded(BULK, BULK), refused(Reason::Evicted)]);
}

#[tokio::test(start_paused = true)]
async fn who_fell_and_is_refused_for_load_gets_no_cell_back() {
    let (admission, events) = admission(once_a_day(), 1, 0);
    let in_flight = admission.acquire(&CRITICAL).await.expect("there is a cell, and room");
    for _ in 0..2 {
        let refusal = admission.acquire(&CRITICAL).await.expect_err("there is no room");
        assert_eq!(refusal.reason(), Reason::QueueFull);
    }
    drop(in_flight);
    drop(admission.acquire(&CRITICAL).await.expect("there is room again"));
    let fell = |event: &Event| matches!(event, Event::Downgraded { .. });
    assert_eq!(events.take().into_iter().filter(fell).count(), 3);
    let rate = admission.snapshot().rate.expect("there is a quota");
    assert_eq!((rate.admitted, rate.downgraded, rate.refused), (1, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn at_the_connection_it_is_still_what_it_fell_to() {
    let db = Database::new("shop");
    let settings = |builder: AdmissionBuilder| builder.protect(&db).at_checkout();
    let (admission, events) = admission_with(once_a_day(), 1, 1, settings);
    let handler = service_fn(|_: Request<()>| async {
        let connection = db.checkout(async { Ok::<_, Infallible>(()) }).await;
        if connection.is_ok() {
            sleep(10 * MS).await;
        }
        let found = if connection.is_ok() { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
        Ok::<_, BoxError>(page(found))
    });
    let send = |class: Class| admission.layer().classify(class).layer(handler).oneshot(get("/"));
    let (first, over, within) = tokio::join!(send(CRITICAL), send(CRITICAL), send(free()));
    let answers = [first, over, within].map(|answer| answer.expect("it answers").status());
    assert_eq!(answers, [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK]);
    assert_eq!(events.take(), [downgraded(Priority::Critical, BULK), refused(Reason::Evicted)]);
}

#[tokio::test(start_paused = true)]
async fn whom_a_fleet_would_refuse_goes_on_once_it_has_answered() {
    let buckets = Buckets::new();
    buckets.state().delay = 2 * MS;
    let fleet = Fleet::new("quotas", buckets.clone());
    let (admission, events) = admission(once_a_day().shared(&fleet), 1, 1);
    let free = free();
    let elsewhere = RateLimit::new(Quota::per_day(1)).shared(&fleet).gate();
    elsewhere.expect("it is valid").acquire(&CRITICAL).await.expect("there is a cell");
    let _in_flight = admission.acquire(&free).await.expect("there is room");
    let mut over = spawn(admission.acquire(&CRITICAL));
    assert_pending!(over.poll());
    assert_eq!(events.take(), [], "it waits for the answer");
    for _there_and_back in 0..2 {
        advance(MS).await;
        assert_pending!(over.poll());
    }
    assert_eq!(events.take(), [downgraded(Priority::Critical, BULK)]);
    let mut within = spawn(admission.acquire(&free));
    assert_pending!(within.poll());
    let rejection = assert_ready!(over.poll()).expect_err("there is no room for both");
    assert_eq!(rejection.reason(), Reason::Evicted);
    assert_eq!(events.take(), [refused(Reason::Evicted)]);
}

#[tokio::test(start_paused = true)]
async fn only_a_quota_that_is_used_up_downgrades() {
    let buckets = Buckets::new();
    buckets.set(Mood::Fails);
    let lost = |outage| {
        let fleet = Fleet::new("quotas", buckets.clone()).on_outage(outage);
        once_a_day().shared(&fleet).gate().expect("it is valid")
    };
    let refusal = lost(Outage::Refuse).acquire(&CRITICAL).await.expect_err("so it was told");
    assert_eq!(refusal.reason(), Reason::Fleet);
    let own = lost(Outage::Local);
    let first = own.acquire(&CRITICAL).await.expect("there is its own cell");
    let second = own.acquire(&CRITICAL).await.expect("it falls");
    assert_eq!([first.downgraded(), second.downgraded()], [None, Some(BULK)]);
    let keyed = once_a_day().per_key().unkeyed(Unkeyed::Refuse).gate().expect("it is valid");
    let refusal = keyed.acquire(&CRITICAL).await.expect_err("it is nobody's");
    assert_eq!(refusal.reason(), Reason::Unkeyed);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_spends_nothing_does_not_fall() {
    let gate = once_a_day().gate().expect("it is valid");
    drop(gate.acquire(&CRITICAL).await);
    for (class, priority) in
        [(CRITICAL.cells(0), None), (Class::exempt(), None), (CRITICAL, Some(BULK))]
    {
        let permit = gate.acquire(&class).await.expect("it passes");
        assert_eq!(permit.downgraded(), priority);
    }
}

#[tokio::test(start_paused = true)]
async fn in_report_only_mode_nobody_falls_and_it_is_told() {
    let (admission, events) = admission(once_a_day().report_only(), 1, 1);
    let _in_flight = admission.acquire(&CRITICAL).await.expect("there is room");
    let mut over = spawn(admission.acquire(&CRITICAL));
    assert_pending!(over.poll());
    let refusal = admission.acquire(&free()).await.expect_err("the other is critical");
    assert_eq!(refusal.reason(), Reason::QueueFull);
    let (from, to) = (Priority::Critical, BULK);
    let would = Event::WouldDowngrade { from, to, route: None, quota: Some("day".into()) };
    assert_eq!(events.take()[0], would);
    let told = admission.snapshot();
    let rate = told.rate.expect("there is a quota");
    assert_eq!((rate.downgraded, rate.would_downgrade, rate.would_refuse), (0, 1, 0));
    assert!(told.to_string().ends_with("\nquotas would have downgraded 1 more"));
}

#[tokio::test(start_paused = true)]
async fn who_is_served_over_its_quota_is_told_so_where_all_are_told() {
    let all = Some("\"day\";r=0;t=86400");
    for (rate, told) in [(once_a_day().tell_all(), all), (once_a_day(), None)] {
        let (admission, _) = admission(rate, 9, 9);
        let (service, mut inside) = behind(&admission.layer());
        for _ in 0..2 {
            let mut flight = launch(&service, get("/"));
            inside.take().send_response(page(StatusCode::OK));
            let response = assert_ready!(flight.poll()).expect("it is answered");
            assert_eq!(response.status(), StatusCode::OK);
            let field = response.headers().get("ratelimit");
            assert_eq!(field.map(|field| field.to_str().expect("it is text")), told);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_with_nothing_behind_it_that_could_refuse_does_not_downgrade() {
    let error = once_a_day().layer().expect_err("all would pass").to_string();
    let text = "`downgrade_to` is bulk, but must be left to an `Admission`, since nothing behind \
                this layer could refuse";
    assert_eq!(error, text);
    let refuses = RateLimit::new(Quota::per_day(1)).layer().expect("it is valid");
    let error = refuses.gate().reload(once_a_day()).expect_err("no more than at first");
    assert!(error.to_string().starts_with("`downgrade_to` is true, but must be as it was"));
    let gate = once_a_day().gate().expect("it is valid");
    let to = Priority::Sheddable;
    gate.reload(RateLimit::new(Quota::per_day(1)).downgrade_to(to)).expect("it still does");
    let permits = [gate.acquire(&CRITICAL).await, gate.acquire(&CRITICAL).await];
    let fell = permits.map(|permit| permit.expect("it passes").downgraded());
    assert_eq!(fell, [None, Some(to)]);
}
