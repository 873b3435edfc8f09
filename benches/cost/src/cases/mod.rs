//! What is measured, by name.

mod features;
mod goals;
mod ours;
mod peers;
mod refusals;

pub use goals::{GOALS, Goal, Most, What};

use std::{cell::Cell, time::Duration};

use brownout::{Admission, Class, Database, Outcome, Priority, Quota, RateLimit};

use crate::service::Call;

/// One thing that is measured.
#[derive(Clone, Copy)]
pub struct Case {
    pub area: Area,
    pub name: &'static str,
    pub whose: Whose,
    /// The case whose cost is not this one's own, such as that of the bare service.
    pub over: &'static str,
    pub make: fn() -> Call,
}

/// What is asked; cases of one area can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    Nothing,
    Concurrency,
    Breaker,
    Rate,
    RatePerKey,
    Together,
    Decision,
    RefusedWithError,
    Refusal,
    Recording,
    Clones,
    Features,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of nobody: the bare service and what is made by hand.
    Nobodys,
    /// Never takes anything of the heap.
    Ours,
    /// Ours too, but builds or keeps a response or remembers a query, which may take of the heap.
    OursOnHeap,
    /// Of another crate.
    Peers,
}

/// A call of nothing.
pub const NOTHING: &str = "nothing";
/// A call of the bare service.
pub const BARE: &str = "bare service";
/// The same, and its body read to the end.
pub const READ: &str = "bare service, body read";
/// A call of a bare service with axum's body.
pub const PAGE: &str = "bare service, axum's body";

/// Those of these areas.
pub fn of(areas: &[Area]) -> Vec<Case> {
    all().into_iter().filter(|case| areas.contains(&case.area)).collect()
}

/// All of them, the bare ones first.
pub fn all() -> Vec<Case> {
    [ours::bare(), ours::layers(), refusals::all(), ours::around(), features::all(), peers::all()]
        .concat()
}

fn ours(area: Area, name: &'static str, over: &'static str, make: fn() -> Call) -> Case {
    Case { area, name, whose: Whose::Ours, over, make }
}

fn peer(area: Area, name: &'static str, over: &'static str, make: fn() -> Call) -> Case {
    Case { whose: Whose::Peers, ..ours(area, name, over, make) }
}

fn client() -> Class {
    Class::default().key(&next_client())
}

/// Of all priorities in turn.
fn mixed() -> Class {
    thread_local! { static NEXT: Cell<usize> = const { Cell::new(0) } }
    NEXT.set((NEXT.get() + 1) % Priority::ALL.len());
    Class::new(Priority::ALL[NEXT.get()])
}

/// One of many clients, each in turn.
fn next_client() -> u64 {
    thread_local! { static NEXT: Cell<u64> = const { Cell::new(0) } }
    NEXT.set((NEXT.get() + 1) % CLIENTS);
    NEXT.get()
}

/// All three gates in front of a database.
pub(crate) fn all_three(db: &Database) -> Admission {
    let rate = RateLimit::new(PLENTY);
    Admission::builder().protect(db).rate(rate).build().expect(VALID)
}

/// Has the database hear of queries while it is called.
fn fed(make: impl FnOnce(&Database) -> Call) -> Call {
    let db = Database::new("shop");
    let call = make(&db);
    call.besides(move || db.record(MILLISECOND, Outcome::Success))
}

const CLIENTS: u64 = 1_024;
/// What nobody can use up.
pub(crate) const PLENTY: Quota = Quota::per(Duration::from_secs(1), 1_000_000_000).burst(u32::MAX);
pub(crate) const VALID: &str = "the settings are in range";
const MILLISECOND: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_goes_as_its_name_says() {
        let mut names = HashSet::new();
        for case in all() {
            let mut call = (case.make)();
            for _ in 0..100 {
                assert!((call.once)(), "{}", case.name);
                (call.besides)();
            }
            assert!(names.insert(case.name), "{} is there twice", case.name);
        }
        assert!(all().iter().all(|case| names.contains(case.over)));
    }
}
