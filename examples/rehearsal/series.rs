//! A rehearsal as lines over time: what the plots draw.

use std::time::Duration;

use crate::answer::{Exchange, Kind};
use crate::page::drawing::Line;
use crate::plan::Plan;
use crate::tally::{Figures, Seen};

/// How a line's points are counted.
pub(crate) type Lines = fn(&Plan, &Seen) -> Vec<Line>;

/// What came and how it ended, per second, at the moment at which it came.
pub(crate) fn answers(_: &Plan, seen: &Seen) -> Vec<Line> {
    let all: Vec<_> = seen.exchanges.iter().collect();
    let width = width(seen);
    let rate = |is_one: &dyn Fn(Kind) -> bool| {
        per_bucket(seen, &all, |figures| {
            let count = Kind::ALL.into_iter().filter(|kind| is_one(*kind));
            let count: usize = count.map(|kind| figures.count(kind)).sum();
            Some(count as f64 / width)
        })
    };
    let line = |name: &str, points| Line { name: name.to_owned(), points };
    let mut lines: Vec<_> =
        Kind::ALL.map(|kind| line(kind.name(), rate(&|own| own == kind))).into();
    // Last, since it is drawn over the others, which it only touches at the top.
    lines.push(line("offered", rate(&|_| true)));
    lines
}

/// Quantiles of the latency, in milliseconds.
pub(crate) fn latencies(_: &Plan, seen: &Seen) -> Vec<Line> {
    let all: Vec<_> = seen.exchanges.iter().collect();
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)]
        .map(|(name, quantile)| Line {
            name: name.to_owned(),
            points: per_bucket(seen, &all, |figures| milliseconds(figures.latency(quantile))),
        })
        .into()
}

/// Per cent of the requests that came at a moment and got what they asked for, afresh or not.
pub(crate) fn success(plan: &Plan, seen: &Seen) -> Vec<Line> {
    by_request(plan, seen, |figures| figures.share(Kind::is_useful))
}

/// Per cent of the requests that came at a moment and were answered afresh.
pub(crate) fn fresh(plan: &Plan, seen: &Seen) -> Vec<Line> {
    by_request(plan, seen, |figures| figures.share(|kind| kind == Kind::Fresh))
}

/// The median of each request's latency, in milliseconds.
pub(crate) fn medians(plan: &Plan, seen: &Seen) -> Vec<Line> {
    by_request(plan, seen, |figures| milliseconds(figures.latency(0.5)))
}

/// How late the generator itself was, in milliseconds.
pub(crate) fn lag(_: &Plan, seen: &Seen) -> Vec<Line> {
    let all: Vec<_> = seen.exchanges.iter().collect();
    let points = per_bucket(seen, &all, |figures| milliseconds(figures.lag(0.99)));
    vec![Line { name: "p99".to_owned(), points }]
}

fn milliseconds(time: Option<Duration>) -> Option<f64> {
    time.map(|time| time.as_secs_f64() * 1e3)
}

fn by_request(plan: &Plan, seen: &Seen, value: impl Fn(&Figures) -> Option<f64>) -> Vec<Line> {
    let requests = plan.requests.iter().enumerate();
    requests
        .map(|(number, request)| {
            let own = seen.exchanges.iter().filter(|exchange| exchange.request == number);
            let points = per_bucket(seen, &own.collect::<Vec<_>>(), &value);
            Line { name: request.name.clone(), points }
        })
        .collect()
}

/// One point for each stretch of time that has a value.
fn per_bucket(
    seen: &Seen,
    exchanges: &[&Exchange],
    value: impl Fn(&Figures) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let width = width(seen);
    let count = (seen.end().as_secs_f64() / width).ceil() as usize;
    let mut buckets = vec![Vec::new(); count];
    for exchange in exchanges {
        let bucket = (exchange.due.as_secs_f64() / width) as usize;
        if let Some(bucket) = buckets.get_mut(bucket) {
            bucket.push(*exchange);
        }
    }
    let figures = buckets.into_iter().map(|own| Figures::of(own.into_iter())).enumerate();
    let middle = |n| (n as f64 + 0.5) * width;
    figures.filter_map(|(n, figures)| Some((middle(n), value(&figures)?))).collect()
}

/// The width of a point in time, in seconds: enough of them to see something, and not more
/// than can be seen.
fn width(seen: &Seen) -> f64 {
    (seen.end().as_secs_f64() / POINTS).max(FINEST)
}

const POINTS: f64 = 120.0;
const FINEST: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::exchange;
    use crate::schedule::Stretch;

    #[test]
    fn rates_are_of_the_moment_at_which_requests_come() {
        let plan = Plan::parse(include_str!("short.toml")).unwrap();
        let second = Duration::from_secs(1);
        let stretch = Stretch::steady("all".to_owned(), Duration::ZERO, 2 * second, 8.0);
        let kind = |at| if at < 1_000 { Kind::Fresh } else { Kind::Refused };
        let exchanges = (0..2_000).step_by(125).map(|at| exchange(0, at, 900, kind(at))).collect();
        let seen = Seen::new(vec![stretch], exchanges, None);
        let lines = answers(&plan, &seen);
        let values = |name: &str| -> Vec<f64> {
            let line = lines.iter().find(|line| line.name == name).unwrap();
            line.points.iter().map(|(_, value)| *value).collect()
        };
        assert_eq!(values("offered"), [8.0; 4]);
        assert_eq!(values("fresh"), [8.0, 8.0, 0.0, 0.0]);
        assert_eq!(values("refused"), [0.0, 0.0, 8.0, 8.0]);
        let medians = medians(&plan, &seen);
        assert_eq!(medians[0].points.len(), 2, "who is refused does not wait");
        assert_eq!(medians[1].points, [], "nobody asked for it");
    }
}
