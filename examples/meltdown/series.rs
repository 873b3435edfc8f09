//! A run as lines over time: what the plots draw.

use std::collections::BTreeSet;
use std::time::Duration;

use brownout::Circuit;

use crate::mix::Route;
use crate::page::drawing::Line;
use crate::protection::Guard;
use crate::record::{Exchange, Fate, Record};
use crate::watching::figures::{per_cent, quantile_of};

/// Width of a point in time.
const BUCKET: f64 = 0.5;

/// Requests per second that arrive, by route.
pub(crate) fn offered(record: &Record) -> Vec<Line> {
    by_route(record, |exchanges| rate(record, exchanges.iter().map(|exchange| exchange.arrived)))
}

/// Requests per second that got a useful answer, by route.
pub(crate) fn answered(record: &Record) -> Vec<Line> {
    by_route(record, |exchanges| {
        let good = exchanges.iter().filter(|exchange| exchange.succeeded());
        rate(record, good.map(|exchange| exchange.ended))
    })
}

/// What becomes of the requests arriving at a time, in per cent of them.
pub(crate) fn fates(record: &Record) -> Vec<Line> {
    let all: Vec<&Exchange> = record.exchanges.iter().collect();
    let share = |seen: &[&Exchange], fate| {
        (!seen.is_empty()).then(|| per_cent(seen.iter().map(|exchange| exchange.fate() == fate)))
    };
    Fate::ALL
        .map(|fate| Line {
            name: fate.name().to_owned(),
            points: buckets(record, &all, |seen| share(seen, fate)),
        })
        .into()
}

/// Per cent of the product pages with the part that they can do without.
pub(crate) fn whole(record: &Record) -> Vec<Line> {
    let pages: Vec<_> = record.exchanges.iter().filter(|exchange| exchange.is_page()).collect();
    let points = buckets(record, &pages, |seen| {
        (!seen.is_empty()).then(|| per_cent(seen.iter().map(|page| page.whole)))
    });
    vec![Line { name: "whole pages".to_owned(), points }]
}

/// Per cent of the requests arriving at a time that get a useful answer, by route.
pub(crate) fn success(record: &Record) -> Vec<Line> {
    by_route(record, |exchanges| {
        buckets(record, exchanges, |seen| {
            (!seen.is_empty()).then(|| per_cent(seen.iter().map(|exchange| exchange.succeeded())))
        })
    })
}

/// Median and 99th percentile of the useful answers to requests arriving at a
/// time, in milliseconds.
pub(crate) fn latency(record: &Record) -> Vec<Line> {
    let all: Vec<&Exchange> = record.exchanges.iter().collect();
    [("p50", 0.5), ("p99", 0.99)]
        .map(|(name, quantile)| Line {
            name: name.to_owned(),
            points: buckets(record, &all, |seen| {
                let good = seen.iter().filter(|exchange| exchange.succeeded());
                quantile_of(good.map(|exchange| exchange.latency()), quantile)
                    .map(|latency| latency.as_secs_f64() * 1e3)
            }),
        })
        .into()
}

/// Limit, in flight and waiting.
pub(crate) fn concurrency(record: &Record) -> Vec<Line> {
    vec![
        figure(record, "limit", |guard| guard.limit as f64),
        figure(record, "in flight", |guard| guard.in_flight as f64),
        figure(record, "waiting", |guard| guard.waiting as f64),
    ]
}

/// The breaker: 0 closed, 1 partial, 2 half-open, 3 open.
pub(crate) fn circuit(record: &Record) -> Vec<Line> {
    vec![figure(record, "circuit", |guard| match guard.circuit {
        Circuit::Closed => 0.0,
        Circuit::Partial => 1.0,
        Circuit::HalfOpen => 2.0,
        _ => 3.0,
    })]
}

/// Refusals per second, by reason.
pub(crate) fn refusals(record: &Record) -> Vec<Line> {
    let all = || record.figures.iter().flat_map(|(_, guard)| &guard.refused);
    let reasons: BTreeSet<&str> = all().map(|(reason, _)| reason.as_str()).collect();
    reasons
        .into_iter()
        .map(|reason| Line { name: reason.to_owned(), points: refusal_rate(record, reason) })
        .collect()
}

fn refusal_rate(record: &Record, reason: &str) -> Vec<(f64, f64)> {
    let count = |guard: &Guard| {
        let found = guard.refused.iter().find(|(known, _)| known == reason);
        found.map_or(0, |(_, count)| *count)
    };
    let coarse: Vec<_> = record.figures.iter().step_by(5).collect();
    coarse
        .windows(2)
        .map(|pair| {
            let seconds = (pair[1].0 - pair[0].0).as_secs_f64().max(f64::EPSILON);
            let more = count(&pair[1].1).saturating_sub(count(&pair[0].1));
            (pair[1].0.as_secs_f64(), more as f64 / seconds)
        })
        .collect()
}

fn figure(record: &Record, name: &str, value: impl Fn(&Guard) -> f64) -> Line {
    let points = record.figures.iter().map(|(at, guard)| (at.as_secs_f64(), value(guard)));
    Line { name: name.to_owned(), points: points.collect() }
}

fn by_route(record: &Record, points: impl Fn(&[&Exchange]) -> Vec<(f64, f64)>) -> Vec<Line> {
    Route::ALL
        .into_iter()
        .map(|route| {
            let asked = record.exchanges.iter().filter(|exchange| exchange.route == route);
            Line { name: route.name().to_owned(), points: points(&asked.collect::<Vec<_>>()) }
        })
        .collect()
}

fn rate(record: &Record, moments: impl Iterator<Item = Duration>) -> Vec<(f64, f64)> {
    let mut counts = vec![0_u32; bucket_count(record)];
    for moment in moments {
        // Answers after the end of the run belong to no bucket.
        if let Some(count) = counts.get_mut(bucket(moment)) {
            *count += 1;
        }
    }
    let rates = counts.into_iter().map(|count| f64::from(count) / BUCKET);
    rates.enumerate().map(|(n, rate)| (middle(n), rate)).collect()
}

/// One point per bucket of arrivals that has a value.
fn buckets(
    record: &Record,
    exchanges: &[&Exchange],
    value: impl Fn(&[&Exchange]) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let mut seen: Vec<Vec<&Exchange>> = vec![Vec::new(); bucket_count(record)];
    for exchange in exchanges {
        if let Some(bucket) = seen.get_mut(bucket(exchange.arrived)) {
            bucket.push(exchange);
        }
    }
    let values = seen.iter().enumerate();
    values.filter_map(|(n, seen)| Some((middle(n), value(seen)?))).collect()
}

fn bucket(at: Duration) -> usize {
    (at.as_secs_f64() / BUCKET) as usize
}

fn bucket_count(record: &Record) -> usize {
    (record.timeline.end().as_secs_f64() / BUCKET).ceil() as usize
}

fn middle(bucket: usize) -> f64 {
    (bucket as f64 + 0.5) * BUCKET
}
