//! Which route a request takes, by a small number.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

/// A route of the service, such as `GET /products/{id}`: whatever requests do the same
/// work. What each needs of the databases is learned by it.
///
/// Up to 1000 routes are kept apart in a process, so make one of a pattern and never of a
/// path with an id in it.
///
/// ```
/// use brownout::Route;
///
/// let route = Route::named("nightly export").expect("there are few");
/// assert_eq!(Route::named("nightly export"), Some(route));
/// assert_eq!(&*route.name(), "nightly export");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Route(u32);

#[derive(Default)]
struct Table {
    numbers: HashMap<u64, u32>,
    names: Vec<Arc<str>>,
}

impl Route {
    /// How many routes are kept apart.
    pub(crate) const MOST: usize = 1000;

    /// The route of this name. `None` when there are too many: then nothing is learned of
    /// it, as of a request without a route.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::number(hash(&("", name)), || name.into())
    }

    /// The route of requests with this method to what this pattern matches. Costs no
    /// allocation but for the first.
    #[must_use]
    pub fn of(method: &str, pattern: &str) -> Option<Self> {
        Self::number(hash(&(method, pattern)), || format!("{method} {pattern}").into())
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> Arc<str> {
        let table = table().read().unwrap_or_else(PoisonError::into_inner);
        table.names[self.index()].clone()
    }

    /// Its number, less than [`MOST`](Self::MOST).
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    fn number(hash: u64, name: impl FnOnce() -> Arc<str>) -> Option<Self> {
        let known = table().read().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(&hash) {
            return Some(Self(*number));
        }
        if known.names.len() >= Self::MOST {
            return None;
        }
        drop(known);
        table().write().unwrap_or_else(PoisonError::into_inner).add(hash, name()).map(Self)
    }
}

impl Table {
    fn add(&mut self, hash: u64, name: Arc<str>) -> Option<u32> {
        // Another thread may have been faster.
        if let Some(number) = self.numbers.get(&hash) {
            return Some(*number);
        }
        let number = u32::try_from(self.names.len()).ok()?;
        if self.names.len() >= Route::MOST {
            return None;
        }
        self.names.push(name);
        self.numbers.insert(hash, number);
        Some(number)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Route").field(&self.name()).finish()
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

fn table() -> &'static RwLock<Table> {
    static TABLE: OnceLock<RwLock<Table>> = OnceLock::new();
    TABLE.get_or_init(RwLock::default)
}

/// Seeded, so that nobody outside can choose paths that meet.
fn hash(parts: &(&str, &str)) -> u64 {
    static SEED: OnceLock<RandomState> = OnceLock::new();
    SEED.get_or_init(RandomState::new).hash_one(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_and_a_pattern_make_one_route() {
        let get = Route::of("GET", "/products/{id}").expect("there are few");
        assert_eq!(Route::of("GET", "/products/{id}"), Some(get));
        assert_ne!(Route::of("PUT", "/products/{id}"), Some(get));
        assert_eq!(get.to_string(), "GET /products/{id}");
    }

    #[test]
    fn the_table_has_a_bound() {
        let mut table = Table::default();
        let added = (0..5000).filter_map(|hash| table.add(hash, Arc::from("x"))).count();
        assert_eq!((added, table.names.len()), (Route::MOST, Route::MOST));
        assert_eq!(table.add(7, Arc::from("x")), Some(7), "what is there stays");
    }
}
