//! Boxes that are used again.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
    thread::LocalKey,
};

/// What every request has one of, and what is too large to be moved around with it.
pub(crate) trait Spare: Default + 'static {
    /// Nothing is left but the room for the next one, and what that one sets in any case. Takes
    /// itself apart without `..`, so that no field is forgotten that is added.
    fn clear(&mut self);

    /// Where a thread keeps those that are over.
    fn spares() -> &'static LocalKey<Spares<Self>>;
}

pub(crate) type Spares<T> = RefCell<Vec<Box<T>>>;

/// A box that another had before and that goes to another when it drops, so that it costs no
/// allocation.
pub(crate) struct Reused<T: Spare>(Option<Box<T>>);

impl<T: Spare> Reused<T> {
    /// One with nothing in it.
    pub(crate) fn empty() -> Self {
        let spare = T::spares().try_with(|spares| spares.borrow_mut().pop());
        Self(Some(spare.ok().flatten().unwrap_or_default()))
    }
}

impl<T: Spare> Deref for Reused<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().expect(UNTIL_THE_DROP)
    }
}

impl<T: Spare> DerefMut for Reused<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_deref_mut().expect(UNTIL_THE_DROP)
    }
}

impl<T: Spare> Drop for Reused<T> {
    fn drop(&mut self) {
        // What is dropped with it may need one itself, so that comes first.
        self.clear();
        let spare = self.0.take();
        // A thread that ends keeps none.
        let _ = T::spares().try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < MOST {
                spares.extend(spare);
            }
        });
    }
}

const UNTIL_THE_DROP: &str = "it is there until the drop";

/// How many a thread keeps, since it may end what others have begun.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Notes {
        text: Vec<u8>,
    }

    thread_local! {
        static SPARES: Spares<Notes> = const { RefCell::new(Vec::new()) };
    }

    impl Spare for Notes {
        fn clear(&mut self) {
            self.text.clear();
        }

        fn spares() -> &'static LocalKey<Spares<Self>> {
            &SPARES
        }
    }

    #[test]
    fn the_next_one_finds_the_room_and_nothing_in_it() {
        let mut first = Reused::<Notes>::empty();
        first.text.extend([1, 2, 3]);
        let room = first.text.as_ptr();
        drop(first);
        let second = Reused::<Notes>::empty();
        assert!(second.text.is_empty() && second.text.capacity() >= 3);
        assert_eq!(second.text.as_ptr(), room);
    }

    #[test]
    fn a_thread_keeps_no_more_than_it_is_likely_to_need() {
        let many: Vec<_> = (0..2 * MOST).map(|_| Reused::<Notes>::empty()).collect();
        drop(many);
        assert_eq!(SPARES.with_borrow(Vec::len), MOST);
    }
}
