//! The algorithms against their equations, written down once more straight from where they
//! come from: nothing is kept but the signals of a window and what the equations name.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Aimd, Fixed, Gradient2, Limit, Usage, Vegas};
use crate::{
    control::meter::{Meter, Slow},
    signal::{Signal, StatementSignal},
};

/// What one signal tells: the latency of its queries in µs, of how many statements.
#[derive(Clone, Copy, Debug)]
struct Told {
    millis: u64,
    micros: u64,
    counts: (u64, u64),
    overloads: u64,
    cancelled: u64,
    peak: usize,
}

fn told() -> impl Strategy<Value = Vec<Told>> {
    let span = prop_oneof![4 => Just(100_u64), 1 => 0..3_000_u64];
    let micros = prop_oneof![3 => 900..1_300_u64, 2 => 1..20_000_u64, 1 => Just(0_u64)];
    let counts = (0..9_u64, 0..9_u64);
    let rare = || prop_oneof![20 => Just(0_u64), 1 => 0..3_u64];
    let told = (span, micros, counts, rare(), rare(), 0..120_usize).prop_map(
        |(millis, micros, counts, overloads, cancelled, peak)| Told {
            millis,
            micros,
            counts,
            overloads,
            cancelled,
            peak,
        },
    );
    prop::collection::vec(told, 0..900)
}

impl Told {
    fn seconds(self) -> f64 {
        self.micros as f64 / 1e6
    }

    fn signal(self, at: Instant) -> (Signal, Usage) {
        let of = |statement, count| StatementSignal {
            statement,
            count,
            seconds: count as f64 * self.seconds(),
            squares: count as f64 * self.seconds().powi(2),
        };
        let statements = [of(0, self.counts.0), of(1, self.counts.1)];
        let statements = statements.into_iter().filter(|own| own.count > 0).collect();
        let signal = Signal {
            span: Duration::from_millis(self.millis),
            overloads: self.overloads,
            cancelled: self.cancelled,
            statements,
            ..Meter::new(Slow::default(), at.into()).take(at.into(), Duration::ZERO)
        };
        (signal, Usage { peak: self.peak, ..Usage::default() })
    }
}

/// A window of Netflix's `WindowedLimit`: its mean latency, most in flight, and whether
/// anything was dropped.
type Window = (f64, f64, bool);

/// A second and more than ten queries.
fn window(seen: &mut Vec<Told>, told: Told) -> Option<Window> {
    seen.push(told);
    let sum = |each: fn(&Told) -> u64| seen.iter().map(each).sum::<u64>();
    let dropped = sum(|told| told.overloads + told.cancelled);
    let count = sum(|told| told.counts.0 + told.counts.1);
    if sum(|told| told.millis) < 1_000 || count + dropped <= 10 {
        return None;
    }
    let seconds: f64 =
        seen.iter().map(|told| (told.counts.0 + told.counts.1) as f64 * told.seconds()).sum();
    let latency = if count == 0 { 0.0 } else { seconds / count as f64 };
    let peak = seen.iter().map(|told| told.peak).max().unwrap_or(0);
    seen.clear();
    Some((latency.max(1e-6), peak as f64, dropped > 0))
}

/// Holds an algorithm to its equation, from one window to the next.
fn holds(
    mut real: impl Limit,
    told: Vec<Told>,
    mut equation: impl FnMut(f64, Window) -> f64,
) -> Result<(), TestCaseError> {
    let (mut limit, mut seen) = (20.0, Vec::new());
    for told in told {
        let (signal, usage) = told.signal(Instant::now());
        real.update(&signal, &usage);
        if let Some(window) = window(&mut seen, told) {
            limit = equation(limit, window);
        }
        let off = (real.limit() - limit).abs();
        prop_assert!(off <= 1e-9 * limit, "{} and not {limit}", real.limit());
    }
    Ok(())
}

proptest! {
    /// Chiu and Jain (1989).
    #[test]
    fn aimd_is_its_equation(
        told in told(),
        timeout in 500..5_000_u64,
        backoff in 1..=100_u32,
    ) {
        let backoff = f64::from(backoff) / 100.0;
        let real = Aimd::default().timeout(Duration::from_micros(timeout))?.backoff(backoff)?;
        holds(real, told, |limit, (latency, in_flight, dropped)| {
            if dropped || latency > timeout as f64 / 1e6 {
                f64::max(limit * backoff, 1.0)
            } else if in_flight >= limit / 2.0 {
                limit + 1.0
            } else {
                limit
            }
        })?;
    }

    /// Brakmo and Peterson (1995), with α = 3 λ, β = 6 λ.
    #[test]
    fn vegas_is_its_equation(told in told()) {
        let (mut unloaded, mut windows) = (f64::INFINITY, 0);
        holds(Vegas::default(), told, |limit, (latency, in_flight, dropped)| {
            windows += 1;
            if f64::from(windows) >= 22.5 * limit {
                (windows, unloaded) = (0, latency);
                return limit;
            }
            if latency < unloaded {
                unloaded = latency;
                return limit;
            }
            let lambda = if limit < 100.0 { 1.0 } else if limit < 1000.0 { 2.0 } else { 3.0 };
            let queue = (limit * (1.0 - unloaded / latency)).ceil();
            let next = if dropped {
                limit - lambda
            } else if in_flight * 2.0 < limit {
                limit
            } else if queue <= lambda {
                limit + 6.0 * lambda
            } else if queue < 3.0 * lambda {
                limit + lambda
            } else if queue > 6.0 * lambda {
                limit - lambda
            } else {
                limit
            };
            next.clamp(1.0, 1000.0)
        })?;
    }

    #[test]
    fn a_fixed_limit_stays(told in told(), limit in 0..500_usize) {
        let mut real = Fixed::new(limit);
        for told in told {
            let (signal, usage) = told.signal(Instant::now());
            real.update(&signal, &usage);
            prop_assert_eq!(real.limit(), limit as f64);
        }
    }

    /// `Gradient2Limit` of Netflix's concurrency-limits.
    #[test]
    fn gradient2_is_its_equation(told in told()) {
        let (mut long, mut first) = (0.0, Vec::new());
        holds(Gradient2::default(), told, |limit, (short, in_flight, _)| {
            if first.len() < 10 {
                first.push(short);
                long = long * (first.len() - 1) as f64 / first.len() as f64
                    + short / first.len() as f64;
            } else {
                long = long * (1.0 - 2.0 / 601.0) + short * 2.0 / 601.0;
            }
            let average = long;
            if average / short > 2.0 {
                long *= 0.95;
            }
            if in_flight < limit / 2.0 {
                return limit;
            }
            let gradient = (1.5 * average / short).clamp(0.5, 1.0);
            (0.8 * limit + 0.2 * (limit * gradient + 4.0)).clamp(20.0, 200.0)
        })?;
    }
}

/// What is at its bound is not beyond it.
#[test]
fn a_bound_belongs_to_what_is_well() -> Result<(), TestCaseError> {
    let of = |micros| Told {
        millis: 1_000,
        micros,
        counts: (16, 0),
        overloads: 0,
        cancelled: 0,
        peak: 100,
    };
    let half = Duration::from_millis(500);
    holds(Aimd::default().timeout(half)?, vec![of(500_000); 3], |limit, _| limit + 1.0)?;
    // What is used by half is in use.
    let used = Told { peak: 10, ..of(1_000_000) };
    holds(Gradient2::default(), vec![used], |limit, _| 0.8 * limit + 0.2 * (limit + 4.0))?;
    // On average twice the last one: the average stays 1 s, and the third window tells.
    let told = [1_500_000, 500_000, 3_000_000].map(of).to_vec();
    let mut averages = [1.5_f64, 1.0, 5.0 / 3.0].into_iter();
    holds(Gradient2::default(), told, |limit, (latency, ..)| {
        let average = averages.next().expect("there are three");
        0.8 * limit + 0.2 * (limit * (1.5 * average / latency).clamp(0.5, 1.0) + 4.0)
    })
}
