//! When a level is told to people, so that a log shows how it went and is never flooded.

use std::time::{Duration, Instant};

use super::level::{ILL, Strain, room};
use crate::event::{BadCalls, Cause, Circuit};

/// What was told of a level last, and what has been felt since.
#[derive(Clone, Debug, Default)]
pub(crate) struct Telling {
    told: f64,
    told_at: Option<Instant>,
    felt: Felt,
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) cause: Cause,
}

impl Telling {
    /// The level is this one by now, with the strain since the last time.
    pub(crate) fn hear(
        &mut self,
        strain: &Strain,
        set_point: f64,
        level: f64,
        now: Instant,
    ) -> Option<Told> {
        self.felt.add(strain, now);
        let too_soon = |told| now.saturating_duration_since(told) < PAUSE;
        if !self.has_moved(level) || self.told_at.is_some_and(too_soon) {
            return None;
        }
        let cause = self.felt.cause(strain.circuit, set_point);
        self.tell(level, cause, now)
    }

    /// Somebody set it.
    pub(crate) fn tell(&mut self, level: f64, cause: Cause, now: Instant) -> Option<Told> {
        let from = std::mem::replace(&mut self.told, level);
        let has_moved = from != level;
        if has_moved {
            self.told_at = Some(now);
        }
        has_moved.then_some(Told { from, to: level, cause })
    }

    fn has_moved(&self, level: f64) -> bool {
        let moved = (level - self.told).abs();
        let least = match (self.told, level) {
            (_, 0.0 | 1.0) => f64::MIN_POSITIVE,
            (0.0, _) => FIRST,
            _ => STEP,
        };
        moved >= least
    }
}

/// Strain, averaged over the last moment.
#[derive(Clone, Debug, Default)]
struct Felt {
    limit: f64,
    wanted: f64,
    admitted: f64,
    refused: f64,
    finished: f64,
    ill: f64,
    span: f64,
    at: Option<Instant>,
}

impl Felt {
    fn add(&mut self, strain: &Strain, now: Instant) {
        let span = self.at.replace(now).map(|at| now.saturating_duration_since(at).as_secs_f64());
        let fresh = span.map_or(1.0, |span| 1.0 - (-span / MEMORY.as_secs_f64()).exp());
        let mean = |was: &mut f64, is: f64| *was += fresh * (is - *was);
        mean(&mut self.limit, strain.limit);
        mean(&mut self.wanted, strain.wanted);
        mean(&mut self.admitted, strain.admitted as f64);
        mean(&mut self.refused, strain.refused as f64);
        mean(&mut self.finished, strain.finished as f64);
        mean(&mut self.ill, strain.ill as f64);
        mean(&mut self.span, span.unwrap_or_default());
    }

    fn cause(&self, circuit: Circuit, set_point: f64) -> Cause {
        if circuit == Circuit::Open {
            return Cause::Open;
        }
        let share = |part: f64, all: f64| if all > 0.0 { part / all } else { 0.0 };
        let ill = share(self.ill, self.finished).min(1.0);
        let refused = share(self.refused, self.refused + self.admitted);
        let served = (1.0 - refused).max(0.1);
        let room = room(self.limit, share(self.admitted, self.span));
        if ill / ILL > self.wanted / (room * served * set_point) {
            let span = Duration::from_secs_f64(self.span);
            return Cause::BadCalls(BadCalls::new(ill, self.finished.ceil() as u64, span));
        }
        let (wanted, places) = (self.wanted.round() as usize, self.limit.round() as usize);
        Cause::Wanted { wanted, places, refused }
    }
}

/// The least that is told of a level that was 0.
const FIRST: f64 = 0.05;
/// The least that is told in between. Of what is written with two digits, a tenth is one.
const STEP: f64 = 0.0999;
/// Between what is told.
const PAUSE: Duration = Duration::from_secs(1);
/// Over which what is told as the cause is averaged.
const MEMORY: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TICK: Duration = Duration::from_millis(100);

    fn busy() -> Strain {
        Strain { limit: 10.0, wanted: 14.0, admitted: 9, refused: 1, finished: 9, ..<_>::default() }
    }

    /// What is told, one level each second.
    fn told(levels: &[f64]) -> Vec<(f64, f64)> {
        let (t0, mut telling) = (Instant::now(), Telling::default());
        let told = (1_u32..)
            .zip(levels)
            .filter_map(|(second, level)| telling.hear(&busy(), 0.8, *level, t0 + second * PAUSE));
        told.map(|told| (told.from, told.to)).collect()
    }

    #[test]
    fn it_is_told_when_it_leaves_nothing_at_each_tenth_and_at_both_ends() {
        let rise = [0.0, 0.02, 0.06, 0.1, 0.17, 0.97, 1.0, 1.0];
        assert_eq!(told(&rise), [(0.0, 0.06), (0.06, 0.17), (0.17, 0.97), (0.97, 1.0)]);
        let fall = [1.0, 0.95, 0.9, 0.05, 0.01, 0.0, 0.0];
        assert_eq!(told(&fall), [(0.0, 1.0), (1.0, 0.9), (0.9, 0.05), (0.05, 0.0)]);
    }

    #[test]
    fn what_wavers_is_not_told_again_and_again() {
        let wavers: Vec<_> = [0.5, 0.55, 0.45, 0.52].into_iter().cycle().take(100).collect();
        assert_eq!(told(&wavers).len(), 1);
        let near_nothing: Vec<_> = [0.0, 0.04].into_iter().cycle().take(100).collect();
        assert_eq!(told(&near_nothing).len(), 0);
    }

    #[test]
    fn the_cause_is_what_is_further_over_its_set_point() {
        let t0 = Instant::now();
        let cause = |strain| {
            let mut telling = Telling::default();
            telling.hear(&strain, 0.8, 0.0, t0);
            telling.hear(&strain, 0.8, 0.5, t0 + TICK).expect("it has moved").cause.to_string()
        };
        assert_eq!(cause(busy()), "14 requests want 10 places, and 10 % were refused");
        let ill = cause(Strain { ill: 3, ..busy() });
        assert!(ill.starts_with("33 % of 9 calls in "), "{ill}");
        let more = cause(Strain { ill: 13, finished: 100, ..busy() });
        assert!(more.starts_with("13 % of 100 calls in "), "{more}");
        assert_eq!(cause(Strain { circuit: Circuit::Open, ..busy() }), "the circuit is open");
    }

    #[test]
    fn what_somebody_sets_is_told_at_once_and_once() {
        let (t0, mut telling) = (Instant::now(), Telling::default());
        let told = telling.tell(0.5, Cause::Forced, t0).expect("it has moved");
        assert_eq!((told.from, told.to, told.cause), (0.0, 0.5, Cause::Forced));
        assert_eq!(telling.tell(0.5, Cause::Forced, t0), None);
        assert!(telling.tell(0.1, Cause::Released, t0).is_some());
    }

    #[test]
    fn the_figures_of_a_cause_are_means_over_half_a_second() {
        let (t0, mut telling) = (Instant::now(), Telling::default());
        telling.hear(&busy(), 0.8, 0.0, t0);
        let twice = Strain { wanted: 28.0, ..busy() };
        let told = telling.hear(&twice, 0.8, 0.5, t0 + TICK).expect("it has moved");
        assert!(told.cause.to_string().starts_with("17 requests"), "{}", told.cause);
    }

    #[test]
    fn where_half_is_refused_half_the_room_is_left_to_want() {
        let (t0, mut telling) = (Instant::now(), Telling::default());
        let (admitted, refused, finished, ill) = (50, 50, 100, 15);
        let strain = Strain { wanted: 54.0, admitted, refused, finished, ill, ..busy() };
        telling.hear(&strain, 0.8, 0.0, t0);
        let told = telling.hear(&strain, 0.8, 0.5, t0 + TICK).expect("it has moved");
        assert!(told.cause.to_string().starts_with("54 requests"), "{}", told.cause);
    }

    proptest! {
        #[test]
        fn however_it_moves_it_is_told_once_a_second_at_most_and_never_far_from_it(
            levels in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0], 1..200),
        ) {
            let (t0, mut telling) = (Instant::now(), Telling::default());
            let (mut count, mut last) = (0, 0.0);
            for (tick, level) in (1_u32..).zip(&levels) {
                if let Some(told) = telling.hear(&busy(), 0.8, *level, t0 + tick * TICK) {
                    prop_assert_eq!(told.from, last);
                    (count, last) = (count + 1, told.to);
                }
            }
            prop_assert!(count <= 1 + levels.len() / 10);
            let end = *levels.last().expect("it is not empty");
            let later = t0 + 1_000 * TICK;
            let last = telling.hear(&busy(), 0.8, end, later).map_or(last, |told| told.to);
            prop_assert!((end - last).abs() < 0.1);
            prop_assert!(last == end || (end != 0.0 && end != 1.0));
        }
    }
}
