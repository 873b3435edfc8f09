use super::*;
use crate::control::limit::Usage;

/// A window of 300 ms in which somebody waited.
fn view(stretch: f64, in_flight: f64, rate: f64) -> View {
    let usage = Usage { peak: in_flight as usize, waited: 9, refused: 9, admitted: None };
    View {
        span: 0.3,
        in_flight,
        finished: 300.0,
        failed: 0.0,
        usage,
        count: 300,
        latency: 0.010 * stretch,
        stretch,
        error: 0.05,
        rate,
    }
}

/// Calm at a stretch of 1.2, and then one of 10 with 40 in flight.
fn after_a_cut() -> (Turn, Instant) {
    let (mut turn, t0) = (Turn::default(), Instant::now());
    assert_eq!(turn.decide(t0, 40.0, &view(1.2, 40.0, 10.0)), Verdict::Usual);
    assert_eq!(turn.decide(t0, 40.0, &view(10.0, 40.0, 7.0)), Verdict::Cut(20.0));
    (turn, t0)
}

#[test]
fn what_rises_slowly_is_usual() {
    let (mut turn, t0) = (Turn::default(), Instant::now());
    for step in 0..100 {
        let stretch = 1.04_f64.powi(step);
        assert_eq!(turn.decide(t0, 40.0, &view(stretch, 40.0, 7.0)), Verdict::Usual);
    }
}

#[test]
fn nothing_is_cut_while_nobody_waits() {
    let calm = View { usage: Usage::default(), ..view(10.0, 2.0, 7.0) };
    assert_eq!(Turn::default().decide(Instant::now(), 40.0, &calm), Verdict::Usual);
    // One client that leaves is half of two queries.
    let fails = View { failed: 0.5, ..calm };
    assert_eq!(Turn::default().decide(Instant::now(), 40.0, &fails), Verdict::Usual);
}

#[test]
fn a_cut_holds_for_one_latency() {
    let (turn, t0) = after_a_cut();
    // 40 in flight for 300 ms, of which 300 came back.
    assert!(turn.holds(t0 + Duration::from_millis(39)));
    assert!(!turn.holds(t0 + Duration::from_millis(41)));
}

#[test]
fn a_cut_that_cost_no_work_is_followed_by_another() {
    let (mut turn, t0) = after_a_cut();
    assert_eq!(turn.decide(t0, 20.0, &view(5.0, 20.0, 7.5)), Verdict::Cut(10.0));
}

#[test]
fn a_cut_that_cost_as_much_work_is_undone() {
    let (mut turn, t0) = after_a_cut();
    let undone = turn.decide(t0, 20.0, &view(9.5, 20.0, 3.6));
    assert_eq!(undone, Verdict::Undo { limit: 40.0, stretch: 10.0 });
    // And 10 is the usual from now on.
    assert_eq!(turn.decide(t0, 40.0, &view(10.0, 40.0, 7.0)), Verdict::Usual);
}

#[test]
fn a_cut_that_was_enough_is_the_last() {
    let (mut turn, t0) = after_a_cut();
    assert_eq!(turn.decide(t0, 20.0, &view(2.5, 20.0, 7.2)), Verdict::Enough(None));
    let (mut turn, t0) = after_a_cut();
    // Work begins to follow: further down the latency would not.
    assert_eq!(turn.decide(t0, 20.0, &view(6.0, 20.0, 5.8)), Verdict::Enough(Some(6.0)));
}

#[test]
fn whoever_sees_little_cuts_deeper_and_judges_later() {
    let (mut turn, t0) = (Turn::default(), Instant::now());
    let little = View { error: 0.3, ..view(10.0, 40.0, 7.0) };
    assert!(!turn.knows_enough(40.0, &little));
    let long = View { span: 1.0, ..little };
    assert!(turn.knows_enough(40.0, &long));
    assert_eq!(turn.decide(t0, 40.0, &long), Verdict::Cut(12.0));
    assert!(!turn.knows_enough(12.0, &long));
    assert!(turn.knows_enough(12.0, &View { span: 2.0, ..long }));
}

#[test]
fn silence_is_a_stall_once_queries_should_have_come_back() {
    let (mut turn, t0) = (Turn::default(), Instant::now());
    let _ = turn.decide(t0, 40.0, &view(1.2, 40.0, 10.0));
    let silent = View { finished: 0.0, count: 0, stretch: 1.0, rate: 0.0, ..view(1.0, 2.0, 0.0) };
    assert_eq!(turn.decide(t0, 40.0, &silent), Verdict::Usual, "0.6 s of queries are few");
    let stalled = View { in_flight: 8.0, ..silent };
    assert_eq!(turn.decide(t0, 40.0, &stalled), Verdict::Stalled);
    assert_eq!(turn.decide(t0, 2.0, &view(50.0, 2.0, 1.0)), Verdict::Revived);
    assert_eq!(turn.decide(t0, 2.0, &view(1.2, 2.0, 1.0)), Verdict::Usual);
}

#[test]
fn failures_cut_unless_there_are_always_so_many() {
    let (mut turn, t0) = (Turn::default(), Instant::now());
    let failing = View { failed: 0.2, ..view(1.2, 10.0, 7.0) };
    assert_eq!(turn.decide(t0, 10.0, &failing), Verdict::Cut(7.0));
    let mut turn = Turn { usual_failed: 0.2, ..Turn::default() };
    assert_eq!(turn.decide(t0, 10.0, &failing), Verdict::Usual);
}

#[test]
fn a_cut_is_looked_at_until_it_is_judged_and_no_longer_held_once_its_latency_is_over() {
    assert!(!Turn::default().is_on());
    let (mut turn, t0) = after_a_cut();
    assert!(turn.is_on() && !turn.holds(t0 + Duration::from_millis(40)));
    let _ = turn.decide(t0, 20.0, &view(2.5, 20.0, 7.2));
    assert!(!turn.is_on());
}

#[test]
fn only_what_is_sudden_or_looked_at_has_to_be_known_well() {
    let unsure = |stretch, error| View { error, ..view(stretch, 40.0, 7.0) };
    let calm = Turn::default();
    assert!(calm.knows_enough(40.0, &unsure(1.2, 0.3)));
    assert!(calm.knows_enough(40.0, &unsure(10.0, 0.12)));
    assert!(!calm.knows_enough(40.0, &unsure(10.0, 0.13)));
    let (cut, _) = after_a_cut();
    assert!(cut.knows_enough(40.0, &unsure(1.2, 0.09)));
    assert!(!cut.knows_enough(40.0, &unsure(1.2, 0.1)));
}

#[test]
fn where_queries_take_long_silence_has_to_last_longer() {
    let (mut turn, t0) = (Turn::default(), Instant::now());
    for _ in 0..50 {
        let _ = turn.decide(t0, 40.0, &View { latency: 0.5, ..view(1.0, 40.0, 10.0) });
    }
    // What says nothing of the latency does not change what is usual.
    for _ in 0..20 {
        let _ = turn.decide(t0, 40.0, &View { latency: 0.0, count: 0, ..view(1.0, 40.0, 10.0) });
    }
    let silent = View { finished: 0.0, count: 0, latency: 0.0, ..view(1.0, 8.0, 0.0) };
    assert_eq!(turn.decide(t0, 40.0, &silent), Verdict::Usual, "2.4 s of queries");
    let more = View { in_flight: 20.0, ..silent };
    assert_eq!(turn.decide(t0, 40.0, &more), Verdict::Stalled, "6 s of queries");
    let exactly = View { in_flight: 2.0, span: 0.5, ..silent };
    assert_eq!(Turn::default().decide(t0, 40.0, &exactly), Verdict::Usual);
}

#[test]
fn a_turn_is_beyond_thrice_the_usual_and_all_doubt() {
    let decide = |usual_stretch, stretch, error| {
        let mut turn = Turn { usual_stretch, ..Turn::default() };
        turn.decide(Instant::now(), 40.0, &View { error, ..view(stretch, 40.0, 7.0) })
    };
    assert_eq!(decide(1.0, 3.0, 0.0), Verdict::Usual);
    assert_eq!(decide(1.0, 3.5, 0.2), Verdict::Usual);
    assert_eq!(decide(1.0, 4.3, 0.2), Verdict::Cut(20.0));
    assert_eq!(decide(2.0, 5.5, 0.0), Verdict::Usual);
}

#[test]
fn the_usual_share_of_failures_is_learned() {
    let (mut turn, t0) = (Turn::default(), Instant::now());
    let failing = |failed| View { failed, ..view(1.2, 10.0, 7.0) };
    assert_eq!(turn.clone().decide(t0, 10.0, &failing(0.1)), Verdict::Usual);
    for _ in 0..200 {
        assert_eq!(turn.decide(t0, 10.0, &failing(0.09)), Verdict::Usual);
    }
    assert_eq!(turn.clone().decide(t0, 10.0, &failing(0.25)), Verdict::Usual);
    assert_eq!(turn.decide(t0, 10.0, &failing(0.28)), Verdict::Cut(7.0));
}

#[test]
fn a_cut_is_judged_by_what_is_beyond_doubt() {
    let judged = |view: View| {
        let (mut turn, t0) = after_a_cut();
        turn.decide(t0, 20.0, &view)
    };
    // e is 0.47 ± 0.2: it may be 0.3.
    assert_eq!(judged(view(6.0, 20.0, 5.05)), Verdict::Enough(Some(6.0)));
    // e is 0.4 ± 0.6, which says nothing.
    let unsure = View { error: 0.205, ..view(6.0, 20.0, 5.3) };
    assert_eq!(judged(unsure), Verdict::Enough(None));
    assert_eq!(judged(view(3.2, 20.0, 6.7)), Verdict::Cut(12.5));
}
