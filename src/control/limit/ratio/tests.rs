use super::*;
use crate::control::limit::Usage;

/// A second in which `finished` of 1000 were let in.
fn view(stretch: f64, finished: f64) -> View {
    View {
        span: 1.0,
        in_flight: 10.0,
        finished,
        failed: 0.0,
        usage: Usage { peak: 10, waited: 1, refused: 1000 - finished as u64, admitted: None },
        count: finished as u64,
        latency: 0.010 * stretch,
        stretch,
        error: 0.2,
        rate: 7.0,
    }
}

#[test]
fn it_pulls_down_whoever_admits_more_than_the_stretch_stands_for() {
    let pull = |stretch, share| Ratio::default().pull(10.0, &view(stretch, share), 0.3);
    assert!(pull(3.7, 500.0) < 0.85);
    assert!((pull(3.7, 61.0) - 1.0).abs() < 0.01, "a sixteenth at twice the reference");
    assert!((pull(1.85, 999.0) - 1.0).abs() < 0.01);
}

#[test]
fn only_who_sees_much_is_pulled_up() {
    let short = View { error: 0.05, ..view(1.0, 200.0) };
    assert!(Ratio::default().pull(10.0, &short, 0.3) > 1.2);
    assert_eq!(Ratio::default().pull(10.0, &view(1.0, 200.0), 0.3), 1.0);
}

#[test]
fn it_has_no_say_once_the_climb_is_sure() {
    assert_eq!(Ratio::default().pull(10.0, &view(10.0, 900.0), 0.02), 1.0);
}

/// Pulls until the limit is as good as at the floor, or for a minute.
fn pulled(stretch: impl Fn(f64) -> f64) -> f64 {
    let (mut ratio, mut limit) = (Ratio::default(), 64.0);
    for _ in 0..60 {
        limit = (limit * ratio.pull(limit, &view(stretch(limit), 500.0), 0.3)).max(0.25);
    }
    limit
}

#[test]
fn a_stretch_that_does_not_follow_the_limit_is_not_believed_for_long() {
    let followed = pulled(|limit| (limit / 4.0).max(1.0));
    assert!((7.0..20.0).contains(&followed), "where the stretch is as it should: {followed}");
    // Believed, it would be at the floor after a third of the time.
    let not_followed = pulled(|_| 8.0);
    assert!(not_followed > 4.0, "{not_followed}");
}

#[test]
fn room_brings_the_trust_back_at_once() {
    let mut ratio = Ratio::default();
    ratio.accept(8.0);
    assert_eq!(ratio.pull(10.0, &view(7.0, 900.0), 0.3), 1.0);
    ratio.trust();
    assert!(ratio.pull(10.0, &view(7.0, 900.0), 0.3) < 0.82);
}
