//! Tells whose a request is.

use super::key::Key;

/// Tells whose a request is. Closures do it, those in `brownout::http::key` do, and tuples
/// of two to four, which are there if all their parts are.
///
/// ```
/// use brownout::{Key, KeyOf};
///
/// struct Call { tenant: Option<u32>, method: &'static str }
/// let tenant = |call: &Call| call.tenant.as_ref().map(Key::of);
/// let method = |call: &Call| Some(Key::of(call.method));
///
/// let call = Call { tenant: Some(7), method: "Take" };
/// assert_eq!(tenant.key(&call), Some(Key::of(&7_u32)));
/// assert!((tenant, method).key(&call).is_some());
/// assert!((tenant, method).key(&Call { tenant: None, ..call }).is_none());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell whose a `{Req}` is",
    note = "a closure does: `|request: &{Req}| -> Option<brownout::Key>`",
    note = "trusted proxies do, when it is said what they tell it in: `.x_forwarded_for()` or \
            `.forwarded()`"
)]
pub trait KeyOf<Req> {
    /// The key of `request`; `None` if nothing tells whose it is. Runs once per request,
    /// before any gate: keep it cheap.
    fn key(&self, request: &Req) -> Option<Key>;
}

impl<Req, F> KeyOf<Req> for F
where
    F: Fn(&Req) -> Option<Key>,
{
    fn key(&self, request: &Req) -> Option<Key> {
        self(request)
    }
}

impl<Req, A: KeyOf<Req>, B: KeyOf<Req>> KeyOf<Req> for (A, B) {
    fn key(&self, request: &Req) -> Option<Key> {
        let (a, b) = self;
        Some(Key::of(&(a.key(request)?, b.key(request)?)))
    }
}

impl<Req, A: KeyOf<Req>, B: KeyOf<Req>, C: KeyOf<Req>> KeyOf<Req> for (A, B, C) {
    fn key(&self, request: &Req) -> Option<Key> {
        let (a, b, c) = self;
        Some(Key::of(&(a.key(request)?, b.key(request)?, c.key(request)?)))
    }
}

impl<Req, A, B, C, D> KeyOf<Req> for (A, B, C, D)
where
    A: KeyOf<Req>,
    B: KeyOf<Req>,
    C: KeyOf<Req>,
    D: KeyOf<Req>,
{
    fn key(&self, request: &Req) -> Option<Key> {
        let (a, b, c, d) = self;
        Some(Key::of(&(a.key(request)?, b.key(request)?, c.key(request)?, d.key(request)?)))
    }
}

/// The first key, or else the second.
///
/// ```
/// use brownout::{EitherKey, Key, KeyOf};
///
/// let tenant = |call: &(Option<u32>, &str)| call.0.as_ref().map(Key::of);
/// let method = |call: &(Option<u32>, &str)| Some(Key::of(call.1));
/// let either = EitherKey(tenant, method);
/// assert_eq!(either.key(&(Some(7), "Take")), Some(Key::of(&7_u32)));
/// assert_eq!(either.key(&(None, "Take")), Some(Key::of("Take")));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EitherKey<A, B>(
    /// Is asked first.
    pub A,
    /// Is asked where the first has none.
    pub B,
);

impl<A, B> EitherKey<A, B> {
    /// A third one, where both have none.
    #[must_use]
    pub fn or<C>(self, other: C) -> EitherKey<Self, C> {
        EitherKey(self, other)
    }
}

impl<Req, A: KeyOf<Req>, B: KeyOf<Req>> KeyOf<Req> for EitherKey<A, B> {
    fn key(&self, request: &Req) -> Option<Key> {
        self.0.key(request).or_else(|| self.1.key(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = [Option<u8>; 4];

    fn part(number: usize) -> impl Fn(&Parts) -> Option<Key> + Copy {
        move |parts: &Parts| parts[number].as_ref().map(Key::of)
    }

    #[test]
    fn a_tuple_is_there_if_all_its_parts_are_and_each_of_them_counts() {
        let (two, three) = ((part(0), part(1)), (part(0), part(1), part(2)));
        let four = (part(0), part(1), part(2), part(3));
        let whole = [Some(1), Some(2), Some(3), Some(4)];
        for number in 0..4 {
            let (mut other, mut missing) = (whole, whole);
            (other[number], missing[number]) = (Some(9), None);
            assert_eq!(two.key(&other) == two.key(&whole), number >= 2);
            assert_eq!(three.key(&other) == three.key(&whole), number >= 3);
            assert_ne!(four.key(&other), four.key(&whole));
            assert_eq!(two.key(&missing).is_some(), number >= 2);
            assert_eq!(three.key(&missing).is_some(), number >= 3);
            assert_eq!(four.key(&missing), None);
        }
    }

    #[test]
    fn the_order_of_the_parts_counts() {
        let same = [Some(1), Some(2), None, None];
        assert_ne!((part(0), part(1)).key(&same), (part(1), part(0)).key(&same));
    }

    #[test]
    fn the_first_that_is_there_is_taken() {
        let first = EitherKey(part(0), part(1)).or(part(2));
        assert_eq!(first.key(&[Some(1), Some(2), Some(3), None]), Some(Key::of(&1_u8)));
        assert_eq!(first.key(&[None, Some(2), Some(3), None]), Some(Key::of(&2_u8)));
        assert_eq!(first.key(&[None, None, Some(3), None]), Some(Key::of(&3_u8)));
        assert_eq!(first.key(&[None, None, None, Some(4)]), None);
    }
}
