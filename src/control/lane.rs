//! Those who wait with the same priority, and their order.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::fair::Fair;
use crate::class::{Class, Cost};

/// One who waits.
#[derive(Debug)]
pub(crate) struct Waiter<T> {
    /// They only grow.
    pub(crate) number: u64,
    pub(crate) cost: Cost,
    pub(crate) item: T,
    order: Order,
}

/// What of a class decides who goes first, beside its priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Order {
    retry: bool,
    rank: u8,
    doublings: usize,
    group: usize,
}

impl Order {
    fn of(class: &Class) -> Self {
        let Class { retry, rank, cost, key, .. } = *class;
        Self { retry, rank, doublings: cost.doublings(), group: Fair::group(key) }
    }
}

impl<T> Waiter<T> {
    pub(crate) fn new(number: u64, class: &Class, item: T) -> Self {
        Self { number, cost: class.cost, item, order: Order::of(class) }
    }
}

/// Who among those who wait has room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fitting {
    /// Those of at most so many doublings.
    pub(crate) doublings: usize,
    /// Whether those who were tried before have, too.
    pub(crate) retries: bool,
}

impl Fitting {
    fn has(self, order: Order) -> bool {
        order.doublings <= self.doublings && (self.retries || !order.retry)
    }
}

/// The waiting of one priority, by the time at which they came.
#[derive(Debug)]
pub(crate) struct Lane<T> {
    waiting: VecDeque<Waiter<T>>,
    fair: Fair,
    since: Option<Instant>,
    /// That of the first who came to the empty lane.
    common: Order,
    /// How many differ from it.
    others: usize,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        let (waiting, fair, common) = Default::default();
        Self { waiting, fair, since: None, common, others: 0 }
    }
}

impl<T> Lane<T> {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// True if it has not been empty for longer than this.
    pub(crate) fn stands(&self, longer: Duration, now: Instant) -> bool {
        self.since.is_some_and(|since| now.saturating_duration_since(since) > longer)
    }

    /// True if one of these waits.
    pub(crate) fn holds(&self, fitting: Fitting) -> bool {
        self.waiting.iter().any(|each| fitting.has(each.order))
    }

    pub(crate) fn push(&mut self, waiter: Waiter<T>, now: Instant) {
        if self.is_empty() {
            self.since = Some(now);
            self.common = waiter.order;
        }
        self.others += usize::from(waiter.order != self.common);
        self.fair.enter(waiter.order.group);
        self.waiting.push_back(waiter);
    }

    /// Who goes first among these: first tries before retries, the lowest rank, the
    /// cheapest, of the group with the least service, the oldest or the `newest`.
    pub(crate) fn leave_first(&mut self, fitting: Fitting, newest: bool) -> Option<Waiter<T>> {
        let waiter = self.take(self.first(fitting, newest)?)?;
        self.fair.serve(waiter.order.group, waiter.cost);
        Some(waiter)
    }

    /// Who leaves when there are too many: retries before first tries, the highest rank, the
    /// dearest, of the group that has the most waiting, the newest or the `oldest`. None if it
    /// is the newcomer.
    pub(crate) fn last(&self, newcomer: Option<&Class>, oldest: bool) -> Option<u64> {
        let newcomer = newcomer.map(Order::of);
        let key = |index: usize, order: Order| {
            let one_more = newcomer.is_some_and(|new| new.group == order.group);
            let waiting = self.fair.waiting(order.group) + u32::from(one_more);
            let age = if oldest { self.len() - index } else { index };
            (order.retry, order.rank, order.doublings, waiting, age)
        };
        let each = self.waiting.iter().enumerate().map(|(index, each)| (index, each.order));
        let (index, order) = match self.others {
            0 => (if oldest { 0 } else { self.len().checked_sub(1)? }, self.common),
            _ => each.max_by_key(|(index, order)| key(*index, *order))?,
        };
        let goes = newcomer.is_none_or(|new| key(self.len(), new) < key(index, order));
        goes.then(|| self.waiting.get(index).map(|each| each.number))?
    }

    pub(crate) fn leave(&mut self, number: u64) -> Option<Waiter<T>> {
        let index = self.waiting.binary_search_by_key(&number, |each| each.number).ok()?;
        let waiter = self.take(index)?;
        self.fair.leave(waiter.order.group);
        Some(waiter)
    }

    fn first(&self, fitting: Fitting, newest: bool) -> Option<usize> {
        if self.others == 0 {
            let fits = !self.is_empty() && fitting.has(self.common);
            return fits.then(|| if newest { self.len() - 1 } else { 0 });
        }
        let key = |(index, each): &(usize, &Waiter<T>)| {
            let Order { retry, rank, doublings, group } = each.order;
            let age = if newest { self.len() - index } else { *index };
            (retry, rank, doublings, self.fair.served(group), age)
        };
        let fits = |(_, each): &(_, &Waiter<T>)| fitting.has(each.order);
        self.waiting.iter().enumerate().filter(fits).min_by_key(key).map(|(index, _)| index)
    }

    fn take(&mut self, index: usize) -> Option<Waiter<T>> {
        let waiter = self.waiting.remove(index)?;
        self.others -= usize::from(waiter.order != self.common);
        if self.is_empty() {
            self.since = None;
        }
        Some(waiter)
    }
}
