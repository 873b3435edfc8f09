//! What to do, in words.

use std::time::Duration;

use super::{Hanging, PoolAdvice, Report, RouteFigures, Saturated, text::Words};
use crate::database::{figures::StatementFigures, postgres::PostgresSample, table::OTHER};

/// The most rewarding first.
pub(super) fn advise(report: &Report) -> Vec<String> {
    let mut advice: Vec<String> = report.hanging.iter().take(TOP).map(of_hanging).collect();
    advice.extend(report.sample.iter().flat_map(of_sample));
    advice.extend(by_work(report).into_iter().take(TOP).filter_map(of_statement));
    advice.extend(report.statements.iter().filter_map(of_victim));
    advice.extend(report.routes.iter().filter_map(of_route));
    advice.extend(report.pool.iter().filter_map(of_pool));
    advice.extend(report.waiting.as_ref().and_then(|waiting| of_waiting(waiting, report)));
    advice.extend(report.statements.iter().filter_map(of_failures));
    advice.extend(of_saturation(&report.saturated, report));
    advice
}

/// What does the work makes the others wait.
fn by_work(report: &Report) -> Vec<&StatementFigures> {
    let mut statements: Vec<_> = report.statements.iter().collect();
    statements.sort_by(|one, other| other.ever.work_share.total_cmp(&one.ever.work_share));
    statements
}

fn of_hanging(own: &Hanging) -> String {
    let Hanging { statement, queries } = own;
    let (queries, hang) = if *queries == 1 { ("query", "hangs") } else { ("queries", "hang") };
    format!(
        "{} {queries} of `{statement}` {hang} right now: look for who holds a lock on what it \
         needs, and whether the server is well",
        own.queries
    )
}

fn of_statement(own: &StatementFigures) -> Option<String> {
    let (name, work) = (&own.name, Words::share(own.ever.work_share));
    if own.ever.work_share < DEAR || own.ever.finished < ENOUGH {
        return None;
    }
    if &**name == OTHER {
        return Some(format!(
            "Queries without a name of their own are {work} of the database's work: name them, or \
             time them by their SQL text, to see which"
        ));
    }
    let alone = own.alone?;
    let what = if own.is_bracket() {
        "do more in one transaction, or without one"
    } else if alone >= SLOW_ALONE {
        "look at its plan, for an index or for less to read"
    } else {
        "it is quick alone, so ask it less often: keep its answer, or ask for many at once"
    };
    let (time, rate) = (Words::share(own.ever.share), Words::number(own.ever.rate));
    let (slower, alone) = (under_load(own).unwrap_or_default(), Words::latency(alone));
    Some(format!(
        "`{name}` is {work} of the database's work and takes {time} of its time, {rate} times a \
         second, {alone} alone{slower}: {what}"
    ))
}

impl StatementFigures {
    /// Begins or ends a transaction.
    fn is_bracket(&self) -> bool {
        matches!(&*self.name, "BEGIN" | "COMMIT" | "ROLLBACK")
    }
}

/// What has the time but does not the work.
fn of_victim(own: &StatementFigures) -> Option<String> {
    let waits = own.ever.work_share < VICTIM * own.ever.share;
    if own.ever.share < DEAR || own.ever.finished < ENOUGH || !waits {
        return None;
    }
    let (name, time) = (&own.name, Words::share(own.ever.share));
    let (alone, slower) = (Words::latency(own.alone?), under_load(own)?);
    Some(format!(
        "`{name}` takes {time} of the database's time, {alone} alone{slower}: it waits for \
         others, so look for who holds a lock on what it needs"
    ))
}

fn under_load(own: &StatementFigures) -> Option<String> {
    let slowdown = own.ever.slowdown.filter(|slowdown| *slowdown >= SLOWER)?;
    let (mean, p99) = (own.alone?.mul_f64(slowdown.min(MOST)), own.ever.p99?);
    let (mean, p99) = (Words::latency(mean), Words::latency(p99));
    Some(format!(", {mean} on average under load, p99 {p99}"))
}

fn of_failures(own: &StatementFigures) -> Option<String> {
    let (all, failed) = (own.ever.finished + own.ever.cancelled, own.ever.overloads);
    let many = failed as f64 > FAILING * all as f64 && all >= ENOUGH;
    let share = Words::share(failed as f64 / all as f64);
    many.then(|| {
        let name = &own.name;
        format!(
            "`{name}` failed by overload in {share} of its queries, {failed} in all: it ran into \
             limits of time, locks or connections"
        )
    })
}

fn of_route(route: &RouteFigures) -> Option<String> {
    let (name, share, queries) = (&route.route, Words::share(route.share), route.queries);
    if queries >= CHATTY && route.requests >= ENOUGH {
        let queries = Words::number(queries);
        return Some(format!(
            "`{name}` asks {queries} queries per request: look for one that is asked in a loop"
        ));
    }
    (route.share >= DEAR_ROUTE && route.requests >= ENOUGH).then(|| {
        let each = Words::latency(Duration::try_from_secs_f64(route.seconds).unwrap_or_default());
        format!(
            "`{name}` takes {share} of the database's time, {each} per request: of all routes \
             it is the first to make cheaper, or to shed"
        )
    })
}

fn of_pool(pool: &PoolAdvice) -> Option<String> {
    let (most, connections) = (pool.most?, pool.connections);
    if pool.is_too_large() {
        return Some(format!(
            "The pool lends up to {most} connections, but the database does no more with more \
             than {connections}: lend {connections}"
        ));
    }
    pool.may_be_too_small().then(|| {
        format!(
            "The pool lends up to {most} connections, and with all of them the database did \
             not end to do more: it may be worth a few more"
        )
    })
}

fn of_waiting(waiting: &StatementFigures, report: &Report) -> Option<String> {
    let working: f64 = report.statements.iter().map(|own| own.ever.seconds).sum();
    if waiting.ever.seconds < WAITING * working
        || waiting.ever.slowdown.is_some_and(|slowdown| slowdown < SLOWER)
        || report.pool.is_some_and(|pool| pool.may_be_too_small())
    {
        return None;
    }
    let share = Words::share(waiting.ever.seconds / (waiting.ever.seconds + working));
    let p99 = waiting.ever.p99.map(|p99| format!(", p99 {}", Words::latency(p99)));
    let p99 = p99.unwrap_or_default();
    Some(format!(
        "Of the time that requests spend on the database, {share} goes into waiting for a \
         connection{p99}: hold connections for less long, or let in less at once"
    ))
}

fn of_saturation(seen: &Saturated, report: &Report) -> Option<String> {
    let share = seen.total.as_secs_f64() / report.observed.as_secs_f64().max(1.0);
    let sustained = report.sustained.as_ref().filter(|seen| seen.knee_passed)?;
    // Only an admission knows routes.
    (share >= OFTEN && report.routes.is_empty()).then(|| {
        let (share, knee) = (Words::share(share), Words::number(sustained.knee));
        format!(
            "It was saturated for {share} of the time: protect it by an admission layer, which \
             would let in about {knee} at once"
        )
    })
}

fn of_sample(sample: &PostgresSample) -> Vec<String> {
    let mut advice = Vec::new();
    let PostgresSample { connections, max_connections, .. } = *sample;
    if connections as f64 >= FULL * max_connections as f64 {
        advice.push(format!(
            "{connections} of the server's {max_connections} connections are taken: lend fewer \
             in each instance, or put a pooler in front"
        ));
    }
    if sample.idle_in_transaction > 0 && sample.longest_transaction >= LONG {
        let longest = Words::span(sample.longest_transaction);
        advice.push(format!(
            "A transaction is open for {longest}, and {} wait for their application: they hold \
             locks and keep dead rows",
            sample.idle_in_transaction
        ));
    }
    if sample.waiting_on_locks > 0 && sample.waiting_on_locks * 2 >= sample.active {
        advice.push(format!(
            "{} of {} active queries wait for a lock: look for who holds it in pg_locks",
            sample.waiting_on_locks, sample.active
        ));
    }
    if let Some(rate) = sample.cache_hit_rate.filter(|rate| *rate < CACHED) {
        let share = Words::share(1.0 - rate);
        advice.push(format!(
            "{share} of the blocks come from disk: the server has too little memory for what it \
             reads, or reads too much"
        ));
    }
    advice
}

/// Statements that are looked at.
const TOP: usize = 5;
/// Queries, or requests, without which nothing is said.
const ENOUGH: u64 = 50;
/// Shares of the database's time, or work.
const DEAR: f64 = 0.2;
const DEAR_ROUTE: f64 = 0.4;
const WAITING: f64 = 0.25;
const FAILING: f64 = 0.01;
const OFTEN: f64 = 0.01;
/// A statement that is so slow alone is slow by itself.
const SLOW_ALONE: Duration = Duration::from_millis(5);
/// Who has less than this of its share of the time as share of the work waits for others.
const VICTIM: f64 = 0.25;
/// From so many times on, the slowdown is worth a word; beyond the other, it is absurd.
const SLOWER: f64 = 1.5;
const MOST: f64 = 1e6;
/// Queries per request.
const CHATTY: f64 = 20.0;
/// Of the server's connections.
const FULL: f64 = 0.85;
const LONG: Duration = Duration::from_secs(30);
const CACHED: f64 = 0.95;
