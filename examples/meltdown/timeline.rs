//! The shape of a run: calm, surge, recovery.

use std::time::Duration;

/// Arrival rate of the calm and of the recovery, in multiples of what the
/// database sustains.
const ORDINARY_FACTOR: f64 = 0.5;

/// Which part of the postmortem a moment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Calm,
    Surge,
    Recovery,
}

impl Phase {
    pub(crate) const ALL: [Self; 3] = [Self::Calm, Self::Surge, Self::Recovery];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Surge => "surge",
            Self::Recovery => "recovery",
        }
    }
}

/// How long each phase lasts and how hard the surge hits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    pub(crate) calm: Duration,
    pub(crate) surge: Duration,
    pub(crate) recovery: Duration,
    /// Arrival rate of the surge in multiples of the sustained rate.
    pub(crate) surge_factor: f64,
}

impl Timeline {
    /// The phase at `at`, counted from the start of the run.
    pub(crate) fn phase(&self, at: Duration) -> Phase {
        if at < self.calm {
            Phase::Calm
        } else if at < self.surge_end() {
            Phase::Surge
        } else {
            Phase::Recovery
        }
    }

    /// Start and end of a phase.
    pub(crate) fn span(&self, phase: Phase) -> (Duration, Duration) {
        match phase {
            Phase::Calm => (Duration::ZERO, self.calm),
            Phase::Surge => (self.calm, self.surge_end()),
            Phase::Recovery => (self.surge_end(), self.end()),
        }
    }

    /// Arrival rate of a phase in multiples of the sustained rate.
    pub(crate) fn factor(&self, phase: Phase) -> f64 {
        match phase {
            Phase::Surge => self.surge_factor,
            Phase::Calm | Phase::Recovery => ORDINARY_FACTOR,
        }
    }

    pub(crate) fn surge_end(&self) -> Duration {
        self.calm + self.surge
    }

    pub(crate) fn end(&self) -> Duration {
        self.surge_end() + self.recovery
    }
}
