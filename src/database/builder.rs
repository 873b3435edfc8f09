//! Settings of a database handle.

use std::{error::Error, fmt, time::Duration};

use super::{handle::Database, judge::Judges};
use crate::{
    config::{self, InvalidConfig},
    control::meter::Slow,
    outcome::Outcome,
};

/// Settings of a [`Database`].
#[must_use]
pub struct DatabaseBuilder {
    pub(super) name: String,
    pub(super) slow: Slow,
    pub(super) judges: Judges,
}

impl DatabaseBuilder {
    pub(super) fn new(name: String) -> Self {
        Self { name, slow: Slow::default(), judges: Judges::default() }
    }

    /// The latency from which on a query is slow, to a circuit breaker and in
    /// snapshots. Default: 1 s; 1 ms to 1 h. Set it to what your users would call
    /// broken, some ten times what the database takes on a good day.
    pub fn slow_after(self, slow_after: Duration) -> Self {
        Self { slow: Slow { after: slow_after, ..self.slow }, ..self }
    }

    /// A query is slow also from so many times on of what its statement takes when the
    /// database has nothing else to do; never before 100 ms, and not before 50 queries
    /// of the statement were seen. Default: 20; at least 2. Infinity leaves it to
    /// [`slow_after`](Self::slow_after) alone.
    pub fn slow_times(self, times: f64) -> Self {
        Self { slow: Slow { times, ..self.slow }, ..self }
    }

    /// What an error of a query says about the load, where you know it. It is asked of the
    /// error and, as long as it answers `None`, of each of its sources; then whoever was
    /// added after it, and at last [`judge`](Self::judge). Default: nobody.
    ///
    /// So the codes of a driver that the crate does not know are told:
    ///
    /// ```
    /// use brownout::{Database, outcome_of_sqlstate};
    ///
    /// let db = Database::builder("shop")
    ///     .recognise(|error| {
    ///         let error = error.downcast_ref::<tokio_postgres::Error>()?;
    ///         outcome_of_sqlstate(error.code()?.code())
    ///     })
    ///     .build()?;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn recognise<F>(mut self, known: F) -> Self
    where
        F: Fn(&(dyn Error + 'static)) -> Option<Outcome> + Send + Sync + 'static,
    {
        self.judges.known.push(Box::new(known));
        self
    }

    /// What an error of a query says about the load: the last word. Default: what a pool
    /// of this crate knows about its driver's errors, else
    /// [`outcome_of_error`](crate::outcome_of_error).
    pub fn judge<F>(mut self, judge: F) -> Self
    where
        F: Fn(&(dyn Error + 'static)) -> Outcome + Send + Sync + 'static,
    {
        self.judges.owner = Some(Box::new(judge));
        self
    }

    /// The handle.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if `slow_after` or `slow_times` is outside its range.
    pub fn build(self) -> Result<Database, InvalidConfig> {
        self.check()?;
        Ok(Database::from_checked(self))
    }

    /// Whether all of it is in range.
    pub(crate) fn check(&self) -> Result<(), InvalidConfig> {
        let (least, most) = (Duration::from_millis(1), Duration::from_secs(3600));
        config::duration("slow_after", self.slow.after, least, most)?;
        config::at_least("slow_times", self.slow.times, 2.0)?;
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl DatabaseBuilder {
    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for DatabaseBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseBuilder")
            .field("name", &self.name)
            .field("slow", &self.slow)
            .finish_non_exhaustive()
    }
}
