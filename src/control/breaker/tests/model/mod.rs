//! The breaker against a plain one.

mod entry;
mod plain;
mod step;

use super::*;
use entry::Answer;
use plain::{Counts, Phase, Plain, Spell, TENTH};
use step::{Step, steps};

/// The real one and the plain one, and the probes that are out of both.
struct Pair {
    rig: Rig,
    plain: Plain,
    probes: Vec<(usize, Probe)>,
}

impl Pair {
    fn new(figures: Figures) -> Self {
        let rig = Rig::with(figures);
        let plain = Plain::new(figures, rig.now);
        Self { rig, plain, probes: Vec::new() }
    }

    /// Whole ticks go by the start, so that both count in the same.
    fn signal(&mut self, ticks: u32, calls: &[Counts], overdue: bool) {
        let tick = self.plain.tick(self.rig.now) as u32 + ticks;
        self.rig.now = self.plain.start + tick * TENTH;
        let came: Vec<_> = calls.iter().enumerate().filter(|(_, own)| own.0 > 0).collect();
        let all: Vec<_> = came.iter().map(|(index, own)| (*index, own.0, own.1)).collect();
        let fine: Vec<_> = came.iter().map(|(index, own)| (*index, own.2, 0)).collect();
        let statements = self.rig.signal(&fine).statements;
        let overdue = if overdue { SECOND } else { Duration::ZERO };
        let signal = Signal { statements, overdue, span: TENTH, ..self.rig.signal(&all) };
        self.rig.breaker.on_signal(&signal);
        self.plain.on_signal(&signal);
    }

    fn step(&mut self, name: usize, step: Step) {
        let at = |pair: &Self, which: usize| (which < pair.probes.len()).then_some(which);
        match step {
            Step::Signal { ticks, calls, overdue } => self.signal(ticks, &calls, overdue),
            Step::Hang { ticks, overdue } => {
                for _ in 0..ticks {
                    self.signal(1, &[], overdue);
                    self.check();
                }
            }
            Step::Pass(millis) => self.rig.now += Duration::from_millis(millis.into()),
            Step::Admit(which) => self.admit(name, Priority::ALL[which]),
            Step::WaitOut => {
                if let Phase::Open { until, .. } = self.plain.phase {
                    self.rig.now = self.rig.now.max(until);
                }
            }
            Step::Finish { which, millis, outcome } => {
                let Some(which) = at(self, which) else { return };
                let (name, probe) = self.probes.remove(which);
                let outcome = [Outcome::Success, Outcome::Ignore, Outcome::Overload][outcome];
                let latency = Duration::from_millis(millis.into());
                let sample = Sample { latency, outcome };
                self.rig.finish(probe, &sample);
                self.plain.finish(name, self.rig.now, &sample);
            }
            Step::Abandon { which, millis } => {
                let Some(which) = at(self, which) else { return };
                let (name, probe) = self.probes.remove(which);
                let elapsed = Duration::from_millis(millis.into());
                self.rig.breaker.abandon(probe, self.rig.now, elapsed);
                self.plain.abandon(name, self.rig.now, elapsed);
            }
            Step::Withdraw(which) => {
                let Some(which) = at(self, which) else { return };
                let (name, probe) = self.probes.remove(which);
                self.rig.breaker.withdraw(probe);
                self.plain.give_back(name);
            }
            Step::Probed(passed) => {
                self.rig.breaker.probed(self.rig.now, passed);
                self.plain.probed(self.rig.now, passed);
            }
            Step::Force(which) => {
                let mode = [Mode::Automatic, Mode::ForcedOpen, Mode::ForcedClosed][which];
                self.rig.breaker.force(mode, self.rig.now);
                self.plain.force(mode, self.rig.now);
            }
        }
    }

    fn admit(&mut self, name: usize, priority: Priority) {
        let told = match self.rig.breaker.admit(priority, self.rig.now) {
            Verdict::Pass => Answer::Pass,
            Verdict::Refuse { retry_after } => Answer::Refuse(retry_after),
            Verdict::Try(probe) => {
                self.probes.push((name, probe));
                Answer::Try
            }
        };
        match self.plain.admit(name, priority, self.rig.now) {
            Answer::Opened => assert!(matches!(told, Answer::Refuse(_))),
            // What one nearly owes may be off by the error of a sum.
            expected => assert_eq!(told, expected),
        }
    }

    /// A circuit that has just opened is spread by up to a fifth: how much is taken over.
    fn take_over_the_spread(&mut self) {
        let longest = self.plain.longest();
        let now = self.rig.now;
        if let (Phase::Open { since, until, .. }, State::Open { until: real, .. }) =
            (&mut self.plain.phase, self.rig.breaker.state)
        {
            if since == until {
                assert!(around(real - now, longest), "{:?} and not {longest:?}", real - now);
                *until = real;
            }
        }
    }

    fn check(&mut self) {
        self.take_over_the_spread();
        let (now, plain) = (self.rig.now, &self.plain);
        let knowledge = self.rig.breaker.knowledge(now);
        assert_eq!(knowledge.circuit, plain.circuit());
        assert_eq!(knowledge.mode, plain.mode);
        let (all, bad) = Plain::sum(&plain.counts(10, now));
        assert_eq!(knowledge.calls, all);
        assert_eq!(knowledge.bad_share, if all == 0 { 0.0 } else { bad as f64 / all as f64 });
        let decides = plain.mode == Mode::Automatic && matches!(plain.phase, Phase::Closed);
        let level = if decides { plain.level } else { 0.0 };
        assert!((knowledge.level - level).abs() < 1e-9, "{} and not {level}", knowledge.level);
        assert_eq!(self.rig.breaker.judge_since(), plain.tried);
        assert_eq!(self.rig.breaker.slow_after(), plain.slow_after.unwrap_or(SECOND));
        for (name, probe) in &self.probes {
            let out = matches!(&plain.phase, Phase::Half(spell) if spell.out.contains(name));
            let counts = out && plain.mode == Mode::Automatic;
            assert_eq!(self.rig.breaker.is_out(*probe), counts);
        }
    }
}

proptest! {
    #[test]
    fn the_breaker_is_the_plain_one_that_it_is_described_as(
        route: bool,
        trip_share in 1..=10_u32,
        min_calls in 1..30_u64,
        probes in 1..4_u32,
        steps in steps(),
    ) {
        let scope = if route { Scope::Route } else { Scope::Database };
        let trip_share = f64::from(trip_share) / 10.0;
        let mut pair = Pair::new(Figures { scope, trip_share, min_calls, probes, ..figures() });
        for (name, step) in steps.into_iter().enumerate() {
            pair.step(name, step);
            pair.check();
        }
    }
}
