//! What the default limit is made of, against its equations as they are described, written down
//! once more.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::control::{
    baseline::Work,
    meter::{Meter, Slow},
};

proptest! {
    /// A root mean square over five seconds, and what is in flight beyond what was meant.
    #[test]
    fn demand_is_its_description(
        spans in prop::collection::vec(
            (1..8_000_u64, 0..300_usize, prop::bool::weighted(0.3), 0..4_000_u64),
            1..100,
        ),
        meant in 1..40_u32,
    ) {
        let (mut real, mut at, meant) = (Demand::default(), Instant::now(), f64::from(meant) / 8.0);
        let (mut square, mut spill, mut waited_at) = (0.0, 0.0_f64, None);
        for (millis, peak, waits, busy) in spans {
            let span = Duration::from_millis(millis);
            at += span;
            let signal = Meter::new(Slow::default(), at.into()).take(at.into(), Duration::ZERO);
            let signal = Signal { span, busy: Duration::from_millis(busy), ..signal };
            let usage = Usage { peak, waited: waits.into(), ..Usage::default() };
            real.notice(&signal, &usage);
            real.follow_spill(&signal, &usage, meant);
            let weight = f64::min(millis as f64 / 5_000.0, 1.0);
            square = (1.0 - weight) * square + weight * (peak * peak) as f64;
            waited_at = if waits { Some(at) } else { waited_at };
            let is_bound = waited_at.is_some_and(|then| at - then < Duration::from_millis(500));
            let used = f64::min(busy as f64 / millis as f64, peak as f64);
            spill += 0.3 * if is_bound { used - meant } else { -1.0 };
            spill = spill.clamp(0.0, meant.min(1.0));
            prop_assert_eq!(real.is_bound(), is_bound);
            prop_assert!((real.twice() - (2.0 * square.sqrt() + 0.5)).abs() < 1e-6);
            prop_assert!((real.spill() - spill).abs() < 1e-6, "{} and not {spill}", real.spill());
        }
    }
}

/// What one window tells the ratio.
fn view() -> impl Strategy<Value = View> {
    (1..30_u32, 1..120_u32, 1..400_u32, 0..2_000_u64, 1..2_000_u64).prop_map(
        |(tenths, stretch, error, refused, admitted)| View {
            span: f64::from(tenths) / 10.0,
            in_flight: 10.0,
            finished: admitted as f64,
            failed: 0.0,
            usage: Usage { peak: 10, waited: 1, refused, admitted: Some(admitted) },
            count: admitted,
            latency: 0.010,
            stretch: f64::from(stretch) / 10.0,
            error: f64::from(error) / 1_000.0,
            rate: 7.0,
        },
    )
}

proptest! {
    /// As the documentation of `Ratio` has them.
    #[test]
    fn the_ratio_is_its_equations(
        views in prop::collection::vec((view(), 1..100_u32, 0.0..1.0_f64), 1..200),
    ) {
        let mut real = Ratio::default();
        let (mut reference, mut log_stretch, mut then) = (1.85_f64, 0.0, None);
        for (view, limit, doubt) in views {
            let limit = f64::from(limit) / 4.0;
            // ρ* returns with a time constant of a minute.
            reference = 1.85 + (reference - 1.85) * (-view.span / 60.0).exp();
            let wanted = (reference / view.stretch).powi(4).min(1.0);
            let let_in = view.usage.admitted.expect("it is counted") as f64 + 1.0;
            let share = let_in / (let_in + view.usage.refused as f64);
            let sees_much = view.error * view.error * view.span < 0.013;
            let mut off = (wanted / share).ln().clamp(-1.0, 1.0);
            if !sees_much {
                off = off.min(0.0);
            }
            let trust = if doubt > 0.02 { ((doubt - 0.02) / (doubt + 0.3)).powi(2) } else { 0.0 };
            let mut expected = (trust * view.span * off).exp();
            log_stretch += (view.span / 3.0).min(1.0) * (view.stretch.ln() - log_stretch);
            let (limit_then, stretch_then) = *then.get_or_insert((limit, log_stretch));
            if limit > limit_then {
                then = Some((limit, log_stretch));
            } else if limit_then.ln() - limit.ln() >= std::f64::consts::LN_2 {
                then = Some((limit, log_stretch));
                // The limit has halved: has ρ fallen by 0.4 of that?
                if stretch_then - log_stretch <= 0.4 * (limit_then.ln() - limit.ln()) {
                    reference = reference.max(log_stretch.exp());
                    expected *= 2.0_f64.sqrt();
                }
            }
            let pull = real.pull(limit, &view, doubt);
            prop_assert!((pull - expected).abs() < 1e-9 * expected, "{pull} and not {expected}");
        }
    }

    /// As the documentation of `Climb` has them, over all that was seen in a period.
    #[test]
    fn the_climb_is_its_equations(
        ticks in prop::collection::vec((1..40_u64, 1..60_u32, 0..30_u64, any::<bool>()), 1..700),
        limit in 1..400_u32,
        // A half is as long as four latencies.
        slow in prop_oneof![Just(1.0_f64), Just(20.0), Just(60.0)],
        // Who sees much is sooner surprised.
        many in prop_oneof![Just(1_u64), Just(100)],
    ) {
        let mut real = Climb::default();
        let mut plain = PlainClimb::default();
        let mut limit = f64::from(limit) / 4.0;
        let mut wall = Duration::ZERO;
        for (tens, latency, count, binds) in ticks {
            let span = Duration::from_millis(10 * tens).mul_f64(slow.sqrt());
            wall += span;
            let count = many * count;
            let latency = slow * f64::from(latency) / 1_000.0;
            let observed = latency * count as f64;
            let work = Work {
                seconds: 0.010 * count as f64,
                squares: 0.0001 * count as f64,
                observed,
                variance: 0.01 * observed * observed / count.max(1) as f64,
                lasting: observed * latency,
                count,
            };
            let seen = Seen { wall, span, work, binds };
            let (next, expected) = (real.add(limit, &seen), plain.add(limit, &seen));
            let off = |one: f64, other: f64| (one - other).abs() > 1e-6 * other.abs().max(1e-3);
            prop_assert_eq!(next.is_some(), expected.is_some());
            if let (Some(next), Some(expected)) = (next, expected) {
                prop_assert!(!off(next, expected), "{next} and not {expected}");
                limit = expected.clamp(0.25, 1_000.0);
            }
            prop_assert!(!off(real.doubt_left(), plain.doubt));
            prop_assert!(!off(real.swing(limit), plain.swing(limit)));
            prop_assert_eq!(real.elasticity().is_some(), plain.elasticity.is_some());
        }
    }
}

/// The climb with a list of the present period in the place of sums.
struct PlainClimb {
    seen: Vec<(f64, Seen)>,
    /// The number of the period and the length of its half, in ms.
    period: u128,
    half: u128,
    at_this_swing: u32,
    latency: f64,
    doubt: f64,
    swung: f64,
    heading: f64,
    elasticity: Option<f64>,
}

impl Default for PlainClimb {
    fn default() -> Self {
        let (seen, period, half) = (Vec::new(), 0, 800);
        let (at_this_swing, latency, doubt, swung, heading) = (0, 0.0, 1.0, 0.0, 0.0);
        let elasticity = None;
        Self { seen, period, half, at_this_swing, latency, doubt, swung, heading, elasticity }
    }
}

impl PlainClimb {
    fn swing(&self, limit: f64) -> f64 {
        limit * (1.0 + self.swung)
    }

    fn add(&mut self, limit: f64, seen: &Seen) -> Option<f64> {
        if seen.work.count > 0 {
            self.latency = 0.9 * self.latency + 0.1 * seen.work.lasting / seen.work.observed;
        }
        let half = seen.wall.as_millis() / self.half;
        let is_over = half / 2 != self.period;
        let next = if is_over { self.step(limit) } else { None };
        if is_over {
            self.period = half / 2;
            (self.seen, self.at_this_swing) = (Vec::new(), 0);
            // At least four latencies.
            let long_enough = [800, 3_200, 12_800, 51_200];
            let least = 4_000.0 * self.latency;
            let half = long_enough.into_iter().find(|half| *half as f64 >= least);
            self.half = half.unwrap_or(51_200);
        }
        let rests = self.doubt < 0.05 && half / 2 % 4 != 0;
        let swung = if rests {
            0.0
        } else if half % 2 == 0 {
            0.2
        } else {
            -0.2
        };
        if swung != self.swung {
            (self.swung, self.at_this_swing) = (swung, 0);
        }
        self.at_this_swing += 1;
        // What comes back within a latency of a turn was begun before it.
        if f64::from(self.at_this_swing) > 1.0 + (10.0 * self.latency).floor() && seen.binds {
            self.seen.push((swung, *seen));
        }
        next
    }

    fn step(&mut self, limit: f64) -> Option<f64> {
        let rate = |at: f64| {
            self.sum(at, |seen| seen.work.seconds) / self.sum(at, |seen| seen.span.as_secs_f64())
        };
        let swing = (1.2_f64 / 0.8).ln();
        let elasticity = (rate(0.2).ln() - rate(-0.2).ln()) / swing;
        if !elasticity.is_finite() {
            return None;
        }
        let elasticity = elasticity.clamp(-2.0, 2.0);
        self.elasticity = Some(elasticity);
        let heading = if elasticity > 0.6 {
            1.0
        } else if elasticity < -0.5 {
            -1.0
        } else {
            0.0
        };
        let has_turned = heading * self.heading < 0.0;
        self.heading = heading;
        let noise = |at: f64| {
            let observed = self.sum(at, |seen| seen.work.observed);
            self.sum(at, |seen| seen.work.variance) / (observed * observed)
                + 1.0 / self.sum(at, |seen| seen.work.count as f64)
        };
        let mut variance = (noise(0.2) + noise(-0.2)) / (swing * 0.7).powi(2);
        if self.doubt <= 0.3 {
            variance *= 1.0 + variance;
        }
        let off = (elasticity - (0.02 + 0.03 * (limit / 2.0).ln())) / 0.7;
        self.doubt += 0.002;
        if !has_turned && off.abs() > 3.5 * (self.doubt + variance).sqrt() {
            self.doubt = 0.3;
        }
        let gain = self.doubt / (self.doubt + variance);
        if heading == 0.0 || has_turned {
            self.doubt *= 1.0 - gain;
        }
        Some(limit * (gain * off).clamp(-0.9, 0.9).exp())
    }

    fn sum(&self, at: f64, what: impl Fn(&Seen) -> f64) -> f64 {
        self.seen.iter().filter(|(swung, _)| *swung == at).map(|(_, seen)| what(seen)).sum()
    }
}
