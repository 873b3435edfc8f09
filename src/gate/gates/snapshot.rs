//! What the gates hold and have decided so far.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{Gates, Waited, guard::Guard, tally::Decided};
use crate::{
    class::Priority,
    event::Circuit,
    gate::{BreakerMode, RateGate, RateSnapshot},
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
#[derive(Clone, Default, PartialEq)]
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
    /// How much of what is optional is left out: the worst level of all databases, from 0
    /// (all is served) to 1 (nothing optional is). 0 where nobody asks, unless it is forced
    /// or a circuit is open. See [`Brownout`](crate::Brownout).
    pub level: f64,
    /// Whether all gates [only report](crate::AdmissionBuilder::report_only): none was reloaded
    /// since then to be enforced, and no circuit is forced open.
    pub report_only: bool,
    /// One per database, in the order in which they were given.
    pub databases: Vec<GuardSnapshot>,
    /// What the quotas have decided so far, if there are any.
    pub rate: Option<RateSnapshot>,
    /// Requests admitted so far, without the exempt.
    pub admitted: u64,
    /// Retries among all that were admitted or refused so far
    /// ([`GateLayer::retries`](crate::GateLayer::retries)).
    pub retries: u64,
    /// Requests in flight that hold no place under a limit, since they need no database or have
    /// not asked for it yet; without the exempt.
    pub without_place: usize,
    /// Whether it [drains](crate::Admission::drain), and admits nobody new.
    pub draining: bool,
    pub(super) decided: Box<Decided>,
}

/// What the gates in front of one database hold.
#[derive(Clone, Debug, PartialEq)]
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
    /// Who decides on the circuit.
    pub mode: BreakerMode,
    /// Whether its circuits [only report](crate::CircuitBreaker::report_only), and nobody is
    /// refused for them. Not while that of the database is forced open, which refuses in any case.
    pub report_only: bool,
    /// The level, from 0 (all is served) to 1 (nothing optional is).
    pub level: f64,
    /// The routes whose own circuit at this database is not closed, while that of the
    /// database may be.
    pub routes: Vec<(Arc<str>, Circuit)>,
    /// Requests that got a place so far. Little's law tells how long they hold it on average:
    /// `in_flight` over how many are admitted per second.
    pub admitted: u64,
    pub(super) waited: [Waited; Priority::ALL.len()],
}

impl Gates {
    /// What they hold and have decided so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let rate = self.0.rate.as_ref().map(RateGate::snapshot);
        Snapshot { rate, ..self.snapshot_without_quotas() }
    }

    /// Whether nobody is refused, whatever happens.
    fn only_reports(&self) -> bool {
        let reports =
            |guard: &Guard| guard.breaker.only_reports() && guard.concurrency.only_reports();
        self.0.report_only
            && self.0.guards.iter().all(reports)
            && self.0.rate.as_ref().is_none_or(RateGate::only_reports)
    }

    /// The same but for the quotas, whose keys take long to count where they are many.
    pub(crate) fn snapshot_without_quotas(&self) -> Snapshot {
        let databases = self.0.guards.iter().enumerate().map(|(index, guard)| {
            let ill = self.0.learned.ill(index);
            guard.snapshot(self.0.levels.of(index), ill)
        });
        let databases: Vec<_> = databases.collect();
        let decided = self.0.tally.decided();
        let first = &databases[0];
        Snapshot {
            limit: first.limit,
            in_flight: first.in_flight,
            waiting: first.waiting,
            circuit: first.circuit,
            level: self.0.levels.worst(),
            report_only: self.only_reports(),
            rate: None,
            admitted: decided.admitted.iter().sum(),
            decided: Box::new(decided),
            retries: self.0.comeback.retries(),
            without_place: self.0.drain.present(),
            draining: self.is_draining(),
            databases,
        }
    }
}

impl Snapshot {
    /// Requests of this priority admitted so far.
    #[must_use]
    pub fn admitted_of(&self, priority: Priority) -> u64 {
        self.decided.admitted[priority as usize]
    }

    /// Requests refused so far for this reason.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.decided.refused.iter().map(|reasons| reasons[reason as usize]).sum()
    }

    /// Those of them of this priority.
    #[must_use]
    pub fn refused_of(&self, priority: Priority, reason: Reason) -> u64 {
        self.decided.refused[priority as usize][reason as usize]
    }
}

impl Snapshot {
    /// Requests of this priority admitted so far that would have been refused for this reason,
    /// were all gates enforced: see
    /// [`report_only`](crate::AdmissionBuilder::report_only). They are among those admitted.
    #[must_use]
    pub fn would_refuse_of(&self, priority: Priority, reason: Reason) -> u64 {
        self.decided.would_refuse[priority as usize][reason as usize]
    }

    /// Those of all priorities and for all reasons.
    #[must_use]
    pub fn would_refuse(&self) -> u64 {
        self.decided.would_refuse.iter().flatten().sum()
    }
}

impl GuardSnapshot {
    /// How long those of this priority have waited for their places so far.
    #[must_use]
    pub fn waited_of(&self, priority: Priority) -> Waited {
        self.waited[priority as usize]
    }
}

impl Guard {
    pub(super) fn snapshot(&self, level: f64, routes: Vec<(Arc<str>, Circuit)>) -> GuardSnapshot {
        GuardSnapshot {
            name: self.name.clone(),
            limit: self.concurrency.limit(),
            in_flight: self.concurrency.in_flight(),
            waiting: self.concurrency.waiting(),
            circuit: self.breaker.circuit(),
            mode: self.breaker.decides(),
            report_only: self.breaker.only_reports(),
            level,
            routes,
            admitted: self.counts.admitted(),
            waited: self.counts.waited(),
        }
    }
}

/// For tests of those who look at snapshots.
#[cfg(test)]
impl Snapshot {
    pub(crate) fn decide(&mut self, priority: Priority, admitted: u64, why: Reason, refused: u64) {
        self.admitted += admitted;
        self.decided.admitted[priority as usize] += admitted;
        self.decided.refused[priority as usize][why as usize] += refused;
    }

    pub(crate) fn would_have_refused(&mut self, priority: Priority, why: Reason, count: u64) {
        self.decided.would_refuse[priority as usize][why as usize] += count;
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.draining {
            f.write_str("draining: nobody new is admitted\n")?;
        }
        self.databases.iter().try_for_each(|own| writeln!(f, "{own}"))?;
        let all: u64 = self.decided.refused.iter().flatten().sum();
        write!(f, "admitted {}, refused {all}", self.admitted)?;
        let refused = Reason::ALL.into_iter().map(|reason| (reason, self.refused(reason)));
        let mut before = ": ";
        for (reason, count) in refused.filter(|(_, count)| *count > 0) {
            write!(f, "{before}{reason} {count}")?;
            before = ", ";
        }
        match self.would_refuse() {
            0 => {}
            some => write!(f, "\nwould have refused {some} of those admitted")?,
        }
        self.rate.iter().try_for_each(|rate| write_over(f, rate))
    }
}

/// What quotas did with requests over them, but to refuse them.
fn write_over(f: &mut fmt::Formatter<'_>, rate: &RateSnapshot) -> fmt::Result {
    let mut before = "\nquotas";
    for (did, count, end) in [
        ("downgraded", rate.downgraded, ""),
        ("would have downgraded", rate.would_downgrade, " more"),
    ] {
        if count > 0 {
            write!(f, "{before} {did} {count}{end}")?;
            before = ",";
        }
    }
    Ok(())
}

impl fmt::Display for GuardSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, limit, in_flight, waiting, circuit, level, routes, .. } = self;
        let circuit = circuit.as_str();
        write!(f, "{name}: circuit {circuit}, limit {limit}, ")?;
        write!(f, "{in_flight} in flight, {waiting} waiting")?;
        // As it is written.
        if *level >= 0.005 {
            write!(f, ", level {level:.2}")?;
        }
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
            .field("level", &self.level)
            .field("databases", &self.databases)
            .field("rate", &self.rate)
            .field("admitted", &self.admitted)
            .field("retries", &self.retries)
            .field("without_place", &self.without_place)
            .field("draining", &self.draining)
            .field("refused", &refused.collect::<BTreeMap<_, _>>())
            .field("would_refuse", &self.would_refuse())
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
            mode: BreakerMode::Automatic,
            report_only: false,
            level: 0.4,
            routes: vec![(Arc::from("GET /products"), Circuit::Open)],
            admitted: 12,
            waited: Default::default(),
        };
        let mut snapshot = Snapshot { databases: vec![guard], admitted: 12, ..Default::default() };
        snapshot.decided.refused[0][Reason::CircuitOpen as usize] = 4;
        snapshot.decided.refused[1][Reason::QueueTimeout as usize] = 1;
        let rate = RateSnapshot { downgraded: 9, would_refuse: 7, ..Default::default() };
        snapshot.rate = Some(rate);
        let text = "shop: circuit partial, limit 8, 7 in flight, 3 waiting, \
                    level 0.40\n  \
                    GET /products: circuit open\n\
                    admitted 12, refused 5: circuit_open 4, queue_timeout 1\n\
                    quotas downgraded 9";
        assert_eq!(snapshot.to_string(), text);
    }
}
