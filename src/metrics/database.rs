//! One database, and the gates in front of it.

use std::time::Duration;

use super::table;
use crate::{
    class::Priority,
    database::{CONNECTION, PoolSnapshot, SpanFigures, StatementFigures},
    event::Circuit,
    gate::GuardSnapshot,
    overview::DatabaseOverview,
};

pub(super) fn record(
    overview: &DatabaseOverview,
    guard: &GuardSnapshot,
    statements: &[StatementFigures],
) {
    record_limit(overview, guard);
    record_circuits(overview);
    record_health(overview);
    let (waits, queries): (Vec<_>, Vec<_>) = statements.iter().partition(|own| is_wait(own));
    record_queries(&overview.name, &queries, &waits);
    if let Some(waits) = waits.first() {
        let SpanFigures { p50, p99, .. } = waits.lately;
        record_quantiles(&table::DATABASE_WAIT, &overview.name, [p50, p99]);
    }
}

fn record_limit(overview: &DatabaseOverview, guard: &GuardSnapshot) {
    let name = &*overview.name;
    table::LEVEL.set([name], guard.level);
    table::LIMIT.set([name], overview.limit);
    table::IN_FLIGHT.set([name], overview.in_flight as f64);
    table::ADMITTED.count([name], guard.admitted);
    table::QUEUE_LENGTH.set([name], overview.waiting as f64);
    for priority in Priority::ALL {
        let (waited, labels) = (guard.waited_of(priority), [name, priority.as_str()]);
        table::QUEUE_WAIT.count(labels, waited.total.as_millis() as u64);
        table::QUEUE_WAITED.count(labels, waited.requests);
    }
}

fn record_circuits(overview: &DatabaseOverview) {
    let name = &*overview.name;
    for state in Circuit::ALL {
        let is_so = overview.circuit == state;
        table::CIRCUIT_STATE.set([name, state.as_str()], f64::from(is_so));
    }
    table::CIRCUIT_ROUTES.set([name], overview.ill_routes.len() as f64);
}

fn record_health(overview: &DatabaseOverview) {
    let (name, recent) = (&*overview.name, &overview.recent);
    table::DATABASE_IN_FLIGHT.set([name], recent.in_flight as f64);
    table::DATABASE_HANGING.set([name], recent.hung as f64);
    table::DATABASE_SATURATED.set([name], f64::from(overview.saturated));
    record_quantiles(&table::DATABASE_LATENCY, name, [recent.p50, recent.p99]);
    table::DATABASE_SLOWDOWN.set([name], overview.slowdown.unwrap_or(f64::NAN));
}

/// A pool that was told of and is gone has no connections any more.
pub(super) fn record_pool(overview: &DatabaseOverview, was_told: &mut bool) {
    *was_told |= overview.recent.pool.is_some();
    if !*was_told {
        return;
    }
    let pool = overview.recent.pool.unwrap_or(PoolSnapshot::new(0, 0, 0));
    let PoolSnapshot { max, size, idle, .. } = pool;
    let used = size.saturating_sub(idle);
    for (state, connections) in [("used", used), ("idle", idle), ("max", max)] {
        table::DATABASE_CONNECTIONS.set([&*overview.name, state], f64::from(connections));
    }
}

/// A connection that was not to be had for overload is as bad as a query; one that was is none.
fn record_queries(name: &str, queries: &[&StatementFigures], waits: &[&StatementFigures]) {
    let sum = |of: fn(&SpanFigures) -> u64| queries.iter().map(|own| of(&own.ever)).sum::<u64>();
    let (overloads, errors) = (sum(|own| own.overloads), sum(|own| own.errors));
    let no_connection: u64 = waits.iter().map(|own| own.ever.overloads).sum();
    for (outcome, count) in [
        ("success", sum(|own| own.finished) - overloads - errors),
        ("overload", overloads + no_connection),
        ("error", errors),
        ("cancelled", sum(|own| own.cancelled)),
    ] {
        table::DATABASE_QUERIES.count([name, outcome], count);
    }
}

fn record_quantiles(metric: &table::Metric, name: &str, values: [Option<Duration>; 2]) {
    for (quantile, value) in ["0.5", "0.99"].into_iter().zip(values) {
        metric.set([name, quantile], value.map_or(f64::NAN, |value| value.as_secs_f64()));
    }
}

fn is_wait(statement: &StatementFigures) -> bool {
    &*statement.name == CONNECTION
}
