//! Refusals that were told lately: those who are refused together are mostly told the same.

use std::{cell::RefCell, collections::VecDeque, sync::Arc};

use bytes::Bytes;
use http::Response;

use crate::{
    rejection::{Reason, Rejection},
    standing::{Policy, Standing},
};

/// What a response says, but for what it is of use to itself.
struct Told {
    reason: Reason,
    is_problem: bool,
    is_final: bool,
    /// The wait.
    seconds: u64,
    of: Option<Of>,
    response: Response<Bytes>,
}

/// How the client stands.
struct Of {
    /// Held, so that no others come to lie in the same place.
    policies: Arc<[Policy]>,
    tightest: *const Policy,
    remaining: u32,
}

thread_local! {
    /// The latest first.
    static TOLD: RefCell<VecDeque<Told>> = const { RefCell::new(VecDeque::new()) };
}

/// The response to a refusal with a wait of so many seconds, which is made if this thread has
/// not told the same lately. Where only the wait was another, and there is no room to remember
/// that, too, it is changed.
pub(super) fn response(
    rejection: &Rejection,
    is_problem: bool,
    seconds: u64,
    make: impl Fn() -> Response<Bytes>,
    change: impl Fn(Response<Bytes>) -> Response<Bytes>,
) -> Response<Bytes> {
    let look = |told: &RefCell<VecDeque<Told>>| {
        let mut told = told.borrow_mut();
        let mut alike = None;
        for told in told.iter().filter(|told| told.is(rejection, is_problem)) {
            if told.seconds == seconds {
                return told.response.clone();
            }
            alike = Some(told);
        }
        if let Some(alike) = alike.filter(|_| told.len() == MOST) {
            return change(alike.response.clone());
        }
        let response = make();
        told.truncate(MOST - 1);
        told.push_front(Told::of(rejection, is_problem, seconds, response.clone()));
        response
    };
    // A thread that ends remembers nothing.
    TOLD.try_with(look).unwrap_or_else(|_| make())
}

impl Told {
    fn of(
        rejection: &Rejection,
        is_problem: bool,
        seconds: u64,
        response: Response<Bytes>,
    ) -> Self {
        let (reason, is_final) = (rejection.reason(), rejection.is_final());
        let of = rejection.standing().map(Of::new);
        Self { reason, is_problem, is_final, seconds, of, response }
    }

    /// Whether it says the same, but perhaps for the wait.
    fn is(&self, rejection: &Rejection, is_problem: bool) -> bool {
        self.reason == rejection.reason()
            && self.is_problem == is_problem
            && self.is_final == rejection.is_final()
            && match (&self.of, rejection.standing()) {
                (Some(own), Some(standing)) => own.is(standing),
                (own, standing) => own.is_none() && standing.is_none(),
            }
    }
}

impl Of {
    fn new(standing: &Standing) -> Self {
        let (policies, tightest) = (standing.shared().clone(), standing.policy() as *const _);
        Self { policies, tightest, remaining: standing.remaining() }
    }

    fn is(&self, standing: &Standing) -> bool {
        Arc::ptr_eq(&self.policies, standing.shared())
            && std::ptr::eq(self.tightest, standing.policy())
            && self.remaining == standing.remaining()
    }
}

/// How many a thread remembers, of about a kilobyte each.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn standing(policies: &Arc<[Policy]>, tightest: usize, remaining: u32) -> Standing {
        Standing::new(policies.clone(), tightest, remaining, Duration::from_secs(9))
    }

    fn policies() -> Arc<[Policy]> {
        let policy = |name| Policy { name: Arc::from(name), cells: 1, period: SECOND, burst: 1 };
        Arc::from([policy("one"), policy("other")])
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// What was told to one after the other: a name that was made for another is remembered.
    fn told(all: &[(&'static str, &Rejection, bool, u64)]) -> Vec<Bytes> {
        let tell = |(name, rejection, is_problem, seconds): &(&'static str, &Rejection, _, _)| {
            let make = || Response::new(Bytes::from(*name));
            response(rejection, *is_problem, *seconds, make, |_| Response::new("changed".into()))
        };
        all.iter().map(|one| tell(one).into_body()).collect()
    }

    #[test]
    fn only_who_is_told_the_same_in_all_gets_what_another_got() {
        let load = Rejection::new(Reason::QueueFull, SECOND);
        let (late, hopeless) =
            (Rejection::new(Reason::CircuitOpen, SECOND), load.clone().finally());
        let all = [
            ("a", &load, false, 1),
            ("b", &load, true, 1),
            ("c", &load, false, 2),
            ("d", &late, false, 1),
            ("e", &hopeless, false, 1),
            ("again", &load, false, 1),
            ("again", &hopeless, false, 1),
        ];
        assert_eq!(told(&all), ["a", "b", "c", "d", "e", "a", "e"]);
    }

    #[test]
    fn who_stands_otherwise_is_told_so() {
        let (own, equal) = (policies(), policies());
        let quota = Rejection::new(Reason::Quota, SECOND);
        let at = |standing| quota.clone().standing_at(standing);
        let (first, second) = (at(standing(&own, 0, 0)), at(standing(&own, 1, 0)));
        let (some, others) = (at(standing(&own, 0, 1)), at(standing(&equal, 0, 0)));
        let all = [
            ("a", &first, false, 1),
            ("b", &second, false, 1),
            ("c", &some, false, 1),
            ("d", &others, false, 1),
            ("e", &quota, false, 1),
            ("again", &first, false, 1),
            ("again", &quota, false, 1),
        ];
        assert_eq!(told(&all), ["a", "b", "c", "d", "e", "a", "e"]);
    }

    #[test]
    fn a_thread_remembers_few() {
        let load = Rejection::new(Reason::QueueFull, SECOND);
        let of = |seconds| told(&[("new", &load, false, seconds)]);
        let first = (0..100).map(of).take_while(|told| told[0] == "new").count();
        assert_eq!((first, of(100)), (MOST, vec![Bytes::from("changed")]));
        let late = Rejection::new(Reason::CircuitOpen, SECOND);
        assert_eq!(told(&[("new", &late, false, 1)]), ["new"], "it takes the place of another");
        TOLD.with_borrow(|told| assert_eq!(told.len(), MOST));
    }
}
