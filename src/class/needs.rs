//! Which databases a request needs.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

/// One database of the process, by a number of its own. A `&Database` turns into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Downstream(NonZeroU32);

impl Downstream {
    /// Another one.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "databases use it"))]
    pub(crate) fn another() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NonZeroU32::MIN.saturating_add(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Which databases a request needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Those that its [`route`](super::Class::route) was seen to use. Until that is known,
    /// and without a route, all that are protected. The default.
    #[default]
    Learned,
    /// These, at most four.
    Of([Option<Downstream>; 4]),
    /// All that are protected.
    All,
}

impl Needs {
    /// These and one more; the fifth makes it all.
    pub(crate) fn and(self, database: Downstream) -> Self {
        let mut some = match self {
            Self::All => return Self::All,
            Self::Learned => return Self::Of([Some(database), None, None, None]),
            Self::Of(some) => some,
        };
        if some.contains(&Some(database)) {
            return self;
        }
        match some.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(database),
            None => return Self::All,
        }
        Self::Of(some)
    }

    /// These and those.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "visits use it"))]
    pub(crate) fn or(self, others: Self) -> Self {
        match others {
            Self::Learned => self,
            Self::Of(some) => some.into_iter().flatten().fold(self, Self::and),
            Self::All => Self::All,
        }
    }

    /// Whether it is among them; `None` if that has to be learned.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "the gates use it"))]
    pub(crate) fn include(self, database: Downstream) -> Option<bool> {
        match self {
            Self::Learned => None,
            Self::Of(some) => Some(some.contains(&Some(database))),
            Self::All => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_database_makes_it_all() {
        let some: Vec<_> = (0..5).map(|_| Downstream::another()).collect();
        let four = some[..4].iter().fold(Needs::Learned, |needs, one| needs.and(*one));
        assert_eq!(four.include(some[3]), Some(true));
        assert_eq!(four.include(some[4]), Some(false));
        assert_eq!(four.and(some[3]), four, "once is enough");
        assert_eq!(four.and(some[4]).include(Downstream::another()), Some(true));
        assert_eq!(Needs::Learned.include(some[0]), None);
    }
}
