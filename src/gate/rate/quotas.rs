//! Which quotas hold for whom.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::{
    fleet::SharedRate,
    quota::{Quota, Rate},
};
use crate::{
    class::Plan,
    config::InvalidConfig,
    standing::{Policy, Standing},
};

/// The quotas of all plans.
#[derive(Debug)]
pub(super) struct Quotas {
    /// For requests without a plan, or of one that is not known here.
    all: Set,
    /// By the number of the plan.
    plans: Box<[Option<Box<Set>>]>,
}

/// The quotas that hold for one request. All of them have to admit it.
#[derive(Debug)]
pub(super) struct Set {
    /// In how many parts a cell is counted.
    pub(super) units: u32,
    pub(super) rates: Box<[Rate]>,
    /// The same for buckets that a fleet shares.
    pub(super) shared: Arc<[SharedRate]>,
    /// What clients are told of them.
    pub(super) policies: Arc<[Policy]>,
}

impl Quotas {
    pub(super) fn checked(
        all: &[Quota],
        plans: &[(Plan, Vec<Quota>)],
        units: u32,
    ) -> Result<Self, InvalidConfig> {
        let places = plans.iter().map(|(plan, _)| plan.index() + 1).max().unwrap_or_default();
        let mut sets: Box<[_]> = (0..places).map(|_| None).collect();
        for (plan, quotas) in plans {
            sets[plan.index()] = Some(Box::new(Set::checked(quotas, units)?));
        }
        Ok(Self { all: Set::checked(all, units)?, plans: sets })
    }

    /// The most that hold for one request.
    pub(super) fn most_at_once(&self) -> usize {
        let plans = self.plans.iter().flatten().map(|set| set.rates.len());
        plans.fold(self.all.rates.len(), usize::max)
    }

    /// What a store is asked for: of all, and then by the number of the plan.
    pub(super) fn shared(&self) -> Vec<Option<Arc<[SharedRate]>>> {
        let plans = self.plans.iter().map(Option::as_deref);
        let sets = std::iter::once(Some(&self.all)).chain(plans);
        sets.map(|set| set.map(|set| set.shared.clone())).collect()
    }

    #[inline]
    pub(super) fn of(&self, plan: Option<Plan>) -> &Set {
        let own = plan.and_then(|plan| self.plans.get(plan.index())?.as_deref());
        own.unwrap_or(&self.all)
    }
}

impl Set {
    /// The most quotas at once.
    pub(super) const MOST: usize = 4;

    fn checked(quotas: &[Quota], units: u32) -> Result<Self, InvalidConfig> {
        if !(1..=Self::MOST).contains(&quotas.len()) {
            let allowed = format_args!("from 1 to {}", Self::MOST).to_string();
            return Err(InvalidConfig::new("quotas", quotas.len(), allowed));
        }
        let rates: Result<Box<[_]>, _> = quotas.iter().map(|quota| quota.checked(units)).collect();
        let rates = rates?;
        let policies: Arc<[Policy]> = rates.iter().map(|rate| rate.policy.clone()).collect();
        for (index, Policy { name, .. }) in policies.iter().enumerate() {
            if policies[..index].iter().any(|other| other.name == *name) {
                let allowed = "different from those of the quotas beside it";
                return Err(InvalidConfig::new("name", name, allowed));
            }
        }
        Ok(Self::new(units, rates, policies))
    }

    fn new(units: u32, rates: Box<[Rate]>, policies: Arc<[Policy]>) -> Self {
        let shared =
            |rate: &Rate| SharedRate::new(Duration::from_nanos(rate.interval), rate.burst.get());
        Self { units, shared: rates.iter().map(shared).collect(), rates, policies }
    }

    /// The share of one of so many processes, for a request of this price.
    pub(super) fn divided(&self, among: u32, price: NonZeroU32) -> Self {
        let rates = self.rates.iter().map(|rate| rate.divided(among, price)).collect();
        Self::new(self.units, rates, self.policies.clone())
    }

    /// Of the quotas, each of which is whole again in so many nanoseconds, that with the
    /// fewest cells left.
    pub(super) fn tightest(&self, debt: impl Fn(usize, &Rate) -> u64) -> Debt {
        let debts = self.rates.iter().enumerate().map(|(quota, rate)| {
            let nanos = debt(quota, rate);
            (rate.left(nanos), Debt { quota, nanos })
        });
        let tightest = debts.min_by_key(|(left, _)| *left);
        tightest.map_or(Debt { quota: 0, nanos: 0 }, |(_, debt)| debt)
    }

    /// How a client stands who owes so much.
    pub(super) fn standing(&self, debt: Debt, units: u32) -> Standing {
        let Debt { quota, nanos } = debt;
        let left = self.rates[quota].left(nanos) / u64::from(units);
        // No more than a burst, so it fits.
        Standing::new(self.policies.clone(), quota, left as u32, Duration::from_nanos(nanos))
    }
}

/// What is owed of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Debt {
    /// Which of the quotas.
    pub(super) quota: usize,
    /// In which it is whole again, in nanoseconds.
    pub(super) nanos: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_its_own_quotas_and_others_have_those_of_all() {
        let plan = |name| Plan::named(name).expect("there are few");
        let (pro, free) = (plan("quotas pro"), plan("quotas free"));
        let plans = [(pro, vec![Quota::per_second(7), Quota::per_day(9)])];
        let quotas = Quotas::checked(&[Quota::per_second(1)], &plans, 1).expect("they are valid");
        let bursts = |plan| quotas.of(plan).rates.iter().map(|rate| rate.burst.get()).collect();
        let all: [Vec<u32>; 3] = [bursts(Some(pro)), bursts(Some(free)), bursts(None)];
        assert_eq!(all, [vec![7, 9], vec![1], vec![1]]);
    }

    #[test]
    fn too_many_quotas_and_equal_names_are_found() {
        let error = |quotas: &[Quota]| Quotas::checked(quotas, &[], 1).unwrap_err().to_string();
        assert_eq!(error(&[]), "`quotas` is 0, but must be from 1 to 4");
        let twice = [Quota::per_second(1), Quota::per_second(2)];
        assert_eq!(
            error(&twice),
            "`name` is second, but must be different from those of the quotas beside it"
        );
    }
}
