//! Whom the plain breaker lets in, and what becomes of its probes.

use super::*;

#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Pass,
    Try,
    Refuse(Duration),
    /// Refused, since it has just opened.
    Opened,
}

impl Plain {
    pub(super) fn admit(&mut self, name: usize, priority: Priority, now: Instant) -> Answer {
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

    pub(super) fn admit_dimmed(&mut self, priority: Priority, now: Instant) -> Answer {
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

    pub(super) fn admit_probe(&mut self, name: usize, priority: Priority, now: Instant) -> Answer {
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
    pub(super) fn give_back(&mut self, name: usize) -> Option<&mut Spell> {
        match &mut self.phase {
            Phase::Half(spell) => spell.out.remove(&name).then_some(spell),
            _ => None,
        }
    }

    pub(super) fn is_slow(&self, latency: Duration) -> bool {
        self.slow_after.is_some_and(|slow| latency > slow)
    }

    pub(super) fn finish(&mut self, name: usize, now: Instant, sample: &Sample) {
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

    pub(super) fn abandon(&mut self, name: usize, now: Instant, elapsed: Duration) {
        let slow = self.is_slow(elapsed);
        match self.give_back(name) {
            Some(_) if slow => self.open(now),
            Some(spell) => spell.undecided += 1,
            None => {}
        }
    }

    pub(super) fn probed(&mut self, now: Instant, passed: bool) {
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
}
