//! What PostgreSQL says of itself.

use std::{
    error::Error,
    fmt::{self, Display, Formatter},
    str::FromStr,
    time::Duration,
};

/// What a PostgreSQL server is doing, all its databases and clients together.
///
/// Ask it [`PostgresSample::SQL`] through any driver, and parse the one text that comes back:
///
/// ```
/// use brownout::{Database, PostgresSample};
///
/// # let db = Database::new("shop");
/// # let text = "12 3 2 41 100 41.5 0.992".to_owned();
/// // let text: String = client.query_one(PostgresSample::SQL, &[]).await?.get(0);
/// db.feed_sample(text.parse::<PostgresSample>()?);
/// # Ok::<(), brownout::InvalidSample>(())
/// ```
///
/// Once a minute is enough; it costs the server about a millisecond. Without the privileges
/// of `pg_read_all_stats` it sees what the own user does.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PostgresSample {
    /// Connections that run a query, but for the one that asks.
    pub active: u64,
    /// Those of them that wait for a lock.
    pub waiting_on_locks: u64,
    /// Connections in a transaction that wait for their application.
    pub idle_in_transaction: u64,
    /// Connections of clients.
    pub connections: u64,
    /// How many the server takes.
    pub max_connections: u64,
    /// How long the oldest open transaction is.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serial::seconds"))]
    pub longest_transaction: Duration,
    /// The share of blocks of the current database that were found in the server's memory,
    /// since its statistics began: 0 to 1. `None` if none was asked for yet.
    pub cache_hit_rate: Option<f64>,
}

impl PostgresSample {
    /// Asks for one row of one text. PostgreSQL 10 and later.
    pub const SQL: &'static str = "\
        SELECT concat_ws(' ', \
            count(*) FILTER (WHERE state = 'active' AND pid <> pg_backend_pid()), \
            count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock'), \
            count(*) FILTER (WHERE state LIKE 'idle in transaction%'), \
            count(*), \
            current_setting('max_connections'), \
            coalesce(extract(epoch FROM \
                max(clock_timestamp() - xact_start) FILTER (WHERE pid <> pg_backend_pid())), 0), \
            (SELECT blks_hit::float8 / nullif(blks_hit + blks_read, 0) \
                FROM pg_stat_database WHERE datname = current_database())) \
        FROM pg_stat_activity WHERE backend_type = 'client backend'";
}

/// A text that is not the answer to [`PostgresSample::SQL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSample(String);

impl Display for InvalidSample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no sample of PostgreSQL", self.0)
    }
}

impl Error for InvalidSample {}

impl FromStr for PostgresSample {
    type Err = InvalidSample;

    fn from_str(text: &str) -> Result<Self, InvalidSample> {
        parse(text).ok_or_else(|| InvalidSample(text.chars().take(100).collect()))
    }
}

fn parse(text: &str) -> Option<PostgresSample> {
    let mut parts = text.split(' ');
    let mut count = || parts.next()?.parse().ok();
    let (active, waiting_on_locks, idle_in_transaction) = (count()?, count()?, count()?);
    let (connections, max_connections) = (count()?, count()?);
    let longest = parts.next()?.parse::<f64>().ok().filter(|longest| longest.is_finite())?;
    let hits = parts.next().map(|hits| hits.parse::<f64>().ok().filter(|hits| *hits <= 1.0));
    Some(PostgresSample {
        active,
        waiting_on_locks,
        idle_in_transaction,
        connections,
        max_connections,
        longest_transaction: Duration::try_from_secs_f64(longest.max(0.0)).ok()?,
        cache_hit_rate: hits.map_or(Some(None), |hits| hits.map(Some))?,
    })
    .filter(|_| parts.next().is_none())
}

impl Display for PostgresSample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { active, waiting_on_locks, idle_in_transaction, .. } = self;
        write!(f, "{} of {} connections, ", self.connections, self.max_connections)?;
        write!(f, "{active} active, {waiting_on_locks} of them waiting for a lock, ")?;
        write!(f, "{idle_in_transaction} idle in a transaction, the longest transaction ")?;
        write!(f, "{:.1} s", self.longest_transaction.as_secs_f64())?;
        let hits = |rate: f64| write!(f, ", {:.1} % of blocks from memory", 100.0 * rate);
        self.cache_hit_rate.map_or(Ok(()), hits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_read() {
        let sample: PostgresSample = "12 3 2 41 100 41.512 0.992".parse().expect("it is one");
        assert_eq!(
            (sample.active, sample.waiting_on_locks, sample.idle_in_transaction),
            (12, 3, 2)
        );
        assert_eq!((sample.connections, sample.max_connections), (41, 100));
        assert_eq!(sample.longest_transaction, Duration::from_millis(41_512));
        assert_eq!(sample.cache_hit_rate, Some(0.992));
        assert_eq!(
            sample.to_string(),
            "41 of 100 connections, 12 active, 3 of them waiting for a lock, 2 idle in a \
             transaction, the longest transaction 41.5 s, 99.2 % of blocks from memory"
        );
    }

    #[test]
    fn a_server_that_read_nothing_yet_has_no_rate() {
        let sample: PostgresSample = "0 0 0 1 100 0".parse().expect("it is one");
        assert_eq!(sample.cache_hit_rate, None);
    }

    #[test]
    fn another_text_is_none() {
        for text in
            ["", "1 2 3", "a b c d e f g", "1 2 3 4 5 NaN 1", "1 2 3 4 5 0 2", "0 0 0 1 9 0 1 1"]
        {
            let error = text.parse::<PostgresSample>().expect_err(text);
            assert!(error.to_string().ends_with("is no sample of PostgreSQL"), "{error}");
        }
    }
}
