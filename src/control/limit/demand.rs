//! What is asked of a limit.

use std::time::{Duration, Instant};

use super::Usage;
use crate::signal::Signal;

/// Whether the limit is in use, how much of it, and by how much it is overdrawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Demand {
    /// The mean square of the most in flight in a signal's span.
    squares: f64,
    bound_until: Option<Instant>,
    spill: f64,
}

impl Demand {
    pub(super) fn notice(&mut self, signal: &Signal, usage: &Usage) {
        if usage.waited + usage.refused > 0 {
            self.bound_until = signal.at.checked_add(LINGER);
        } else {
            self.bound_until = self.bound_until.filter(|until| signal.at < *until);
        }
        let weight = (signal.span.as_secs_f64() / MEMORY).min(1.0);
        self.squares += weight * ((usage.peak as f64).powi(2) - self.squares);
    }

    /// Somebody had to wait not long ago.
    pub(super) fn is_bound(&self) -> bool {
        self.bound_until.is_some()
    }

    /// What covers it twice: a root mean square minds a burst more than a mean does.
    pub(super) fn twice(&self) -> f64 {
        2.0 * self.squares.sqrt() + 0.5
    }

    /// What is in flight on average beyond the limit that was meant. Below one place at a
    /// time, whoever is in flight when it closes stays a little.
    pub(super) fn spill(&self) -> f64 {
        self.spill
    }

    pub(super) fn follow_spill(&mut self, signal: &Signal, usage: &Usage, meant: f64) {
        let queries = signal.busy.as_secs_f64() / signal.span.as_secs_f64().max(1e-9);
        // One request may have several in flight.
        let used = queries.min(usage.peak as f64);
        let over = if self.is_bound() { used - meant } else { -1.0 };
        self.spill = (self.spill + 0.3 * over).clamp(0.0, meant.clamp(0.0, 1.0));
    }
}

/// For how long after somebody waited the limit is in use.
const LINGER: Duration = Duration::from_millis(500);
/// For how long a burst is remembered, in seconds.
const MEMORY: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::meter::{Meter, Slow};

    const TICK: Duration = Duration::from_millis(100);

    fn signal(at: Instant) -> Signal {
        Signal {
            span: TICK,
            busy: TICK,
            ..Meter::new(Slow::default(), at.into()).take(at.into(), TICK)
        }
    }

    #[test]
    fn a_limit_is_in_use_for_half_a_second_after_somebody_waited() {
        let (mut demand, t0) = (Demand::default(), Instant::now());
        demand.notice(&signal(t0), &Usage { peak: 1, waited: 1, refused: 0, admitted: None });
        demand.notice(&signal(t0 + 4 * TICK), &Usage::default());
        assert!(demand.is_bound());
        demand.notice(&signal(t0 + 5 * TICK), &Usage::default());
        assert!(!demand.is_bound());
    }

    #[test]
    fn a_burst_counts_more_than_its_share_of_the_time() {
        let (mut demand, t0) = (Demand::default(), Instant::now());
        for step in 0..1_000 {
            let peak = if step % 10 == 0 { 30 } else { 0 };
            demand.notice(&signal(t0), &Usage { peak, ..Usage::default() });
        }
        assert!((15.0..25.0).contains(&demand.twice()), "{}", demand.twice());
    }

    #[test]
    fn spill_is_what_is_over_and_never_more_than_what_was_meant() {
        let (mut demand, t0) = (Demand::default(), Instant::now());
        let usage = Usage { peak: 1, waited: 1, refused: 0, admitted: None };
        demand.notice(&signal(t0), &usage);
        demand.follow_spill(&signal(t0), &usage, 0.7);
        assert!((demand.spill() - 0.09).abs() < 1e-9);
        for _ in 0..100 {
            demand.follow_spill(&signal(t0), &usage, 0.7);
        }
        assert_eq!(demand.spill(), 0.7);
        demand.follow_spill(&signal(t0), &usage, 8.0);
        assert_eq!(demand.spill(), 0.0);
    }
}
