//! Stretches of time and the conditions in them.

/// A stretch of time. Its conditions stay, or move in a straight line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    pub(super) seconds: f64,
    /// Arrivals in multiples of what the database can do at best.
    pub(super) load: f64,
    /// What is left of the database's speed.
    pub(super) speed: Course,
    /// Added to every query without work, in seconds.
    pub(super) delay: Course,
    /// Multiplies the share of the dearest kind of request.
    pub(super) dear: f64,
    /// Within each second, the load is tripled for a fifth and less in the rest.
    pub(super) bursts: bool,
}

/// A number from the beginning to the end of a phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    pub(super) from: f64,
    pub(super) to: f64,
}

/// A point in a phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    /// Which phase.
    pub(super) number: usize,
    pub(super) phase: &'a Phase,
    /// How much of it is over, from 0 to 1.
    passed: f64,
}

impl Phase {
    pub(super) fn new(seconds: f64, load: f64) -> Self {
        let (speed, delay) = (Course::steady(1.0), Course::steady(0.0));
        Self { seconds, load, speed, delay, dear: 1.0, bursts: false }
    }

    /// The highest load in it.
    pub(super) fn peak(&self) -> f64 {
        if self.bursts { BURST * self.load } else { self.load }
    }

    /// The load within a second.
    pub(super) fn load_at(&self, seconds: f64) -> f64 {
        match self.bursts {
            true if seconds.fract() < 0.2 => BURST * self.load,
            true => 0.5 * self.load,
            false => self.load,
        }
    }
}

impl Course {
    pub(super) fn steady(value: f64) -> Self {
        Self { from: value, to: value }
    }
}

impl<'a> Moment<'a> {
    /// The moment at `seconds`; None when all phases are over.
    pub(super) fn of(phases: &'a [Phase], seconds: f64) -> Option<Self> {
        let mut begin = 0.0;
        for (number, phase) in phases.iter().enumerate() {
            let end = begin + phase.seconds;
            if seconds < end {
                let passed = (seconds - begin) / phase.seconds;
                return Some(Self { number, phase, passed });
            }
            begin = end;
        }
        None
    }

    pub(super) fn speed(&self) -> f64 {
        self.on(self.phase.speed)
    }

    pub(super) fn delay(&self) -> f64 {
        self.on(self.phase.delay)
    }

    fn on(&self, course: Course) -> f64 {
        course.from + (course.to - course.from) * self.passed
    }
}

/// How much more than usual comes in a burst.
const BURST: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_move_in_a_straight_line() {
        let mut drift = Phase::new(10.0, 0.5);
        drift.speed.to = 0.5;
        let phases = [Phase::new(5.0, 0.5), drift];
        let speed = |seconds| Moment::of(&phases, seconds).map(|moment| moment.speed());
        assert_eq!(speed(4.0), Some(1.0));
        assert_eq!(speed(5.0), Some(1.0));
        assert_eq!(speed(10.0), Some(0.75));
        assert_eq!(speed(15.0), None);
    }
}
