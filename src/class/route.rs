//! Which route a request takes, by a small number.

use std::{fmt, sync::Arc};

use super::names::Names;

/// A route of the service, such as `GET /products/{id}`: whatever requests do the same
/// work. What each needs of the databases is learned by it.
///
/// Up to 1000 routes are kept apart in a process, so make one of a pattern and never of a
/// path with an id in it. Each takes some 2 kB with each database that is protected.
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

impl Route {
    /// How many routes are kept apart.
    pub(crate) const MOST: usize = 1000;

    /// The route of this name. `None` when there are too many: then nothing is learned of
    /// it, as of a request without a route.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ROUTES.number(&("", name), || name.into()).map(Self)
    }

    /// The route of requests with this method to what this pattern matches. Costs no
    /// allocation but for the first.
    #[must_use]
    pub fn of(method: &str, pattern: &str) -> Option<Self> {
        let name = || format!("{method} {pattern}").into();
        ROUTES.number(&(method, pattern), name).map(Self)
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> Arc<str> {
        ROUTES.name(self.0)
    }

    /// Its number, less than [`MOST`](Self::MOST).
    pub(crate) fn index(self) -> usize {
        self.0 as usize
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

static ROUTES: Names = Names::at_most(Route::MOST);

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
}
