//! A plain breaker: all calls in one list, summed up anew each time; the time in ticks of a tenth of
//! the window.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A tenth of the window; of them a second is three and a bit.
pub(super) const TENTH: Duration = Duration::from_millis(300);

/// All, bad, and those that succeeded at last.
pub(super) type Counts = (u64, u64, u64);

#[derive(Clone, Debug)]
pub(super) enum Phase {
    Closed,
    Open { since: Instant, until: Instant, answers: u64 },
    Half(Spell),
}

#[derive(Clone, Debug)]
pub(super) struct Spell {
    pub(super) since: Instant,
    pub(super) sent: Instant,
    /// The names of the probes that are out.
    pub(super) out: BTreeSet<usize>,
    pub(super) passed: u32,
    pub(super) undecided: u32,
    pub(super) active: u32,
}

pub(super) struct Plain {
    pub(super) figures: Figures,
    pub(super) start: Instant,
    /// In which tick, and of which statement.
    pub(super) calls: Vec<(u128, usize, Counts)>,
    pub(super) mode: Mode,
    pub(super) phase: Phase,
    pub(super) slow_after: Option<Duration>,
    pub(super) tried: Option<Instant>,
    pub(super) openings: u32,
    pub(super) level: f64,
    pub(super) moved: Instant,
    pub(super) dark: Option<Instant>,
    /// How much of a request each priority still owes.
    pub(super) owed: BTreeMap<Priority, f64>,
}

impl Plain {
    pub(super) fn new(figures: Figures, start: Instant) -> Self {
        Self {
            figures,
            start,
            calls: Vec::new(),
            mode: Mode::Automatic,
            phase: Phase::Closed,
            slow_after: None,
            tried: None,
            openings: 0,
            level: 0.0,
            moved: start,
            dark: None,
            owed: BTreeMap::new(),
        }
    }

    pub(super) fn circuit(&self) -> Circuit {
        match (self.mode, &self.phase) {
            (Mode::ForcedOpen, _) => Circuit::Open,
            (Mode::ForcedClosed, _) => Circuit::Closed,
            (_, Phase::Closed) if self.level > 0.0 => Circuit::Partial,
            (_, Phase::Closed) => Circuit::Closed,
            (_, Phase::Open { .. }) => Circuit::Open,
            (_, Phase::Half(_)) => Circuit::HalfOpen,
        }
    }

    pub(super) fn tick(&self, now: Instant) -> u128 {
        (now - self.start).as_nanos() / TENTH.as_nanos()
    }

    /// By statement, over the last ticks.
    pub(super) fn counts(&self, ticks: u128, now: Instant) -> Vec<Counts> {
        let mut counts = BTreeMap::<usize, Counts>::new();
        for (tick, statement, (all, bad, fine)) in &self.calls {
            if tick + ticks > self.tick(now) {
                let own = counts.entry(*statement).or_default();
                *own = (own.0 + all, own.1 + bad, own.2 + fine);
            }
        }
        counts.into_values().collect()
    }

    pub(super) fn sum(counts: &[Counts]) -> (u64, u64) {
        counts.iter().fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1))
    }

    /// Where something is well, and enough, all is.
    pub(super) fn is_well(&self, counts: &[Counts]) -> bool {
        let is_well = |own: &&Counts| (own.1 as f64) < self.figures.trip_share * own.0 as f64;
        let well: u64 = counts.iter().filter(is_well).map(|own| own.0).sum();
        self.figures.scope == Scope::Database
            && well >= self.figures.min_calls
            && 10 * well >= Self::sum(counts).0
    }

    /// The bad share, where `is_bad` says how many of a statement are.
    pub(super) fn share(&self, counts: &[Counts], is_bad: fn(&Counts) -> u64) -> f64 {
        let (all, least) = (Self::sum(counts).0, self.figures.min_calls);
        if all < least || self.is_well(counts) {
            return 0.0;
        }
        let bad: u64 = counts.iter().map(is_bad).sum();
        let of_all = bad as f64 / all.max(1) as f64;
        let known = counts.iter().filter(|own| own.0 >= least);
        let illest = known.map(|own| is_bad(own) as f64 / own.0.max(1) as f64).fold(0.0, f64::max);
        if self.figures.scope == Scope::Route { of_all.max(illest) } else { of_all }
    }

    /// The last second, if it holds enough.
    pub(super) fn newest(&self, now: Instant) -> Vec<Counts> {
        let second = self.counts(4, now);
        let enough = Self::sum(&second).0 >= self.figures.min_calls;
        if enough { second } else { self.counts(10, now) }
    }

    pub(super) fn follow(&mut self, strain: f64, now: Instant) {
        let elapsed = (now - self.moved).as_secs_f64();
        let fall = if self.figures.scope == Scope::Route { 0.3 } else { 1.0 };
        let change = if strain >= 1.0 {
            elapsed.min(0.3) / 0.3
        } else {
            -(2.0 - 2.0 * strain).min(1.0) * elapsed / fall
        };
        let was = self.level;
        self.level = (self.level + change).clamp(0.0, 3.0);
        self.moved = now;
        self.dark = if self.level == 3.0 { self.dark.or(Some(now)) } else { None };
        if was > 0.0 && self.level == 0.0 && self.mode == Mode::Automatic {
            self.openings = 0;
        }
    }

    pub(super) fn on_signal(&mut self, signal: &Signal) {
        let now = signal.at;
        self.slow_after = Some(signal.slow_after);
        // What was begun before the last trial says nothing.
        let judged = self.tried.is_none_or(|tried| now - tried > signal.span);
        match (self.mode, &mut self.phase) {
            (Mode::ForcedOpen, _) => {}
            (Mode::ForcedClosed, _) => self.hear(signal),
            (_, Phase::Closed) => {
                if judged {
                    self.hear(signal);
                }
                self.watch(now);
            }
            (_, Phase::Half(spell)) => {
                let (all, bad) =
                    signal.calls.iter().fold((0, 0), |sum, own| (sum.0 + own.all, sum.1 + own.bad));
                if judged && bad == 0 {
                    let passes = spell.undecided.min(all as u32);
                    spell.undecided -= passes;
                    spell.passed += passes;
                    self.close_if_passed(now);
                }
            }
            (_, Phase::Open { since, until, answers }) => {
                if now - *since >= signal.span {
                    *answers += signal.statements.iter().map(|own| own.count).sum::<u64>();
                }
                let least = Duration::from_millis(300);
                if *answers > 0 {
                    *until = (*until).min(*since + least);
                } else if self.figures.scope == Scope::Route && signal.overdue > Duration::ZERO {
                    *until = (*until).max((now + least).min(*since + 60 * SECOND));
                }
            }
        }
    }

    pub(super) fn hear(&mut self, signal: &Signal) {
        let tick = self.tick(signal.at);
        for own in &signal.calls {
            let fine = signal.statements.iter().find(|fine| fine.statement == own.statement);
            let counts = (own.all, own.bad, fine.map_or(0, |fine| fine.count));
            self.calls.push((tick, own.statement, counts));
        }
    }

    pub(super) fn watch(&mut self, now: Instant) {
        let in_vain = self.dark.is_some_and(|dark| now - dark >= 10 * SECOND);
        let is_bad: fn(&Counts) -> u64 =
            if in_vain { |own| own.1 } else { |own| own.1.min(own.0.saturating_sub(own.2)) };
        if self.share(&self.newest(now), is_bad) >= self.figures.trip_share.max(0.9) {
            return self.open(now);
        }
        let window = self.counts(10, now);
        let judged =
            if self.level == 0.0 || self.is_well(&window) { window } else { self.newest(now) };
        self.follow(self.share(&judged, |own| own.1) / self.figures.trip_share, now);
    }

    /// Twice as long each time in a row; how much it was spread has to be told.
    pub(super) fn open(&mut self, now: Instant) {
        self.openings += 1;
        self.reopen(now);
    }

    pub(super) fn reopen(&mut self, now: Instant) {
        self.phase = Phase::Open { since: now, until: now, answers: 0 };
    }

    pub(super) fn longest(&self) -> Duration {
        let doublings = self.openings.max(1) - 1;
        (self.figures.open_for * 2_u32.pow(doublings.min(10))).min(self.figures.open_at_most)
    }

    pub(super) fn attempt(&mut self, now: Instant) {
        self.tried = Some(now);
        let (out, passed, undecided, active) = Default::default();
        self.phase = Phase::Half(Spell { since: now, sent: now, out, passed, undecided, active });
    }

    pub(super) fn start_anew(&mut self, level: f64, now: Instant) {
        self.phase = Phase::Closed;
        self.calls.clear();
        self.owed.clear();
        (self.level, self.moved) = (level, now);
        self.dark = (level == 3.0).then_some(now);
    }

    pub(super) fn close_if_passed(&mut self, now: Instant) {
        if matches!(&self.phase, Phase::Half(spell) if spell.passed >= self.figures.probes) {
            self.start_anew(3.0, now);
        }
    }

    pub(super) fn force(&mut self, mode: Mode, now: Instant) {
        let before = std::mem::replace(&mut self.mode, mode);
        match (before, mode) {
            (before, mode) if before == mode => {}
            (Mode::ForcedOpen, Mode::Automatic) => self.attempt(now),
            (Mode::ForcedClosed, Mode::Automatic) => {}
            _ => self.start_anew(0.0, now),
        }
    }
}
