use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn held(units: u32, now: Instant) -> Lease {
    let mut lease = Lease::default();
    lease.hold(units, u32::MAX, now);
    lease
}

#[test]
fn the_first_question_is_for_what_is_needed_and_a_hot_key_doubles_up_to_the_most() {
    let (t0, mut lease) = (Instant::now(), Lease::default());
    let more: Vec<_> = (0..6)
        .map(|question| {
            let more = lease.ask(1, 10, 0, t0 + question * 10 * MS);
            lease.arrived(more);
            more
        })
        .collect();
    assert_eq!(more, [0, 1, 3, 7, 9, 9]);
}

#[test]
fn a_steady_key_asks_as_before_and_an_idle_one_starts_anew() {
    let (t0, mut lease) = (Instant::now(), Lease::default());
    for (at, more) in [(0, 0), (499, 1), (999, 1), (1_498, 3), (2_498, 0), (2_900, 1)] {
        let asked = lease.ask(1, 10, 0, t0 + at * MS);
        lease.arrived(asked);
        assert_eq!(asked, more, "after {at} ms");
    }
}

#[test]
fn no_more_is_asked_for_than_the_most_with_what_is_there_and_free() {
    let t0 = Instant::now();
    let mut lease = held(4, t0);
    (lease.size, lease.asked) = (10, Some(t0));
    assert_eq!(lease.ask(5, 10, 0, t0), 5);
    assert_eq!(lease.ask(5, 10, 0, t0), 1, "nine are there or on their way");
    assert_eq!(lease.ask(5, 10, 0, t0), 0);
    assert_eq!(lease.ask(5, 10, 3, t0), 3, "somebody waits for three of them");
    assert_eq!(lease.ask(20, 10, 13, t0), 0, "a price above the most is all that is wanted");
}

#[test]
fn who_comes_later_may_wait_for_what_is_on_its_way_and_free() {
    let (t0, mut lease) = (Instant::now(), Lease::default());
    assert!(!lease.brings(1, 0));
    lease.ask(1, 10, 0, t0);
    assert_eq!(lease.ask(1, 10, 0, t0), 1);
    assert!(lease.brings(1, 0) && !lease.brings(1, 1) && !lease.brings(2, 0));
    lease.arrived(1);
    assert!(!lease.brings(1, 0));
}

#[test]
fn a_bucket_that_was_drained_is_left_alone_until_a_lease_has_come_back() {
    let t0 = Instant::now();
    let mut lease = Lease { size: 8, ..Lease::default() };
    lease.rest(5 * MS, 10, t0);
    assert_eq!(lease.rest_left(t0 + 30 * MS), Some(10 * MS));
    assert_eq!(lease.rest_left(t0 + 40 * MS), None);
    lease.rest(3_600_000 * MS, 10, t0);
    assert_eq!(lease.rest_left(t0), Some(REST), "a slow one does not keep anybody waiting");
    lease.rest(5 * MS, 0, t0);
    assert_eq!(lease.rest_left(t0), None, "who is strict asks when there is one");
}

#[test]
fn units_that_are_not_spent_in_their_life_are_lost() {
    let t0 = Instant::now();
    let mut lease = held(3, t0);
    assert!(lease.spend(1, t0 + LIFE - MS));
    assert!(!lease.spend(1, t0 + LIFE));
    lease.hold(1, 10, t0 + LIFE);
    assert_eq!(lease.units(t0 + LIFE), 1, "the stale ones do not come back");
}

#[test]
fn nothing_that_comes_does_not_make_the_others_last() {
    let (t0, mut lease) = (Instant::now(), held(3, Instant::now()));
    lease.hold(0, 10, t0 + LIFE - MS);
    assert_eq!(lease.units(t0 + LIFE + MS), 0);
}

#[test]
fn what_is_known_refuses_until_there_is_enough_for_the_price() {
    let t0 = Instant::now();
    let debts = Debts::told(t0, vec![100 * MS, 400 * MS]);
    let rates = [(100 * MS, 3), (200 * MS, 3)];
    let lack = |price, at| debts.lack(rates.into_iter(), price, t0 + at * MS);
    assert_eq!(lack(1, 0), None);
    assert_eq!(lack(2, 0), Some((1, 200 * MS)));
    assert_eq!(lack(2, 199), Some((1, MS)));
    assert_eq!(lack(2, 200), None);
    assert_eq!(lack(3, 0), Some((1, 400 * MS)), "both lack them, and this one for longer");
    assert_eq!(lack(99, 0), Some((1, 400 * MS)), "that is a burst");
    assert_eq!(Debts::default().lack(rates.into_iter(), 3, t0), None);
}

#[test]
fn what_was_told_of_another_rate_holds_for_no_longer_than_a_burst() {
    let t0 = Instant::now();
    let mut debts = Debts::told(t0, vec![Duration::MAX, 2 * MS]);
    let rates = || [(MS, 5), (MS, 2)].into_iter();
    assert_eq!(debts.of(0, (MS, 5), t0), 5 * MS);
    assert_eq!(debts.lack(rates(), 1, t0), Some((1, MS)), "nothing is known of the other");
    assert_eq!(debts.lack(rates(), 1, t0 + MS), None);
    debts.forgive(rates(), t0 + MS);
    assert_eq!(debts.lack(rates(), 1, t0 + MS), Some((0, MS)));
    assert_eq!(debts.lack(rates(), 1, t0 + 2 * MS), None, "and for no longer than was told");
}

/// What happens to a lease.
#[derive(Clone, Copy, Debug)]
enum Step {
    Pause(u32),
    /// A request of this price, answered after the next so many steps.
    Request(u32),
    /// The oldest question is answered with so much of what was asked for beyond the least,
    /// in hundredths, or not at all.
    Answer(Option<u32>),
    HandBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..1_500_u32).prop_map(Step::Pause),
        6 => (1..4_u32).prop_map(Step::Request),
        4 => prop::option::weighted(0.8, 0..=100_u32).prop_map(Step::Answer),
        1 => Just(Step::HandBack),
    ]
}

proptest! {
    #[test]
    fn never_more_is_handed_out_than_was_given_and_no_more_is_kept_than_the_most(
        most in 1..30_u32,
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let (mut now, mut lease) = (Instant::now(), Lease::default());
        let (mut given, mut spent) = (0_u64, 0_u64);
        let mut out = std::collections::VecDeque::new();
        for step in steps {
            match step {
                Step::Pause(ms) => now += ms * MS,
                Step::Request(price) if lease.spend(price, now) => spent += u64::from(price),
                Step::Request(price) => {
                    let more = lease.ask(price, most, 0, now);
                    prop_assert!(price + more <= most.max(price));
                    out.push_back((price, more));
                }
                Step::Answer(answer) => {
                    let Some((price, more)) = out.pop_front() else { continue };
                    lease.arrived(more);
                    let Some(share) = answer else { continue };
                    let extra = more * share / 100;
                    given += u64::from(price + extra);
                    spent += u64::from(price);
                    lease.hold(extra, most, now);
                }
                Step::HandBack if spent > 0 => {
                    spent -= 1;
                    lease.hold(1, most, now);
                }
                Step::HandBack => {}
            }
            prop_assert!(lease.units(now) <= most);
            prop_assert!(spent + u64::from(lease.units(now)) <= given, "{spent} of {given}");
        }
        out.drain(..).for_each(|(_, more)| lease.arrived(more));
        prop_assert!(!lease.brings(1, 0), "nothing is on its way");
    }

    #[test]
    fn the_wait_that_is_known_is_neither_early_nor_late(
        interval in 1..10_000_000_u64,
        burst in 1..100_u32,
        debt in 0..100_000_u64,
        price in 1..120_u32,
    ) {
        let (t0, interval) = (Instant::now(), Duration::from_nanos(interval));
        // In thousandths of an interval, up to a burst.
        let debt = interval.saturating_mul(burst).min(interval.mul_f64(debt as f64 / 1_000.0));
        let debts = Debts::told(t0, vec![debt]);
        let lack = |now| debts.lack([(interval, burst)].into_iter(), price, now);
        let room = interval * (burst - price.min(burst));
        match lack(t0) {
            None => prop_assert!(debt <= room),
            Some((_, wait)) => {
                prop_assert_eq!(debt - room, wait);
                let last = Duration::from_nanos(1);
                prop_assert_eq!(lack(t0 + (wait - last)), Some((0, last)));
                prop_assert_eq!(lack(t0 + wait), None);
            }
        }
    }
}

#[test]
fn what_is_counted_in_other_units_is_lost_once() {
    let now = Instant::now();
    let mut lease = Lease::default();
    assert!(lease.count_in(1), "as nothing was before");
    lease.hold(5, 9, now);
    assert!(!lease.count_in(1));
    assert_eq!(lease.units(now), 5);
    assert!(lease.count_in(100));
    assert_eq!(lease.units(now), 0);
    assert!(!lease.count_in(100));
}
