//! The request that runs now, as far as databases are concerned.

use std::{
    cell::{Cell, RefCell},
    mem,
    sync::{Arc, Weak},
    thread::LocalKey,
    time::{Duration, Instant},
};

use super::both::Both;
use crate::{
    brownout::Brownout,
    class::{Class, Downstream, Needs, Priority},
    control::{
        meter::Call,
        spare::{Reused, Spare, Spares},
        witness::{Attendance, Ended, Witness},
    },
    rejection::Rejection,
};

/// Goes with a request through all its polls, and notes what its queries took.
pub(crate) struct Visit(Reused<Notes>);

#[derive(Default)]
struct Notes {
    attendance: Attendance,
    /// Connections that are held by a pass of their own.
    passes: RefCell<Vec<(Downstream, Weak<()>)>>,
    /// The databases that it has sent a query to.
    touched: Cell<Needs>,
    spent: RefCell<Vec<Spent>>,
    refused: RefCell<Option<Rejection>>,
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
    static SPARES: Spares<Notes> = const { RefCell::new(Vec::new()) };
}

impl Visit {
    /// Of whom `attend` tells.
    fn new(attend: impl FnOnce(&mut Attendance)) -> Self {
        let mut notes = Reused::<Notes>::empty();
        attend(&mut notes.attendance);
        Self(notes)
    }

    /// A visit inside of the present one, if there is one: what is held for that one is
    /// held for it, too, both witnesses hear of its queries, it has no more time, and is no
    /// less degraded.
    pub(crate) fn within(attend: impl FnOnce(&mut Attendance)) -> Self {
        let mut visit = Self::new(attend);
        let attendance = &mut visit.0.attendance;
        Self::present(|outer| {
            outer.bound(attendance);
            attendance.covered = attendance.covered.or(outer.0.attendance.covered);
            attendance.witness = match (outer.witness(), attendance.witness.take()) {
                (Some(outer), Some(own)) if !Arc::ptr_eq(&outer, &own) => {
                    Some(Arc::new(Both { outer, own }))
                }
                (outer, own) => own.or(outer),
            };
        });
        visit
    }

    /// No part of any request, and known to be none.
    pub(crate) fn nobody() -> Self {
        let (class, covered) = (Class::exempt(), Needs::All);
        let attend = |own: &mut _| *own = Attendance { class, covered, ..Attendance::default() };
        let mut visit = Self::new(attend);
        visit.0.ended = true;
        visit
    }

    /// What runs in `inside` runs for this visit. Inlined, so that a large result is made where
    /// it is to be.
    #[inline(always)]
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
        &self.0.attendance.class
    }

    /// How important it is. What nothing may refuse is neither more nor less so than another.
    pub(crate) fn priority(&self) -> Option<Priority> {
        let Class { priority, exempt, .. } = *self.class();
        (!exempt).then_some(priority)
    }

    pub(crate) fn brownout(&self) -> Brownout {
        self.0.attendance.brownout
    }

    /// How degraded the service is for it, to be shown.
    pub(crate) fn level(&self) -> f64 {
        self.brownout().told()
    }

    /// When what runs for it has to end. What nothing may refuse, nothing ends.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let Class { deadline, exempt, .. } = *self.class();
        deadline.filter(|_| !exempt)
    }

    pub(crate) fn witness(&self) -> Option<Arc<dyn Witness>> {
        self.0.attendance.witness.clone()
    }

    /// A query of it came and went.
    pub(crate) fn tell(&self, database: Downstream, call: &Call, ended: &Ended) {
        if let Some(witness) = &self.0.attendance.witness {
            witness.tell(database, call, ended);
        }
    }

    /// The same request in another task. What it takes there counts for the route alone.
    pub(crate) fn elsewhere(&self) -> Self {
        Self::after(|attendance| attendance.clone_from(&self.0.attendance))
    }

    /// A request that was told to have ended, and does more.
    pub(crate) fn after(attend: impl FnOnce(&mut Attendance)) -> Self {
        let mut visit = Self::new(attend);
        Self::present(|outer| outer.bound(&mut visit.0.attendance));
        visit.0.ended = true;
        visit
    }

    /// What is inside of it has no more time, and is no less degraded.
    fn bound(&self, inner: &mut Attendance) {
        inner.class = inner.class.no_later_than(self.class().deadline);
        inner.brownout = inner.brownout.worse(self.brownout());
    }

    /// Whether it may take a connection without asking.
    pub(crate) fn covers(&self, database: Downstream) -> bool {
        let holds = |(number, pass): &(Downstream, Weak<()>)| {
            *number == database && pass.strong_count() > 0
        };
        self.0.attendance.covered.include(database) == Some(true)
            || self.0.passes.borrow().iter().any(holds)
    }

    /// A connection is held by a pass of its own as long as what is returned lives.
    pub(crate) fn hold(&self, database: Downstream) -> Arc<()> {
        let pass = Arc::new(());
        let mut passes = self.0.passes.borrow_mut();
        passes.retain(|(_, pass)| pass.strong_count() > 0);
        passes.push((database, Arc::downgrade(&pass)));
        pass
    }

    /// It sends a query.
    pub(crate) fn touch(&self, database: Downstream) {
        let touched = &self.0.touched;
        touched.set(touched.get().and(database));
    }

    /// The databases that it has sent a query to.
    pub(crate) fn touched(&self) -> Needs {
        self.0.touched.get()
    }

    /// It was refused in the middle.
    pub(crate) fn refuse(&self, rejection: Rejection) {
        self.0.refused.replace(Some(rejection));
    }

    pub(crate) fn refused(&self) -> Option<Rejection> {
        self.0.refused.borrow().clone()
    }

    pub(crate) fn spend(&self, number: Downstream, database: &Arc<str>, time: Duration) {
        let mut spent = self.0.spent.borrow_mut();
        match spent.iter_mut().find(|own| own.number == number) {
            Some(own) => {
                own.queries += 1;
                own.time = own.time.saturating_add(time);
            }
            None => spent.push(Spent { number, database: database.clone(), queries: 1, time }),
        }
    }

    /// The request has its answer.
    pub(crate) fn end(&mut self) {
        // Who was refused before the first query did not do what it does.
        if self.0.refused.borrow().is_none() {
            self.0.tell_end();
        }
    }

    /// What the request took.
    pub(crate) fn spent(&mut self) -> &[Spent] {
        self.0.spent.get_mut()
    }
}

impl Notes {
    fn tell_end(&mut self) {
        if !mem::replace(&mut self.ended, true) {
            let touched = self.touched.get();
            self.attendance.witness.iter().for_each(|witness| witness.visited(touched));
        }
    }
}

impl Spare for Notes {
    fn clear(&mut self) {
        // Who leaves before the first query says nothing about the route.
        if self.touched.get() != Needs::Learned {
            self.tell_end();
        }
        let Self { attendance, passes, touched, spent, refused, ended } = self;
        (attendance.witness, *ended) = (None, false);
        passes.get_mut().clear();
        spent.get_mut().clear();
        (*touched.get_mut(), *refused.get_mut()) = (Needs::Learned, None);
    }

    fn spares() -> &'static LocalKey<Spares<Self>> {
        &SPARES
    }
}

/// Puts a visit in the place of the present one, until it drops.
struct Guard<'a>(&'a mut Option<Visit>);

impl<'a> Guard<'a> {
    #[inline]
    fn enter(visit: &'a mut Option<Visit>) -> Self {
        swap_with_present(visit);
        Self(visit)
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        swap_with_present(self.0);
    }
}

#[inline]
fn swap_with_present(visit: &mut Option<Visit>) {
    // A thread that ends has no present any more, and needs none.
    let _ = PRESENT.try_with(|present| mem::swap(&mut *present.borrow_mut(), visit));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Reason;

    fn visit() -> Option<Visit> {
        let (class, covered) = (Class::new(Priority::Bulk), Needs::Learned);
        Some(Visit::new(|attendance| (attendance.class, attendance.covered) = (class, covered)))
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
        own.end();
        let [spent] = own.spent() else { panic!("there is one database") };
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

    #[test]
    fn the_next_visit_finds_nothing_of_one_before_it() {
        let (database, name) = (Downstream::another(), Arc::from("shop"));
        let mut own = visit().expect("it was made");
        own.spend(database, &name, Duration::ZERO);
        own.touch(database);
        own.end();
        own.refuse(Rejection::new(Reason::QueueFull, Duration::ZERO));
        let (_pass, place) = (own.hold(database), std::ptr::from_ref(&*own.0).addr());
        drop(own);
        let mut next = visit().expect("it was made");
        assert_eq!((std::ptr::from_ref(&*next.0).addr(), Arc::strong_count(&name)), (place, 1));
        assert!(!next.covers(database) && next.refused().is_none() && next.spent().is_empty());
        assert!(next.0.touched.get() == Needs::Learned && !next.0.ended);
    }
}
