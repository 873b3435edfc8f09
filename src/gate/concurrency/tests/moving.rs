//! Promises of a limit that moves, and of what is seen and set while it serves.

use super::*;

/// A limit that the test sets.
#[derive(Clone, Debug)]
struct Set(Arc<AtomicUsize>);

impl Limit for Set {
    fn limit(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64
    }

    fn update(&mut self, _signal: &Signal, _usage: &Usage) {}
}

pub(super) fn signal() -> Signal {
    Meter::new(Slow::default(), clock::stamp()).take(clock::stamp(), Duration::ZERO)
}

/// Notes what it is told was refused.
#[derive(Clone, Debug)]
struct Notes(Arc<AtomicUsize>);

impl Limit for Notes {
    fn limit(&self) -> f64 {
        9.0
    }

    fn update(&mut self, _signal: &Signal, usage: &Usage) {
        self.0.fetch_add(usage.refused as usize, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_too_late_says_nothing_of_the_limit() {
    let noted = Arc::new(AtomicUsize::new(0));
    let settings = ConcurrencyLimit::new().algorithm(Notes(noted.clone()));
    let gate = settings.gate().expect("it is valid");
    assert_eq!(refused(&gate, NORMAL.deadline(clock::now())), Reason::Deadline);
    let _ = gate.listener().on_signal(&signal());
    assert_eq!(noted.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn the_limit_may_fall_below_what_is_in_flight_and_rise_again() {
    let limit = Arc::new(AtomicUsize::new(3));
    let settings = ConcurrencyLimit::new().algorithm(Set(limit.clone()));
    let gate = settings.gate().expect("it is valid");
    let listener = gate.listener();
    let permits: Vec<_> = (0..3).map(|_| admitted(&gate, NORMAL)).collect();
    let mut wait = waiting(&gate, NORMAL);

    limit.store(1, Ordering::Relaxed);
    let _ = listener.on_signal(&signal());
    assert_eq!((gate.limit(), gate.in_flight()), (1, 3));
    let mut permits = permits.into_iter();
    drop((permits.next(), permits.next()));
    assert_pending!(wait.poll());
    assert_eq!(gate.in_flight(), 1);

    limit.store(2, Ordering::Relaxed);
    let _ = listener.on_signal(&signal());
    assert!(assert_ready!(wait.poll()).is_ok(), "a risen limit admits who waits");
}

#[tokio::test(start_paused = true)]
async fn bounds_hold_whatever_the_algorithm_says() {
    let limit = Arc::new(AtomicUsize::new(1_000_000));
    let settings = ConcurrencyLimit::new().algorithm(Set(limit.clone())).min(3).max(7);
    let gate = settings.gate().expect("it is valid");
    assert_eq!(gate.limit(), 7);
    limit.store(0, Ordering::Relaxed);
    let _ = gate.listener().on_signal(&signal());
    assert_eq!(gate.limit(), 3);
}

#[tokio::test(start_paused = true)]
async fn below_one_place_whoever_waits_gets_a_turn_and_the_important_first() {
    let gate = gate(0, 9);
    let (mut bulk, mut normal) = (waiting(&gate, BULK), waiting(&gate, NORMAL));
    advance(LONG).await;
    assert_eq!(assert_ready!(bulk.poll()).unwrap_err().reason(), Reason::QueueTimeout);
    let permit = assert_ready!(normal.poll()).expect("nothing is in flight");
    let mut next = waiting(&gate, NORMAL);
    advance(LONG).await;
    assert!(assert_ready!(next.poll()).is_err(), "one is in flight");
    drop(permit);
    let mut alone = waiting(&gate, BULK);
    advance(LONG).await;
    assert!(assert_ready!(alone.poll()).is_ok());
    assert_eq!((gate.in_flight(), gate.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_critical_request_at_a_time_is_let_in_whatever_the_limit() {
    let gate = gate(0, 9);
    let permit = admitted(&gate, CRITICAL);
    let mut next = waiting(&gate, CRITICAL);
    drop(permit);
    assert!(assert_ready!(next.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_gate_without_a_queue_always_has_one_place() {
    for settings in
        [ConcurrencyLimit::new().queue(0), ConcurrencyLimit::new().max_wait(Duration::ZERO)]
    {
        let gate = settings.algorithm(Fixed::new(0)).gate().expect("it is valid");
        let _permit = admitted(&gate, BULK);
        let _ = refused(&gate, CRITICAL);
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_keeps_no_gate_alive() {
    let gate = gate(1, 0);
    let listener = gate.listener();
    assert!(listener.on_signal(&signal()).is_continue());
    drop(gate);
    assert!(listener.on_signal(&signal()).is_break());
}

#[test]
fn contradicting_settings_are_found_when_built() {
    let error = |settings: ConcurrencyLimit| settings.gate().unwrap_err().to_string();
    assert_eq!(
        error(ConcurrencyLimit::new().min(9).max(3)),
        "`min` is 9, but must be at most `max`, which is 3"
    );
    assert_eq!(
        error(ConcurrencyLimit::new().headroom(1.5)),
        "`headroom` is 1.5, but must be from 0 to 1"
    );
    assert!(error(ConcurrencyLimit::new().max(0)).starts_with("`max` is 0"));
    assert!(error(ConcurrencyLimit::new().max_wait(61_000 * MS)).contains("from 0ns to 60s"));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_tells_the_exact_limit_and_what_the_algorithm_says() {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(2));
    let gate = settings.gate().expect("it is valid");
    let _permits = (admitted(&gate, NORMAL), admitted(&gate, NORMAL));
    let _wait = waiting(&gate, NORMAL);
    let snapshot = gate.snapshot();
    assert_eq!((snapshot.limit, snapshot.in_flight, snapshot.waiting), (2.0, 2, 1));
    assert_eq!(snapshot.insight, Insight::default());
    let knee = ConcurrencyLimit::new().gate().expect("it is valid");
    assert_eq!(knee.snapshot().insight.decision, "starts");
}

#[tokio::test(start_paused = true)]
async fn a_reload_loses_nobody_and_is_felt_at_once() {
    let gate = gate(1, 9);
    let permit = admitted(&gate, NORMAL);
    let (mut first, mut second) = (waiting(&gate, NORMAL), waiting(&gate, NORMAL));
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(2)).queue(0);
    gate.reload(settings).expect("it is valid");
    let other = assert_ready!(first.poll()).expect("a higher limit lets in who waits");
    assert_pending!(second.poll());
    assert_eq!(refused(&gate, NORMAL), Reason::QueueFull, "nobody new may wait");
    drop(permit);
    assert!(assert_ready!(second.poll()).is_ok(), "who waited goes on waiting");
    drop(other);
    assert_eq!((gate.in_flight(), gate.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_reload_without_an_algorithm_keeps_what_was_learned() {
    let limit = Arc::new(AtomicUsize::new(5));
    let settings = ConcurrencyLimit::new().algorithm(Set(limit.clone()));
    let gate = settings.gate().expect("it is valid");
    gate.reload(ConcurrencyLimit::new().max(3)).expect("it is valid");
    assert_eq!(gate.limit(), 3);
    gate.reload(ConcurrencyLimit::new()).expect("it is valid");
    assert_eq!(gate.limit(), 5, "the algorithm is the same");
    let error = gate.reload(ConcurrencyLimit::new().max(0)).unwrap_err();
    assert_eq!(error.setting(), "max");
    assert_eq!(gate.limit(), 5, "nothing has changed");
}

#[tokio::test(start_paused = true)]
async fn who_came_before_the_limit_was_enforced_hands_the_place_on() {
    let settings = || ConcurrencyLimit::new().algorithm(Fixed::new(1));
    let gate = settings().report_only().gate().expect("it is valid");
    let permit = admitted(&gate, NORMAL);
    gate.reload(settings()).expect("it is valid");
    let mut wait = waiting(&gate, NORMAL);
    drop(permit);
    assert!(assert_ready!(wait.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_may_wait_any_more_nobody_has_to_go_for_who_comes() {
    let gate = gate(1, 9);
    let permit = admitted(&gate, NORMAL);
    let mut wait = waiting(&gate, NORMAL);
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(1)).max_wait(Duration::ZERO);
    gate.reload(settings).expect("it is valid");
    assert_eq!(refused(&gate, CRITICAL), Reason::QueueFull);
    drop(permit);
    assert!(assert_ready!(wait.poll()).is_ok());
}
