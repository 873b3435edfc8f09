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
