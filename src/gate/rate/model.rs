//! The quotas against leaky buckets in whole nanoseconds, on paused time.

use std::{collections::HashMap, time::Duration};

use proptest::prelude::*;
use tokio::time::{Instant, advance};

use super::{Quota, RateGate, RateLimit, RatePermit};
use crate::{
    class::Class,
    clock,
    gate::{Entry, Gate},
    rejection::Reason,
};

/// What a client has poured into its buckets and has not run out yet, in nanoseconds of each
/// quota, and when somebody last looked.
struct Client {
    levels: Vec<u128>,
    at: Instant,
}

struct Plain {
    /// In hundredths of a cell, where costs count.
    units: u128,
    quotas: Vec<Figures>,
    clients: HashMap<Option<u8>, Client>,
    admitted: u64,
    refused: u64,
}

#[derive(Clone, Copy, Debug)]
struct Figures {
    period: u64,
    cells: u32,
    burst: u32,
}

impl Figures {
    fn quota(self, name: &'static str) -> Quota {
        Quota::per(Duration::from_micros(self.period), self.cells).burst(self.burst).named(name)
    }

    /// The time of a unit, rounded up, in nanoseconds.
    fn unit(self, units: u128) -> u128 {
        (u128::from(self.period) * 1000).div_ceil(u128::from(self.cells) * units)
    }

    fn burst(self, units: u128) -> u128 {
        u128::from(self.burst) * units
    }
}

impl Plain {
    fn client(&mut self, key: Option<u8>) -> &mut Client {
        let now = Instant::now();
        let client = self.clients.entry(key).or_insert(Client { levels: vec![0; 4], at: now });
        let passed = (now - client.at).as_nanos();
        client.levels.iter_mut().for_each(|level| *level = level.saturating_sub(passed));
        client.at = now;
        client
    }

    /// What so many units take in a bucket, and how much it holds.
    fn sizes(&self, price: u128) -> Vec<(u128, u128)> {
        let units = self.units;
        let size = |own: &Figures| {
            let burst = own.burst(units);
            (price.min(burst) * own.unit(units), burst * own.unit(units))
        };
        self.quotas.iter().map(size).collect()
    }

    /// Pours it into all buckets, or else tells in how long that goes.
    fn spend(&mut self, key: Option<u8>, price: u128) -> Result<(), u128> {
        if price == 0 {
            return Ok(());
        }
        let sizes = self.sizes(price);
        let client = self.client(key);
        let owed = |(level, (_, holds)): (&u128, &(u128, u128))| (*level).min(*holds);
        let levels: Vec<u128> = client.levels.iter().zip(&sizes).map(owed).collect();
        let lack = levels.iter().zip(&sizes);
        let lack = lack.map(|(level, (more, holds))| (level + more).saturating_sub(*holds)).max();
        let fits = lack == Some(0);
        for (index, level) in levels.into_iter().enumerate() {
            client.levels[index] = level + if fits { sizes[index].0 } else { 0 };
        }
        *if fits { &mut self.admitted } else { &mut self.refused } += 1;
        if fits { Ok(()) } else { Err(lack.expect("there is a quota")) }
    }

    fn hand_back(&mut self, key: Option<u8>, price: u128) {
        let sizes = self.sizes(price);
        // Of whom nothing is known, nothing is owed.
        let client = self.client(key);
        for (level, (more, holds)) in client.levels.iter_mut().zip(sizes) {
            *level = (*level).min(holds).saturating_sub(more);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Spend { key: Option<u8>, cells: u32, cost: u32 },
    HandBack(usize),
    Pass(u64),
    Reload { quotas: Vec<Figures>, by_cost: bool },
}

fn quotas() -> impl Strategy<Value = Vec<Figures>> {
    let figures = (1..2_000_000_u64, 1..50_u32, 1..30_u32)
        .prop_map(|(period, cells, burst)| Figures { period, cells, burst });
    prop::collection::vec(figures, 1..=4)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = prop::option::weighted(0.9, 0..3_u8);
    let cells = prop_oneof![6 => Just(1_u32), 3 => 0..20_u32, 1 => Just(u32::MAX)];
    let cost = prop_oneof![Just(100_u32), 1..900_u32];
    let step = prop_oneof![
        20 => (key, cells, cost).prop_map(|(key, cells, cost)| Step::Spend { key, cells, cost }),
        3 => (0..60_usize).prop_map(Step::HandBack),
        8 => (0..300_000_000_u64).prop_map(Step::Pass),
        1 => (quotas(), any::<bool>())
            .prop_map(|(quotas, by_cost)| Step::Reload { quotas, by_cost }),
    ];
    prop::collection::vec(step, 0..150)
}

fn limit(quotas: &[Figures], by_cost: bool) -> RateLimit {
    let mut named = quotas.iter().zip(["a", "b", "c", "d"]).map(|(own, name)| own.quota(name));
    let limit = RateLimit::new(named.next().expect("there is one")).per_key();
    let limit = named.fold(limit, RateLimit::and);
    if by_cost { limit.by_cost() } else { limit }
}

/// What is to be told of it, to the nanosecond.
fn decide(gate: &RateGate, class: &Class) -> Result<RatePermit, (Reason, u128)> {
    match gate.enter(class, clock::now()) {
        Entry::Admitted(permit) => Ok(permit),
        Entry::Refused(no) => Err((no.reason(), no.retry_after().as_nanos())),
        Entry::Waiting(_) => panic!("nobody is asked"),
    }
}

proptest! {
    #[test]
    fn the_quotas_are_leaky_buckets_to_the_nanosecond(
        first in quotas(),
        by_cost: bool,
        steps in steps(),
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        runtime.expect("a runtime is to be had").block_on(async {
            let gate = limit(&first, by_cost).gate().expect("it is valid");
            let units = |by_cost| if by_cost { 100 } else { 1 };
            let (clients, admitted, refused) = Default::default();
            let mut plain = Plain { units: units(by_cost), quotas: first, clients, admitted, refused };
            let mut spent: Vec<(Class, Option<u8>, RatePermit, u128, u128)> = Vec::new();
            for step in steps {
                match step {
                    Step::Pass(nanos) => advance(Duration::from_nanos(nanos)).await,
                    Step::Spend { key, cells, cost } => {
                        let class = Class::default().cells(cells).cost(f64::from(cost) / 100.0);
                        let class = key.map_or(class, |key| class.key(&key));
                        let each = if plain.units == 100 { u128::from(cost) } else { 1 };
                        // More than that is more than any burst.
                        let price = (u128::from(cells) * each).min(u128::from(u32::MAX));
                        let told = decide(&gate, &class);
                        let expected = plain.spend(key, price);
                        prop_assert_eq!(
                            told.as_ref().map(drop).map_err(|told| *told),
                            expected.map_err(|wait| (Reason::Quota, wait))
                        );
                        if let (Ok(permit), true) = (told, price > 0) {
                            spent.push((class, key, permit, price, plain.units));
                        }
                    }
                    Step::HandBack(which) if which < spent.len() => {
                        let (class, key, permit, price, of) = spent.swap_remove(which);
                        gate.hand_back(&class, permit, clock::now());
                        let price = (price * plain.units).div_ceil(of).min(u128::from(u32::MAX));
                        plain.hand_back(key, price);
                    }
                    Step::HandBack(_) => {}
                    Step::Reload { quotas, by_cost } => {
                        gate.reload(limit(&quotas, by_cost)).expect("it is valid");
                        (plain.quotas, plain.units) = (quotas, units(by_cost));
                    }
                }
                let snapshot = gate.snapshot();
                prop_assert_eq!(
                    (snapshot.admitted, snapshot.refused),
                    (plain.admitted, plain.refused)
                );
                let known = plain.clients.keys().filter(|key| key.is_some()).count();
                prop_assert_eq!(snapshot.keys, known);
            }
            Ok(())
        })?;
    }
}
