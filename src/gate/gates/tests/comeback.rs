//! When those who were refused come back, and whether.

use super::*;
use crate::rejection::Rejection;

fn rejection(two: &Two, class: Class) -> Rejection {
    match two.enter(class) {
        Entry::Refused(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

/// The circuit of the first database is open, so the level is 1.
fn dark(two: &Two) {
    two.breaker(0).force_open();
    let mut meter = Meter::new(Slow::default(), clock::stamp());
    two.gates.hear(&meter.take(clock::stamp(), Duration::ZERO), 0);
}

#[tokio::test(start_paused = true)]
async fn at_level_1_the_less_important_are_not_to_come_back_and_the_others_later() {
    let two = two(&fixed(1).queue(0));
    let second = NORMAL.needs(two.numbers[1]);
    let _full = two.place(1);
    for _ in 0..20 {
        let wait = rejection(&two, second).retry_after();
        assert!((SECOND..3 * SECOND).contains(&wait), "{wait:?}");
    }
    assert!(!rejection(&two, Class { priority: Priority::Bulk, ..second }).is_final());
    two.gates.force_level(1.0).expect("it is in range");
    for priority in Priority::ALL {
        let refused = rejection(&two, Class { priority, ..second });
        let is_final = priority <= Priority::Sheddable;
        assert_eq!(refused.is_final(), is_final, "{priority}");
        let wait = refused.retry_after() / if is_final { 10 } else { 1 };
        assert!((3 * SECOND..9 * SECOND).contains(&wait), "{priority}: {wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_need_the_database_that_is_down_may_come_back_soon() {
    let two = two(&fixed(1).queue(0));
    let _full = two.place(1);
    dark(&two);
    let bulk = Class::new(Priority::Bulk).needs(two.numbers[1]);
    for _ in 0..20 {
        let refused = rejection(&two, bulk);
        assert_eq!((refused.reason(), refused.is_final()), (Reason::QueueFull, false));
        let wait = refused.retry_after();
        assert!((SECOND..3 * SECOND).contains(&wait), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_knows_for_how_long_it_is_shut() {
    let two = two(&fixed(1));
    dark(&two);
    for _ in 0..20 {
        let refused = rejection(&two, NORMAL);
        assert_eq!(refused.reason(), Reason::CircuitOpen);
        assert!((SECOND..2 * SECOND).contains(&refused.retry_after()) && !refused.is_final());
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_exact_and_never_final() {
    let two = with_rate(&fixed(1), Some(one_each()));
    drop(two.admitted(NORMAL));
    dark(&two);
    let bulk = Class { priority: Priority::Bulk, ..NORMAL };
    let refused = rejection(&two, bulk.retry(true));
    assert_eq!((refused.retry_after(), refused.is_final()), (SECOND, false));
}

#[tokio::test(start_paused = true)]
async fn the_share_of_retries_is_of_what_came_lately() {
    let two = two(&fixed(1).queue(0));
    let _full = [two.place(0), two.place(1)];
    let retry = NORMAL.retry(true);
    let retries = |number| (0..number).fold(None, |_, _| Some(rejection(&two, retry).is_final()));
    (0..20).for_each(|_| drop(rejection(&two, NORMAL)));
    assert_eq!((retries(5), retries(1)), (Some(false), Some(true)));
    advance(60 * SECOND).await;
    assert_eq!(retries(1), Some(false), "a few say nothing");
    (0..100).for_each(|_| drop(rejection(&two, NORMAL)));
    assert_eq!((retries(20), retries(10)), (Some(false), Some(true)));
    assert!(!rejection(&two, NORMAL).is_final());
    assert_eq!(two.gates.snapshot().retries, 37);
}

#[tokio::test(start_paused = true)]
async fn who_is_too_late_is_not_to_come_back_and_who_could_have_waited_may() {
    let two = two(&fixed(1));
    let _full = two.place(0);
    assert!(rejection(&two, NORMAL.deadline(clock::now())).is_final());
    let mut wait = two.waiting(NORMAL.deadline(clock::now() + 300 * MS));
    advance(101 * MS).await;
    let refused = assert_ready!(wait.poll()).expect_err("a third of its time is over");
    assert_eq!((refused.reason(), refused.is_final()), (Reason::Deadline, false));
}
