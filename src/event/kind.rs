//! What kind of event one is.

use super::Event;

impl Event {
    /// Whether it says that something changed for all. Not the decision on one request, and
    /// not each move of a limit.
    #[must_use]
    pub fn is_transition(&self) -> bool {
        match self {
            Self::Circuit { .. } | Self::Level { .. } => true,
            Self::FleetLost { .. } | Self::FleetFound { .. } => true,
            Self::DrainBegan | Self::Drained { .. } | Self::DrainEnded { .. } => true,
            Self::Refused { .. } | Self::WouldRefuse { .. } | Self::Limit { .. } => false,
            Self::Downgraded { .. } | Self::WouldDowngrade { .. } => false,
        }
    }
}
