//! What the gates hold and have decided so far.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::Ordering},
};

use super::{Gates, guard::Guard};
use crate::{
    event::Circuit,
    gate::{RateGate, RateSnapshot},
    rejection::Reason,
};

/// What the gates hold and have decided so far. Its text is for people:
///
/// ```
/// # let db = brownout::Database::new("shop");
/// # let admission = brownout::Admission::builder().protect(&db).build()?;
/// let text = "shop: circuit closed, limit 8, 0 in flight, 0 waiting\n\
///             admitted 0, refused 0";
/// assert_eq!(admission.snapshot().to_string(), text);
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The concurrency limit, in requests in flight at once. This and the next three are
    /// of the first database; [`databases`](Self::databases) has all.
    pub limit: usize,
    /// Requests in flight under it.
    pub in_flight: usize,
    /// Requests that wait for it.
    pub waiting: usize,
    /// The state of the circuit. An open one turns half-open with
    /// the first request after its time.
    pub circuit: Circuit,
    /// One per database, in the order in which they were given.
    pub databases: Vec<GuardSnapshot>,
    /// What the quotas have decided so far, if there are any.
    pub rate: Option<RateSnapshot>,
    /// Requests admitted so far, without the exempt.
    pub admitted: u64,
    pub(super) refused: [u64; Reason::ALL.len()],
}

/// What the gates in front of one database hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardSnapshot {
    /// The name of the database.
    pub name: Arc<str>,
    /// The concurrency limit, in requests in flight at once.
    pub limit: usize,
    /// Requests in flight under it.
    pub in_flight: usize,
    /// Requests that wait for it.
    pub waiting: usize,
    /// The state of the circuit.
    pub circuit: Circuit,
    /// The routes whose own circuit at this database is not closed, while that of the
    /// database may be.
    pub routes: Vec<(Arc<str>, Circuit)>,
}

impl Gates {
    /// What they hold and have decided so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let databases = self.0.guards.iter().enumerate().map(|(index, guard)| {
            let routes = self.0.learned.usage(index).into_iter();
            let ill = routes.filter(|route| route.circuit != Circuit::Closed);
            guard.snapshot(ill.map(|route| (route.route.name(), route.circuit)).collect())
        });
        let databases: Vec<_> = databases.collect();
        let first = &databases[0];
        Snapshot {
            limit: first.limit,
            in_flight: first.in_flight,
            waiting: first.waiting,
            circuit: first.circuit,
            rate: self.0.rate.as_ref().map(RateGate::snapshot),
            admitted: self.0.admitted.load(Ordering::Relaxed),
            refused: self.0.refused.each_ref().map(|count| count.load(Ordering::Relaxed)),
            databases,
        }
    }
}

impl Snapshot {
    /// Requests refused so far for this reason.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused[reason as usize]
    }
}

impl Guard {
    pub(super) fn snapshot(&self, routes: Vec<(Arc<str>, Circuit)>) -> GuardSnapshot {
        GuardSnapshot {
            name: self.name.clone(),
            limit: self.concurrency.limit(),
            in_flight: self.concurrency.in_flight(),
            waiting: self.concurrency.waiting(),
            circuit: self.breaker.circuit(),
            routes,
        }
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.databases.iter().try_for_each(|own| writeln!(f, "{own}"))?;
        write!(f, "admitted {}, refused {}", self.admitted, self.refused.iter().sum::<u64>())?;
        let refused = Reason::ALL.into_iter().map(|reason| (reason, self.refused(reason)));
        let mut before = ": ";
        for (reason, count) in refused.filter(|(_, count)| *count > 0) {
            write!(f, "{before}{reason} {count}")?;
            before = ", ";
        }
        match self.rate {
            Some(RateSnapshot { would_refuse, .. }) if would_refuse > 0 => {
                write!(f, "\nquotas would have refused {would_refuse} more")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for GuardSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, limit, in_flight, waiting, circuit, routes } = self;
        let circuit = circuit.as_str();
        write!(f, "{name}: circuit {circuit}, limit {limit}, ")?;
        write!(f, "{in_flight} in flight, {waiting} waiting")?;
        let route = |(route, circuit): &(Arc<str>, Circuit)| {
            write!(f, "\n  {route}: circuit {}", circuit.as_str())
        };
        routes.iter().try_for_each(route)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = Reason::ALL.into_iter().map(|reason| (reason.as_str(), self.refused(reason)));
        f.debug_struct("Snapshot")
            .field("databases", &self.databases)
            .field("rate", &self.rate)
            .field("admitted", &self.admitted)
            .field("refused", &refused.collect::<BTreeMap<_, _>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_tells_what_is_ill_and_who_was_refused() {
        let guard = GuardSnapshot {
            name: Arc::from("shop"),
            limit: 8,
            in_flight: 7,
            waiting: 3,
            circuit: Circuit::Partial,
            routes: vec![(Arc::from("GET /products"), Circuit::Open)],
        };
        let mut snapshot = Snapshot { databases: vec![guard], admitted: 12, ..Default::default() };
        snapshot.refused[Reason::CircuitOpen as usize] = 4;
        snapshot.refused[Reason::QueueTimeout as usize] = 1;
        snapshot.rate = Some(RateSnapshot { would_refuse: 7, ..Default::default() });
        let text = "shop: circuit partial, limit 8, 7 in flight, 3 waiting\n  \
                    GET /products: circuit open\n\
                    admitted 12, refused 5: circuit_open 4, queue_timeout 1\n\
                    quotas would have refused 7 more";
        assert_eq!(snapshot.to_string(), text);
    }
}
