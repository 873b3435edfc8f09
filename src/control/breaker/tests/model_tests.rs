//! The breaker against a plain one: all calls in one list, summed up anew each time; the time in
//! ticks of a tenth of the window.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A tenth of the window; of them a second is three and a bit.
const TENTH: Duration = Duration::from_millis(300);

/// All, bad, and those that succeeded at last.
type Counts = (u64, u64, u64);

#[derive(Clone, Debug)]
enum Phase {
    Closed,
    Open { since: Instant, until: Instant, answers: u64 },
    Half(Spell),
}

#[derive(Clone, Debug)]
struct Spell {
    since: Instant,
    sent: Instant,
    /// The names of the probes that are out.
    out: BTreeSet<usize>,
    passed: u32,
    undecided: u32,
    active: u32,
}

struct Plain {
    figures: Figures,
    start: Instant,
    /// In which tick, and of which statement.
    calls: Vec<(u128, usize, Counts)>,
    mode: Mode,
    phase: Phase,
    slow_after: Option<Duration>,
    tried: Option<Instant>,
    openings: u32,
    level: f64,
    moved: Instant,
    dark: Option<Instant>,
    /// How much of a request each priority still owes.
    owed: BTreeMap<Priority, f64>,
}

impl Plain {
    fn new(figures: Figures, start: Instant) -> Self {
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

    fn circuit(&self) -> Circuit {
        match (self.mode, &self.phase) {
            (Mode::ForcedOpen, _) => Circuit::Open,
            (Mode::ForcedClosed, _) => Circuit::Closed,
            (_, Phase::Closed) if self.level > 0.0 => Circuit::Partial,
            (_, Phase::Closed) => Circuit::Closed,
            (_, Phase::Open { .. }) => Circuit::Open,
            (_, Phase::Half(_)) => Circuit::HalfOpen,
        }
    }

    fn tick(&self, now: Instant) -> u128 {
        (now - self.start).as_nanos() / TENTH.as_nanos()
    }

    /// By statement, over the last ticks.
    fn counts(&self, ticks: u128, now: Instant) -> Vec<Counts> {
        let mut counts = BTreeMap::<usize, Counts>::new();
        for (tick, statement, (all, bad, fine)) in &self.calls {
            if tick + ticks > self.tick(now) {
                let own = counts.entry(*statement).or_default();
                *own = (own.0 + all, own.1 + bad, own.2 + fine);
            }
        }
        counts.into_values().collect()
    }

    fn sum(counts: &[Counts]) -> (u64, u64) {
        counts.iter().fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1))
    }

    /// Where something is well, and enough, all is.
    fn is_well(&self, counts: &[Counts]) -> bool {
        let is_well = |own: &&Counts| (own.1 as f64) < self.figures.trip_share * own.0 as f64;
        let well: u64 = counts.iter().filter(is_well).map(|own| own.0).sum();
        self.figures.scope == Scope::Database
            && well >= self.figures.min_calls
            && 10 * well >= Self::sum(counts).0
    }

    /// The bad share, where `is_bad` says how many of a statement are.
    fn share(&self, counts: &[Counts], is_bad: fn(&Counts) -> u64) -> f64 {
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
    fn newest(&self, now: Instant) -> Vec<Counts> {
        let second = self.counts(4, now);
        let enough = Self::sum(&second).0 >= self.figures.min_calls;
        if enough { second } else { self.counts(10, now) }
    }

    fn follow(&mut self, strain: f64, now: Instant) {
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

    fn on_signal(&mut self, signal: &Signal) {
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

    fn hear(&mut self, signal: &Signal) {
        let tick = self.tick(signal.at);
        for own in &signal.calls {
            let fine = signal.statements.iter().find(|fine| fine.statement == own.statement);
            let counts = (own.all, own.bad, fine.map_or(0, |fine| fine.count));
            self.calls.push((tick, own.statement, counts));
        }
    }

    fn watch(&mut self, now: Instant) {
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
    fn open(&mut self, now: Instant) {
        self.openings += 1;
        self.reopen(now);
    }

    fn reopen(&mut self, now: Instant) {
        self.phase = Phase::Open { since: now, until: now, answers: 0 };
    }

    fn longest(&self) -> Duration {
        let doublings = self.openings.max(1) - 1;
        (self.figures.open_for * 2_u32.pow(doublings.min(10))).min(self.figures.open_at_most)
    }

    fn attempt(&mut self, now: Instant) {
        self.tried = Some(now);
        let (out, passed, undecided, active) = Default::default();
        self.phase = Phase::Half(Spell { since: now, sent: now, out, passed, undecided, active });
    }

    fn start_anew(&mut self, level: f64, now: Instant) {
        self.phase = Phase::Closed;
        self.calls.clear();
        self.owed.clear();
        (self.level, self.moved) = (level, now);
        self.dark = (level == 3.0).then_some(now);
    }

    fn close_if_passed(&mut self, now: Instant) {
        if matches!(&self.phase, Phase::Half(spell) if spell.passed >= self.figures.probes) {
            self.start_anew(3.0, now);
        }
    }

    fn admit(&mut self, name: usize, priority: Priority, now: Instant) -> Answer {
        match (self.mode, &self.phase) {
            (Mode::ForcedOpen, _) => Answer::Refuse(self.figures.open_for),
            (Mode::ForcedClosed, _) => Answer::Pass,
            (_, Phase::Closed) => self.admit_dimmed(priority, now),
            (_, Phase::Open { until, .. }) if now < *until => Answer::Refuse(*until - now),
            (_, Phase::Open { .. }) => {
                self.attempt(now);
                self.admit_probe(name, priority, now)
            }
            (_, Phase::Half(_)) => self.admit_probe(name, priority, now),
        }
    }

    fn admit_dimmed(&mut self, priority: Priority, now: Instant) -> Answer {
        if now - self.moved >= SECOND / 2 {
            self.follow(0.0, now);
        }
        let share = match priority {
            Priority::Critical => 0.0,
            Priority::Normal => self.level - 2.0,
            Priority::Sheddable => self.level - 1.0,
            Priority::Bulk => self.level,
        };
        let owed = self.owed.entry(priority).or_default();
        *owed += share.clamp(0.0, 1.0);
        if *owed < 1.0 {
            return Answer::Pass;
        }
        *owed -= 1.0;
        Answer::Refuse(SECOND)
    }

    fn admit_probe(&mut self, name: usize, priority: Priority, now: Instant) -> Answer {
        // What is slow before anything was heard takes for ever.
        let patience = self.slow_after.map(|slow| (2 * slow).max(self.figures.open_for));
        let Phase::Half(spell) = &mut self.phase else { panic!("it is half-open") };
        let age = now - spell.since;
        if priority == Priority::Bulk && age < SECOND / 2 {
            return Answer::Refuse(SECOND / 2 - age);
        }
        if spell.out.len() as u32 + spell.passed >= self.figures.probes {
            if patience.is_none_or(|patience| now - spell.sent < patience) {
                return Answer::Refuse(self.figures.open_for);
            }
            if spell.passed == 0 {
                self.open(now);
                return Answer::Opened;
            }
            self.attempt(now);
        }
        let Phase::Half(spell) = &mut self.phase else { panic!("it is half-open") };
        spell.out.insert(name);
        spell.sent = now;
        Answer::Try
    }

    /// A probe of the present spell comes back.
    fn give_back(&mut self, name: usize) -> Option<&mut Spell> {
        match &mut self.phase {
            Phase::Half(spell) => spell.out.remove(&name).then_some(spell),
            _ => None,
        }
    }

    fn is_slow(&self, latency: Duration) -> bool {
        self.slow_after.is_some_and(|slow| latency > slow)
    }

    fn finish(&mut self, name: usize, now: Instant, sample: &Sample) {
        let (slow, probes) = (self.is_slow(sample.latency), self.figures.probes);
        let Some(spell) = self.give_back(name) else { return };
        match sample.outcome {
            Outcome::Success if !slow => {
                spell.passed += 1;
                self.close_if_passed(now);
            }
            Outcome::Ignore if !slow => {
                spell.undecided += 1;
                if spell.undecided >= 10 * probes {
                    self.open(now);
                }
            }
            _ => self.open(now),
        }
    }

    fn abandon(&mut self, name: usize, now: Instant, elapsed: Duration) {
        let slow = self.is_slow(elapsed);
        match self.give_back(name) {
            Some(_) if slow => self.open(now),
            Some(spell) => spell.undecided += 1,
            None => {}
        }
    }

    fn probed(&mut self, now: Instant, passed: bool) {
        if self.mode != Mode::Automatic {
            return;
        }
        let slow = self.slow_after.unwrap_or(SECOND);
        let Figures { open_for, open_at_most, .. } = self.figures;
        match &mut self.phase {
            Phase::Open { since, .. } if passed => {
                if now - *since < Duration::from_millis(300) {
                    return;
                }
                self.attempt(now);
            }
            Phase::Open { since, until, .. } => {
                *until = (*until).max((now + open_for + slow).min(*since + open_at_most));
            }
            Phase::Half(spell)
                if !passed && spell.out.is_empty() && spell.passed == spell.active =>
            {
                self.reopen(now);
            }
            _ => {}
        }
        if let (Phase::Half(spell), true) = (&mut self.phase, passed) {
            spell.passed += 1;
            spell.active += 1;
            self.close_if_passed(now);
        }
    }

    fn force(&mut self, mode: Mode, now: Instant) {
        let before = std::mem::replace(&mut self.mode, mode);
        match (before, mode) {
            (before, mode) if before == mode => {}
            (Mode::ForcedOpen, Mode::Automatic) => self.attempt(now),
            (Mode::ForcedClosed, Mode::Automatic) => {}
            _ => self.start_anew(0.0, now),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Pass,
    Try,
    Refuse(Duration),
    /// Refused, since it has just opened.
    Opened,
}

#[derive(Clone, Debug)]
enum Step {
    /// So many ticks pass, and in the last one these calls came back.
    Signal {
        ticks: u32,
        calls: Vec<Counts>,
        overdue: bool,
    },
    /// So many ticks in which nothing comes back.
    Hang {
        ticks: u32,
        overdue: bool,
    },
    /// A part of a tick passes.
    Pass(u32),
    Admit(usize),
    /// It is waited for as long as was told.
    WaitOut,
    Finish {
        which: usize,
        millis: u32,
        outcome: usize,
    },
    Abandon {
        which: usize,
        millis: u32,
    },
    Withdraw(usize),
    Probed(bool),
    Force(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let counts = prop_oneof![
        Just((0_u64, 0_u64, 0_u64)),
        (0..40_u64, 0..40_u64, 0..40_u64).prop_map(|(all, bad, fine)| (
            all,
            bad.min(all),
            fine.min(all)
        )),
        // All good, and all bad.
        (1..40_u64).prop_map(|all| (all, 0, all)),
        (1..40_u64).prop_map(|all| (all, all, 0)),
    ];
    let ticks = prop_oneof![20 => Just(1_u32), 1 => 2..14_u32];
    let signal = (ticks, prop::collection::vec(counts, 2), prop::bool::weighted(0.2))
        .prop_map(|(ticks, calls, overdue)| Step::Signal { ticks, calls, overdue });
    // Nothing comes back for a while, as of what hangs.
    let hang = (1..9_u32, any::<bool>()).prop_map(|(ticks, overdue)| Step::Hang { ticks, overdue });
    let late = || prop_oneof![3 => 0..900_u32, 1 => 900..3_000_u32];
    let step = prop_oneof![
        12 => signal,
        3 => hang,
        3 => (0..400_u32).prop_map(Step::Pass),
        12 => (0..4_usize).prop_map(Step::Admit),
        3 => Just(Step::WaitOut),
        6 => (0..4_usize, late(), prop_oneof![3 => Just(0_usize), 2 => Just(1), 1 => Just(2)])
            .prop_map(|(which, millis, outcome)| Step::Finish { which, millis, outcome }),
        1 => (0..4_usize, late()).prop_map(|(which, millis)| Step::Abandon { which, millis }),
        1 => (0..4_usize).prop_map(Step::Withdraw),
        1 => prop::bool::weighted(0.6).prop_map(Step::Probed),
        1 => prop_oneof![3 => Just(0_usize), 1 => 1..3_usize].prop_map(Step::Force),
    ];
    prop::collection::vec(step, 0..250)
}

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
