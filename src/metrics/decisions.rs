//! What was decided on requests, by all gates and by quotas.

use super::table;
use crate::{
    class::Priority,
    gate::{RateSnapshot, Snapshot},
    overview::Overview,
    rejection::Reason,
};

pub(super) fn record(overview: &Overview, snapshot: &Snapshot) {
    for priority in Priority::ALL {
        let count = |decision, reason, requests| {
            table::REQUESTS.count([priority.as_str(), decision, reason], requests);
        };
        let mut admitted = snapshot.admitted_of(priority);
        for reason in Reason::ALL {
            let would_refuse = snapshot.would_refuse_of(priority, reason);
            admitted = admitted.saturating_sub(would_refuse);
            count("refused", reason.as_str(), snapshot.refused_of(priority, reason));
            count("would_refuse", reason.as_str(), would_refuse);
        }
        count("admitted", "none", admitted);
    }
    table::RETRIES.count([], snapshot.retries);
    let lasts = overview.incidents.last().is_some_and(|incident| incident.end.is_none());
    table::INCIDENT.set([], f64::from(lasts));
    table::DRAINING.set([], f64::from(snapshot.draining));
    snapshot.rate.iter().for_each(record_quotas);
}

fn record_quotas(rate: &RateSnapshot) {
    for (decision, requests) in [
        ("admitted", rate.admitted),
        ("refused", rate.refused),
        ("downgraded", rate.downgraded),
        ("would_refuse", rate.would_refuse),
        ("would_downgrade", rate.would_downgrade),
    ] {
        table::QUOTA_REQUESTS.count([decision], requests);
    }
    table::QUOTA_UNKEYED.count([], rate.unkeyed);
    table::QUOTA_KEYS.set([], rate.keys as f64);
    table::QUOTA_ASKED.count([], rate.asked);
    table::QUOTA_ALONE.count([], rate.alone);
}
