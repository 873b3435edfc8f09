//! Decides on a request whose quota a fleet shares.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    super::{
        gate::RateGate,
        permit::{Purse, RatePermit},
        quotas::{Debt, Set},
        settings::{Price, Settings},
    },
    Leases, Order, RateWait, Sharing, Taken,
    held::{Held, Step, Terms},
    question::{Question, Trouble},
    wait::Stage,
};
use crate::{
    class::Class,
    clock,
    gate::Entry,
    rejection::{Reason, Rejection},
};

/// One request, and all that is to be known about it.
#[derive(Clone, Copy)]
pub(in crate::gate::rate) struct Case<'c> {
    pub(super) gate: &'c RateGate,
    pub(super) leases: &'c Leases,
    pub(super) sharing: &'c Sharing,
    pub(super) settings: &'c Arc<Settings>,
    pub(super) class: &'c Class,
    pub(super) price: Price,
}

/// How far a request is.
pub(super) enum Progress {
    Decided(Result<RatePermit, Rejection>),
    /// It asks.
    Asking(Question),
    /// Another has asked for it.
    Joined(oneshot::Receiver<()>),
}

impl<'c> Case<'c> {
    /// None where the quota is not shared.
    pub(in crate::gate::rate) fn of(
        gate: &'c RateGate,
        settings: &'c Arc<Settings>,
        class: &'c Class,
        price: Price,
    ) -> Option<Self> {
        let (leases, sharing) = (gate.0.leases.as_ref()?, settings.sharing.as_ref()?);
        Some(Self { gate, leases, sharing, settings, class, price })
    }

    /// Decides at once where that needs nobody's answer.
    pub(in crate::gate::rate) fn enter(self, now: Instant) -> Entry<RatePermit, RateWait> {
        self.sharing.store.roll_call(now);
        match self.begin(true, now) {
            Progress::Decided(result) => result.into(),
            Progress::Asking(question) => self.wait(Stage::Asking(question)),
            Progress::Joined(granted) => self.wait(Stage::Joined(granted)),
        }
    }

    fn wait(&self, stage: Stage) -> Entry<RatePermit, RateWait> {
        Entry::Waiting(RateWait::new(self, stage))
    }

    pub(super) fn begin(&self, may_join: bool, now: Instant) -> Progress {
        let spend = |held: &mut Held| match held.step(self.terms(), may_join, now) {
            Step::Spent => Ok(Ok(self.permit(held, now))),
            Step::Lack(lack) => Ok(Err(self.refusal(lack.debt, lack.wait))),
            Step::Rest { wait } => Ok(Err(self.tightest(held, now, wait))),
            step => Err(step),
        };
        match self.leases.visit(self.class.key, self.set(), spend) {
            Ok(result) => self.decided(result),
            Err(Step::Join(granted)) => Progress::Joined(granted),
            Err(Step::Ask { more }) => self.ask(more, now),
            Err(_) => unreachable!("those are decided"),
        }
    }

    fn ask(&self, more: u32, now: Instant) -> Progress {
        let store = &self.sharing.store;
        let Ok(probe) = store.breaker.check(self.class) else {
            self.fail(more, now);
            return self.decided(self.decide_alone(&SHUT, now));
        };
        self.gate.0.tally.ask();
        let price = self.price.units.get();
        let rates = Arc::clone(&self.set().shared);
        let key = self.class.key.filter(|_| self.settings.per_key);
        let order = Order::new(key, rates, price, price.saturating_add(more));
        Progress::Asking(Question::ask(store, order, more, probe, now))
    }

    /// An answer is there, or there is to be none.
    pub(super) fn arrive(&self, mut question: Question, taken: Option<Taken>) -> Progress {
        let (now, more) = (clock::now(), question.more);
        let landed = taken.map(|taken| self.land(more, taken, now));
        let answered = !matches!(landed, None | Some(Ok(None)));
        question.finish(&self.sharing.store, answered, now);
        if landed.is_none() {
            self.fail(more, now);
        }
        self.decided(match landed {
            Some(Ok(Some(permit))) => {
                self.hear_answer(now);
                Ok(permit)
            }
            Some(Err(rejection)) => {
                self.hear_answer(now);
                Err(rejection)
            }
            Some(Ok(None)) => self.decide_alone(&Trouble::Short, now),
            None => self.decide_alone(&question.trouble, now),
        })
    }

    /// What an answer makes of the request. None where it is no answer to what was asked.
    fn land(&self, more: u32, taken: Taken, now: Instant) -> Result<Option<RatePermit>, Rejection> {
        let (result, landed) = self.leases.visit(self.class.key, self.set(), |held| {
            let (paid, landed) = held.land(self.terms(), more, taken, now);
            let result = match paid {
                Ok(paid) => Ok(paid.then(|| self.permit(held, now))),
                Err(lack) => Err(self.refusal(lack.debt, lack.wait)),
            };
            (result, landed)
        });
        self.leases.tell(self.class.key, self.set(), landed, now);
        result
    }

    /// There is no answer to a question.
    pub(super) fn fail(&self, more: u32, now: Instant) {
        let fail = |held: &mut Held| held.fail(more, now);
        let landed = self.leases.visit(self.class.key, self.set(), fail);
        self.leases.tell(self.class.key, self.set(), landed, now);
    }

    /// Another's question has brought the units.
    pub(super) fn grant(&self, now: Instant) -> Progress {
        let permit = |held: &mut Held| self.permit(held, now);
        let permit = self.leases.visit(self.class.key, self.set(), permit);
        self.decided(Ok(permit))
    }

    /// Nobody answers in time.
    pub(super) fn time_out(&self, now: Instant) -> Progress {
        self.decided(self.decide_alone(&Trouble::Late, now))
    }

    /// The units of a request that has left are held again.
    pub(super) fn leave(&self, now: Instant) {
        self.leases.hand_back(self.class.key, self.set(), self.price.units.get(), now);
    }

    fn decided(&self, result: Result<RatePermit, Rejection>) -> Progress {
        Progress::Decided(self.gate.settle(self.settings, self.class, result))
    }

    fn permit(&self, held: &Held, now: Instant) -> RatePermit {
        let Settings { units, tell_all, .. } = **self.settings;
        let debt = |quota, rate: &_| held.debt(quota, rate, now);
        let standing = tell_all.then(|| self.set().standing(self.set().tightest(debt), units));
        RatePermit::of(self.price, Purse::Lease, standing)
    }

    fn tightest(&self, held: &Held, now: Instant, wait: Duration) -> Rejection {
        let debt = |quota, rate: &_| held.debt(quota, rate, now);
        self.refusal(self.set().tightest(debt), wait)
    }

    fn refusal(&self, debt: Debt, wait: Duration) -> Rejection {
        let standing = self.set().standing(debt, self.settings.units);
        Rejection::new(Reason::Quota, wait).standing_at(standing)
    }

    pub(super) fn set(&self) -> &Set {
        self.settings.quotas.of(self.class.plan)
    }

    fn terms(&self) -> Terms<'_> {
        let lease = self.sharing.most(self.settings.units);
        Terms { set: self.set(), price: self.price.units.get(), lease }
    }
}

/// Why nobody is asked.
const SHUT: &str = "its circuit is open";
