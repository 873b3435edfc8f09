//! The request that runs now, as far as databases are concerned.

use std::{
    cell::{Cell, RefCell},
    mem,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use crate::{
    class::{Class, Downstream, Needs},
    control::{
        meter::Call,
        witness::{Attendance, Ended, Witness},
    },
    rejection::Rejection,
};

/// Goes with a request through all its polls, and notes what its queries took.
///
/// It is moved with every poll, so what few requests have is in a box.
pub(crate) struct Visit {
    attendance: Attendance,
    /// Connections that are held by a pass of their own.
    passes: RefCell<Vec<(Downstream, Weak<()>)>>,
    /// The databases that it has sent a query to.
    touched: Cell<Needs>,
    spent: RefCell<Vec<Spent>>,
    refused: RefCell<Option<Box<Rejection>>>,
    /// Its witness knows of its end, or has not to.
    ended: bool,
}

/// What a request took of one database.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Spent {
    number: Downstream,
    /// The name of the database.
    pub database: Arc<str>,
    /// Queries that came back, and waits for a connection.
    pub queries: u64,
    /// The time that they took, added up.
    pub time: Duration,
}

thread_local! {
    static PRESENT: RefCell<Option<Visit>> = const { RefCell::new(None) };
}

impl Visit {
    pub(crate) fn new(attendance: Attendance) -> Self {
        let (passes, touched, spent, refused) = Default::default();
        Self { attendance, passes, touched, spent, refused, ended: false }
    }

    /// A visit inside of the present one, if there is one: what is held for that one is
    /// held for it, too, both witnesses hear of its queries, and it has no more time.
    pub(crate) fn within(mut attendance: Attendance) -> Self {
        Self::present(|outer| {
            attendance.class = attendance.class.no_later_than(outer.class().deadline);
            attendance.covered = attendance.covered.or(outer.attendance.covered);
            attendance.witness = match (outer.witness(), attendance.witness.take()) {
                (Some(outer), Some(own)) if !Arc::ptr_eq(&outer, &own) => {
                    Some(Arc::new(Both { outer, own }))
                }
                (outer, own) => own.or(outer),
            };
        });
        Self::new(attendance)
    }

    /// No part of any request, and known to be none.
    pub(crate) fn nobody() -> Self {
        let covered = Needs::All;
        let attendance = Attendance { class: Class::exempt(), witness: None, covered };
        let mut visit = Self::new(attendance);
        visit.ended = true;
        visit
    }

    /// What runs in `inside` runs for this visit.
    pub(crate) fn during<T>(visit: &mut Option<Self>, inside: impl FnOnce() -> T) -> T {
        if visit.is_none() {
            return inside();
        }
        let _guard = Guard::enter(visit);
        inside()
    }

    /// The visit that runs now, if one does.
    pub(crate) fn present<T>(look: impl FnOnce(&Self) -> T) -> Option<T> {
        let looked = PRESENT.try_with(|present| present.borrow().as_ref().map(look));
        looked.ok().flatten()
    }

    pub(crate) fn class(&self) -> &Class {
        &self.attendance.class
    }

    /// When what runs for it has to end. What nothing may refuse, nothing ends.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let Class { deadline, exempt, .. } = self.attendance.class;
        deadline.filter(|_| !exempt)
    }

    pub(crate) fn witness(&self) -> Option<Arc<dyn Witness>> {
        self.attendance.witness.clone()
    }

    /// The same request in another task. What it takes there counts for the route alone.
    pub(crate) fn elsewhere(&self) -> Self {
        Self::after(self.attendance.clone())
    }

    /// A request that was told to have ended, and does more.
    pub(crate) fn after(attendance: Attendance) -> Self {
        let mut visit = Self::new(attendance);
        visit.ended = true;
        visit
    }

    /// Whether it may take a connection without asking.
    pub(crate) fn covers(&self, database: Downstream) -> bool {
        let holds = |(number, pass): &(Downstream, Weak<()>)| {
            *number == database && pass.strong_count() > 0
        };
        self.attendance.covered.include(database) == Some(true)
            || self.passes.borrow().iter().any(holds)
    }

    /// A connection is held by a pass of its own as long as what is returned lives.
    pub(crate) fn hold(&self, database: Downstream) -> Arc<()> {
        let pass = Arc::new(());
        let mut passes = self.passes.borrow_mut();
        passes.retain(|(_, pass)| pass.strong_count() > 0);
        passes.push((database, Arc::downgrade(&pass)));
        pass
    }

    /// It sends a query.
    pub(crate) fn touch(&self, database: Downstream) {
        self.touched.set(self.touched.get().and(database));
    }

    /// It was refused in the middle.
    pub(crate) fn refuse(&self, rejection: Rejection) {
        self.refused.replace(Some(Box::new(rejection)));
    }

    pub(crate) fn refused(&self) -> Option<Rejection> {
        self.refused.borrow().as_deref().cloned()
    }

    pub(crate) fn spend(&self, number: Downstream, database: &Arc<str>, time: Duration) {
        let mut spent = self.spent.borrow_mut();
        match spent.iter_mut().find(|own| own.number == number) {
            Some(own) => {
                own.queries += 1;
                own.time = own.time.saturating_add(time);
            }
            None => spent.push(Spent { number, database: database.clone(), queries: 1, time }),
        }
    }

    /// The request has its answer. Returns what it took.
    pub(crate) fn end(&mut self) -> Vec<Spent> {
        // Who was refused before the first query did not do what it does.
        if self.refused.borrow().is_none() {
            self.tell_end();
        }
        self.spent.take()
    }

    fn tell_end(&mut self) {
        if !mem::replace(&mut self.ended, true) {
            let touched = self.touched.get();
            self.attendance.witness.iter().for_each(|witness| witness.visited(touched));
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        // Who leaves before the first query says nothing about the route.
        if self.touched.get() != Needs::Learned {
            self.tell_end();
        }
    }
}

/// Of a visit inside of another, which tells of its own end itself.
struct Both {
    outer: Arc<dyn Witness>,
    own: Arc<dyn Witness>,
}

impl Witness for Both {
    fn start(&self, database: Downstream, call: &Call) {
        self.outer.start(database, call);
        self.own.start(database, call);
    }

    fn end(&self, database: Downstream, call: &Call, ended: &Ended) {
        self.outer.end(database, call, ended);
        self.own.end(database, call, ended);
    }

    fn visited(&self, touched: Needs) {
        self.own.visited(touched);
    }
}

/// Puts a visit in the place of the present one, until it drops.
struct Guard<'a>(&'a mut Option<Visit>);

impl<'a> Guard<'a> {
    fn enter(visit: &'a mut Option<Visit>) -> Self {
        swap_with_present(visit);
        Self(visit)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        swap_with_present(self.0);
    }
}

fn swap_with_present(visit: &mut Option<Visit>) {
    // A thread that ends has no present any more, and needs none.
    let _ = PRESENT.try_with(|present| mem::swap(&mut *present.borrow_mut(), visit));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{class::Priority, rejection::Reason};

    fn visit() -> Option<Visit> {
        let (class, covered) = (Class::new(Priority::Bulk), Needs::Learned);
        Some(Visit::new(Attendance { class, witness: None, covered }))
    }

    fn priority() -> Option<Priority> {
        Visit::present(|visit| visit.class().priority)
    }

    #[test]
    fn the_present_visit_is_the_innermost() {
        assert_eq!(priority(), None);
        let (mut outer, mut inner) = (visit(), Some(Visit::nobody()));
        Visit::during(&mut outer, || {
            assert_eq!(priority(), Some(Priority::Bulk));
            Visit::during(&mut inner, || assert_eq!(priority(), Some(Priority::Normal)));
            Visit::during(&mut None, || assert_eq!(priority(), Some(Priority::Bulk)));
            assert_eq!(priority(), Some(Priority::Bulk));
        });
        assert_eq!(priority(), None);
        assert!(outer.is_some() && inner.is_some(), "each is back in its place");
    }

    #[test]
    fn a_panic_inside_leaves_no_visit_behind() {
        let mut own = visit();
        let inside = std::panic::AssertUnwindSafe(|| Visit::during(&mut own, || panic!("inside")));
        assert!(std::panic::catch_unwind(inside).is_err());
        assert_eq!(priority(), None);
    }

    #[test]
    fn what_is_noted_stays_with_the_visit() {
        let (database, name) = (Downstream::another(), Arc::from("shop"));
        let mut own = visit();
        let rejection = Rejection::new(Reason::QueueFull, Duration::ZERO);
        Visit::during(&mut own, || {
            Visit::present(|visit| {
                visit.spend(database, &name, Duration::from_millis(2));
                visit.spend(database, &name, Duration::from_millis(3));
                visit.refuse(rejection.clone());
            });
        });
        let mut own = own.expect("it is back");
        assert_eq!(own.refused(), Some(rejection));
        let [spent] = &own.end()[..] else { panic!("there is one database") };
        assert_eq!((spent.queries, spent.time), (2, Duration::from_millis(5)));
    }

    #[test]
    fn who_holds_a_connection_may_take_another() {
        let (database, other) = (Downstream::another(), Downstream::another());
        let own = visit().expect("it was made");
        assert!(!own.covers(database));
        let pass = own.hold(database);
        assert!(own.covers(database) && !own.covers(other));
        drop(pass);
        assert!(!own.covers(database));
    }
}
