//! All metrics, in the one place where their names are.

/// One metric: what it is called, and what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name, with dots.
    pub name: &'static str,
    /// Whether it may fall.
    pub kind: Kind,
    /// Its unit, as UCUM writes it: `s`, `ms`, `By`, `1` for a share, `{request}` for so many
    /// requests.
    pub unit: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub description: &'static str,
}

/// Whether a metric may fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// It counts since the start, in whole numbers, and never falls.
    Counter,
    /// It is what it is now.
    Gauge,
}

impl Kind {
    /// The name in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

macro_rules! metrics {
    ($($key:ident: $kind:ident $name:literal in $unit:literal by $labels:expr, $text:literal;)*) => {
        $(pub(super) const $key: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            labels: &$labels,
            description: $text,
        };)*

        /// All metrics that are ever told.
        pub const METRICS: &[Metric] = &[$($key),*];
    };
}

metrics! {
    REQUESTS: Counter "brownout.requests" in "{request}" by ["priority", "decision", "reason"],
        "Requests that were decided on, without the exempt. decision: admitted, refused, or \
         would_refuse for those that were admitted since a gate only reports; reason: why, none \
         if there was nothing against it";
    RETRIES: Counter "brownout.retries" in "{request}" by [],
        "Retries among the requests that were decided on";
    LEVEL: Gauge "brownout.level" in "1" by ["database"],
        "How much of what is optional is left out: from 0, all is served, to 1, nothing optional \
         is. The highest is that of the service";
    INCIDENT: Gauge "brownout.incident" in "1" by [],
        "1 while an incident lasts, 0 otherwise";
    DRAINING: Gauge "brownout.draining" in "1" by [],
        "1 while nobody new is admitted, since the service is about to stop, 0 otherwise";

    LIMIT: Gauge "brownout.limit" in "{request}" by ["database"],
        "The concurrency limit: requests that may be in flight at once";
    IN_FLIGHT: Gauge "brownout.in_flight" in "{request}" by ["database"],
        "Requests in flight under the limit";
    ADMITTED: Counter "brownout.admitted" in "{request}" by ["database"],
        "Requests that got a place under the limit";
    QUEUE_LENGTH: Gauge "brownout.queue.length" in "{request}" by ["database"],
        "Requests that wait for a place";
    QUEUE_WAIT: Counter "brownout.queue.wait" in "ms" by ["database", "priority"],
        "How long those waited in all that got a place after a wait";
    QUEUE_WAITED: Counter "brownout.queue.waited" in "{request}" by ["database", "priority"],
        "Requests that got a place after a wait";

    CIRCUIT_STATE: Gauge "brownout.circuit.state" in "1" by ["database", "state"],
        "1 for the state in which the circuit is, 0 for the others. state: closed, partial, \
         open or half_open";
    CIRCUIT_ROUTES: Gauge "brownout.circuit.routes" in "{route}" by ["database"],
        "Routes whose own circuit is not closed";

    DATABASE_QUERIES: Counter "brownout.database.queries" in "{query}" by ["database", "outcome"],
        "Queries that are over. outcome: success; overload, if the database or its pool did not \
         answer or had too much to do; error, if they failed for reasons of their own; \
         cancelled, if their caller left";
    DATABASE_IN_FLIGHT: Gauge "brownout.database.in_flight" in "{query}" by ["database"],
        "Queries in flight";
    DATABASE_HANGING: Gauge "brownout.database.hanging" in "{query}" by ["database"],
        "Queries in flight whose statement is beyond slow, on average";
    DATABASE_SATURATED: Gauge "brownout.database.saturated" in "1" by ["database"],
        "1 while the database is asked for more than it can do, 0 otherwise";
    DATABASE_LATENCY: Gauge "brownout.database.latency" in "s" by ["database", "quantile"],
        "The latency of queries in the last ten seconds, at most an eighth too high; the waits \
         for a connection are among them where they are timed apart. NaN if nothing came back. \
         quantile: 0.5 or 0.99";
    DATABASE_WAIT: Gauge "brownout.database.wait" in "s" by ["database", "quantile"],
        "The wait for a connection in the last half to whole minute, where it is timed apart, \
         at most an eighth too high. NaN if nobody asked for one. quantile: 0.5 or 0.99";
    DATABASE_SLOWDOWN: Gauge "brownout.database.slowdown" in "1" by ["database"],
        "How many times longer than alone queries took in the last half to whole minute, on \
         average. NaN while that is not known";
    DATABASE_CONNECTIONS: Gauge "brownout.database.connections" in "{connection}" by
        ["database", "state"],
        "The connections of the pool, where one is known; 0 once it is gone. state: used, idle, \
         or max, as many as it may have";

    STATEMENT_TIME: Counter "brownout.statement.time" in "ms" by ["database", "statement"],
        "How long the queries of the statement took in all, while it was among the 20 dearest; \
         the time of all others is that of (other)";
    STATEMENT_SHARE: Gauge "brownout.statement.share" in "1" by ["database", "statement"],
        "Its share in the time of all statements in the last half to whole minute, from 0 to 1; \
         0 if it is not among the 20 dearest any more";

    QUOTA_REQUESTS: Counter "brownout.quota.requests" in "{request}" by ["decision"],
        "Requests that quotas decided on. decision: admitted, refused, downgraded, \
         would_refuse or would_downgrade";
    QUOTA_UNKEYED: Counter "brownout.quota.unkeyed" in "{request}" by [],
        "Requests without a key, where there is a quota for each";
    QUOTA_KEYS: Gauge "brownout.quota.keys" in "{key}" by [],
        "Keys that quotas remember";
    QUOTA_ASKED: Counter "brownout.quota.asked" in "{question}" by [],
        "Questions to the store that a fleet shares";
    QUOTA_ALONE: Counter "brownout.quota.alone" in "{request}" by [],
        "Requests that were decided without the answer that they needed from it";

    FALLBACK_REQUESTS: Counter "brownout.fallback.requests" in "{request}" by
        ["fallback", "outcome"],
        "Refused requests that came to the fallback. outcome: answered, or over_limit";
    FALLBACK_IN_FLIGHT: Gauge "brownout.fallback.in_flight" in "{request}" by ["fallback"],
        "Answers of the fallback that are on their way";
    FALLBACK_LIMIT: Gauge "brownout.fallback.limit" in "{request}" by ["fallback"],
        "How many of them may be at once";

    STALE_ANSWERS: Counter "brownout.stale.answers" in "{answer}" by ["cache", "reason"],
        "Kept answers that were served. reason: refused, overloaded, failed or late, in the \
         place of an answer; fresh, revalidating or coalesced, to spare the service";
    STALE_KEPT: Counter "brownout.stale.kept" in "{answer}" by ["cache"],
        "Answers that were kept, those included that were given up since";
    STALE_PAGES: Gauge "brownout.stale.pages" in "{page}" by ["cache"],
        "Pages of which an answer is kept";
    STALE_SIZE: Gauge "brownout.stale.size" in "By" by ["cache"],
        "Bytes that they take, about";
}
