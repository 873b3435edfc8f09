//! What a request is to the gates: how important, whose, until when.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    str::FromStr,
    sync::OnceLock,
    time::Instant,
};

/// How important a request is, in the order in which it is kept.
///
/// Priorities are strict: while requests wait, one of a higher priority always goes
/// first, and when the queue is full the lowest leaves first. So `Critical` is for what
/// earns the money and is a small share of the work; a service that calls everything
/// critical has no priorities.
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
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Normal => "normal",
            Self::Sheddable => "sheddable",
            Self::Bulk => "bulk",
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

/// Whose request it is, for quotas per client: eight bytes, whatever it was made of.
///
/// The hash is seeded once per process, so nobody outside can aim at another's bucket.
/// Two of a hundred thousand clients share one with a probability of 3 in 10¹⁰.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The key for a client: its address, API key, tenant, or a tuple of such.
    ///
    /// ```
    /// use brownout::Key;
    ///
    /// assert_eq!(Key::of("tenant-7"), Key::of("tenant-7"));
    /// assert_ne!(Key::of(&("tenant-7", "/search")), Key::of(&("tenant-7", "/orders")));
    /// ```
    pub fn of<T: Hash + ?Sized>(client: &T) -> Self {
        static SEED: OnceLock<RandomState> = OnceLock::new();
        Self(SEED.get_or_init(RandomState::new).hash_one(client))
    }
}

/// All that the gates know of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Class {
    /// How important the request is. Default: [`Priority::Normal`].
    pub priority: Priority,
    /// Whose it is. Default: nobody's; all such requests share one bucket.
    pub key: Option<Key>,
    /// When its answer is of no use any more. Default: never. A request does not wait
    /// past it; one that need not wait is admitted, however late it is.
    pub deadline: Option<Instant>,
    /// True if no gate may refuse, delay or count it. Default: false.
    pub exempt: bool,
}

impl Class {
    /// A class of this priority, with no key and no deadline.
    #[must_use]
    pub fn new(priority: Priority) -> Self {
        Self { priority, ..Self::default() }
    }

    /// The class of requests that pass every gate untouched, such as health checks and
    /// pages that need no database.
    #[must_use]
    pub fn exempt() -> Self {
        Self { exempt: true, ..Self::default() }
    }

    /// The same class, counted against this client's quota.
    #[must_use]
    pub fn key<T: Hash + ?Sized>(self, client: &T) -> Self {
        Self { key: Some(Key::of(client)), ..self }
    }

    /// The same class, of no use after `deadline`.
    #[must_use]
    pub fn deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }
}

impl From<Priority> for Class {
    fn from(priority: Priority) -> Self {
        Self::new(priority)
    }
}

/// Tells the class of a request. Closures do it, and a [`Class`] gives the same to all.
pub trait Classify<Req> {
    /// The class of `request`. Runs once per request, before any gate: keep it cheap.
    fn classify(&self, request: &Req) -> Class;
}

impl<Req> Classify<Req> for Class {
    fn classify(&self, _request: &Req) -> Class {
        *self
    }
}

impl<Req, F> Classify<Req> for F
where
    F: Fn(&Req) -> Class,
{
    fn classify(&self, request: &Req) -> Class {
        self(request)
    }
}

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

    #[test]
    fn closures_and_classes_classify() {
        let by_length = |text: &&str| match text.len() {
            0 => Class::exempt(),
            _ => Class::new(Priority::Critical),
        };
        assert!(by_length.classify(&"").exempt);
        assert_eq!(by_length.classify(&"x").priority, Priority::Critical);
        let constant = Class::new(Priority::Bulk);
        assert_eq!(constant.classify(&"anything"), constant);
    }
}
