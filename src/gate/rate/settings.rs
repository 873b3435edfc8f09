//! What of a rate limit may change while it serves.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    fleet::{Shape, Sharing},
    limit::Unkeyed,
    quotas::Quotas,
};
use crate::{
    class::{Class, Key, Priority},
    config::InvalidConfig,
};

/// The settings, checked.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) quotas: Quotas,
    /// In how many parts a cell is counted: 1, or hundredths where costs count.
    pub(super) units: u32,
    pub(super) per_key: bool,
    pub(super) unkeyed: Unkeyed,
    /// What becomes of requests over their quota. None: they are refused.
    pub(super) downgrade: Option<Priority>,
    pub(super) enforced: Share,
    pub(super) tell_all: bool,
    /// With whom the buckets are shared.
    pub(super) sharing: Option<Sharing>,
    /// What that store is asked for. Kept for as long as it is.
    pub(super) shape: Option<Arc<Shape>>,
}

impl Settings {
    pub(super) fn shape(&self) -> Shape {
        Shape { per_key: self.per_key, rates: self.quotas.shared() }
    }

    pub(super) const HUNDREDTHS: u32 = 100;

    /// What a request spends. None if it spends nothing.
    #[inline]
    pub(super) fn price(&self, class: &Class) -> Option<Price> {
        let each = if self.counts_cost() { class.cost.hundredths() } else { 1 };
        let price = Price { units: NonZeroU32::MIN, per_cell: self.units };
        // No cost and no number of cells is so high that this overflows.
        price.of(each * u64::from(class.cells))
    }

    /// The same price, in the units of these settings.
    pub(super) fn converted(&self, price: Price) -> Price {
        let units = u64::from(price.units.get()) * u64::from(self.units);
        let same = Price { per_cell: self.units, ..price };
        same.of(units.div_ceil(price.per_cell.into())).unwrap_or(same)
    }

    pub(super) fn counts_cost(&self) -> bool {
        self.units == Self::HUNDREDTHS
    }
}

/// What a request spends of each quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) units: NonZeroU32,
    /// How many of them are a cell.
    per_cell: u32,
}

impl Price {
    /// So many units of the same kind, unless it is none.
    fn of(self, units: u64) -> Option<Self> {
        let units = NonZeroU32::new(u32::try_from(units).unwrap_or(u32::MAX))?;
        Some(Self { units, ..self })
    }
}

/// To how many of the clients something happens.
#[derive(Debug)]
pub(super) struct Share {
    share: f64,
    /// Requests without a key that were asked for.
    asked: AtomicU64,
}

impl Share {
    pub(super) fn checked(share: f64) -> Result<Self, InvalidConfig> {
        if (0.0..=1.0).contains(&share) {
            return Ok(Self { share, asked: AtomicU64::new(0) });
        }
        Err(InvalidConfig::new("enforced_for", share, "from 0 to 1"))
    }

    pub(super) fn is_none(&self) -> bool {
        self.share <= 0.0
    }

    /// Whether the client is one of them: a key is a hash, so the same ones always are.
    pub(super) fn includes(&self, key: Option<Key>) -> bool {
        match key {
            _ if self.share >= 1.0 => true,
            Some(key) => key.get() as f64 / (u64::MAX as f64) < self.share,
            None => {
                let before = self.asked.fetch_add(1, Ordering::Relaxed);
                let due = |asked: u64| (asked as f64 * self.share).floor();
                due(before + 1) > due(before)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_clients_or_else_of_requests() {
        let share = Share::checked(0.05).expect("it is valid");
        let clients: Vec<_> = (0..10_000).map(|client| Some(Key::of(&client))).collect();
        let hit = clients.iter().filter(|key| share.includes(**key)).count();
        assert!((350..650).contains(&hit), "{hit}");
        assert!(clients.iter().all(|key| share.includes(*key) == share.includes(*key)));
        assert_eq!((0..1_000).filter(|_| share.includes(None)).count(), 50);
    }

    #[test]
    fn all_and_nobody_are_shares() {
        let includes =
            |share| Share::checked(share).map(|share| share.includes(Some(Key::of("x"))));
        assert_eq!((includes(0.0), includes(1.0)), (Ok(false), Ok(true)));
        let error = Share::checked(1.5).unwrap_err();
        assert_eq!(error.to_string(), "`enforced_for` is 1.5, but must be from 0 to 1");
    }
}
