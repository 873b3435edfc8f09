//! The gates at the door of a database.

use crate::{
    class::{Class, Downstream},
    database::{Door, Entering, Pass, Visit},
    gate::{Gates, WeakGates},
};

/// Asks the gates for a request that takes a connection and holds no permit for it: one
/// that was not expected to need the database, or all where the gates bind here.
pub(super) struct Doorkeeper {
    gates: WeakGates,
    database: Downstream,
    index: usize,
}

impl Doorkeeper {
    pub(super) fn new(gates: &Gates, index: usize) -> Self {
        Self { gates: gates.weak(), database: gates.guards()[index].database, index }
    }

    /// The class of the request that has to ask. What is no part of a request has nobody
    /// to say how important it is, and has not.
    fn who_asks(&self) -> Option<Class> {
        let asks = |visit: &Visit| (!visit.covers(self.database)).then(|| *visit.class());
        Visit::present(asks).flatten()
    }
}

impl Door for Doorkeeper {
    fn enter(&self) -> Entering {
        let (Some(gates), Some(class)) = (self.gates.upgrade(), self.who_asks()) else {
            return Box::pin(async { Ok(Pass::default()) });
        };
        let (database, index) = (self.database, self.index);
        Box::pin(async move {
            let permit = gates.check_out(index, &class).await.inspect_err(|rejection| {
                Visit::present(|visit| visit.refuse(rejection.clone()));
            })?;
            let hold = Visit::present(|visit| visit.hold(database));
            Ok(Pass::holding((permit, hold)))
        })
    }

    fn occupy(&self) -> Pass {
        let permit = self.gates.upgrade().map(|gates| gates.occupy(self.index));
        permit.map(Pass::holding).unwrap_or_default()
    }
}
