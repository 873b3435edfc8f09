//! How important a request is.

use std::{fmt, str::FromStr};

/// How important a request is, in the order in which it is kept.
///
/// Priorities are strict: while requests wait, one of a higher priority always goes
/// first, and when the queue is full the lowest leaves first. So `Critical` is for what
/// earns the money and is a small share of the work; a service that calls everything
/// critical has no priorities. Levels of your own inside one are its
/// [`rank`](crate::Class::rank)s.
///
/// `Critical > Normal > Sheddable > Bulk` holds in Rust, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Nobody waits for it: exports, crawlers, prefetching. Refused first.
    Bulk,
    /// Somebody would rather see it, but can do without: search, recommendations.
    Sheddable,
    /// The default.
    #[default]
    Normal,
    /// What the service is there for: checkout, login. Refused last.
    Critical,
}

impl Priority {
    /// All priorities, the most important first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Normal, Self::Sheddable, Self::Bulk];

    /// The name in lower case, as it stands in a header or a label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Normal => "normal",
            Self::Sheddable => "sheddable",
            Self::Bulk => "bulk",
        }
    }

    /// The next lower one; of the lowest, itself.
    pub(crate) fn below(self) -> Self {
        match self {
            Self::Critical => Self::Normal,
            Self::Normal => Self::Sheddable,
            Self::Sheddable | Self::Bulk => Self::Bulk,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = UnknownPriority;

    /// Reads a name in any case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = |priority: &Self| priority.as_str().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(known).ok_or(UnknownPriority)
    }
}

/// A text that names no [`Priority`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPriority;

impl fmt::Display for UnknownPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown priority: use critical, normal, sheddable or bulk")
    }
}

impl std::error::Error for UnknownPriority {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_order_by_importance() {
        assert!(Priority::Critical > Priority::Normal);
        assert!(Priority::Sheddable > Priority::Bulk);
        assert!(Priority::ALL.is_sorted_by(|higher, lower| higher > lower));
    }

    #[test]
    fn priority_names_round_trip_in_any_case() {
        for priority in Priority::ALL {
            assert_eq!(priority.as_str().parse(), Ok(priority));
            assert_eq!(priority.as_str().to_uppercase().parse(), Ok(priority));
        }
        assert_eq!("urgent".parse::<Priority>(), Err(UnknownPriority));
    }
}
