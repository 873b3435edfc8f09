//! Buckets that a fleet shares, in the memory of a test, with every way to fail.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use brownout::{Key, Order, Shared, SharedBuckets, Taken};
use tokio::time::{Instant, sleep};

/// The generic cell rate algorithm in a mutex. Clones share it.
#[derive(Clone)]
pub(crate) struct Buckets(Arc<Mutex<State>>);

pub(crate) struct State {
    start: Instant,
    arrivals: HashMap<Option<Key>, Vec<Duration>>,
    pub(crate) mood: Mood,
    /// There and back, in halves.
    pub(crate) delay: Duration,
    /// Questions for units, and for the members.
    pub(crate) trips: u64,
    pub(crate) roll_calls: u64,
    pub(crate) members: usize,
    /// The units given.
    pub(crate) given: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    Well,
    Fails,
    Hangs,
    Panics,
    /// Before there is a future.
    PanicsAtOnce,
    /// Gives less than the least.
    Cheats,
}

impl Buckets {
    pub(crate) fn new() -> Self {
        let (start, arrivals) = (Instant::now(), HashMap::new());
        let (mood, delay, members) = (Mood::Well, Duration::ZERO, 1);
        let (trips, roll_calls, given) = (0, 0, 0);
        let state = State { start, arrivals, mood, delay, trips, roll_calls, members, given };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while it is locked")
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.state().mood = mood;
    }

    pub(crate) fn trips(&self) -> u64 {
        self.state().trips
    }
}

impl SharedBuckets for Buckets {
    fn take(&self, order: Order) -> Shared<Taken> {
        let (mood, delay) = {
            let mut state = self.state();
            state.trips += 1;
            (state.mood, state.delay)
        };
        assert!(mood != Mood::PanicsAtOnce, "as it was told to");
        let buckets = self.clone();
        Box::pin(async move {
            half(delay).await;
            let taken = match mood {
                Mood::Fails => return Err("it fails".into()),
                Mood::Hangs => pending().await,
                Mood::Panics => panic!("as it was told to"),
                Mood::Cheats => Taken::Units { units: order.least - 1, full_after: Vec::new() },
                _ => buckets.state().take(&order),
            };
            half(delay).await;
            Ok(taken)
        })
    }

    fn members(&self) -> Shared<usize> {
        let mut state = self.state();
        state.roll_calls += 1;
        let (members, mood) = (state.members, state.mood);
        drop(state);
        Box::pin(async move {
            match mood {
                Mood::Well => Ok(members),
                Mood::Hangs => pending().await,
                Mood::Panics => panic!("as it was told to"),
                _ => Err("it fails".into()),
            }
        })
    }
}

async fn half(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay / 2).await;
    }
}

impl State {
    fn take(&mut self, order: &Order) -> Taken {
        let now = self.start.elapsed();
        let arrivals = self.arrivals.entry(order.key).or_default();
        arrivals.resize(order.rates.len().max(arrivals.len()), Duration::ZERO);
        let debt = |arrival: &Duration| arrival.saturating_sub(now);
        let (mut units, mut lacks) = (order.most, None);
        for (rate, (own, arrival)) in order.rates.iter().zip(&mut *arrivals).enumerate() {
            // Of a rate that was another, no more than a burst is owed.
            *arrival = (*arrival).min(now + own.interval * own.burst);
            let least = own.interval * (own.burst - order.least.min(own.burst));
            let missing = debt(arrival).saturating_sub(least);
            if missing > lacks.map_or(Duration::ZERO, |(_, longest)| longest) {
                lacks = Some((rate, missing));
            }
            let room = (own.interval * own.burst - debt(arrival)).as_nanos();
            let room = (room / own.interval.as_nanos()) as u32;
            units = units.min(if room == own.burst { units } else { room.max(order.least) });
        }
        if let Some((rate, wait)) = lacks {
            return Taken::Lack { rate, wait, full_after: arrivals.iter().map(debt).collect() };
        }
        for (own, arrival) in order.rates.iter().zip(&mut *arrivals) {
            *arrival = (*arrival).max(now) + own.interval * units.min(own.burst);
        }
        self.given += u64::from(units);
        let full_after = arrivals.iter().map(debt).collect();
        Taken::Units { units, full_after }
    }
}
