//! What the database does on one connection.

use ::sqlx::Error;

use super::pool::refused;
use crate::{
    database::{Database, InFlight, Statement, Time},
    outcome::Outcome,
};

/// Times what runs on a connection. Whoever leaves before the answer leaves it here.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) database: Database,
    driver: Driver,
    /// Whether nothing ends at the deadline of its request.
    patient: bool,
    running: Option<Running>,
}

/// What was sent to the database and has not come back.
#[derive(Debug)]
pub(super) struct Running {
    in_flight: InFlight,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Query,
    /// A transaction may be open of which the driver does not know.
    Begin,
    Prepare,
    /// It ends a transaction, or begins or ends a savepoint.
    Control,
    /// It rolls back on its own: nobody waits for the answer.
    Rollback,
}

impl Kind {
    /// Whether it has to come to its end: nobody may be left in doubt about a COMMIT, and a
    /// rollback frees what others wait for.
    fn is_endless(self) -> bool {
        matches!(self, Self::Control | Self::Rollback)
    }
}

impl Work {
    pub(super) fn new(database: Database, driver: Driver, patient: bool) -> Self {
        Self { database, driver, patient, running: None }
    }

    /// Counts in flight what is about to be sent, and tells how long that may last. What
    /// somebody left here before counts no longer by itself: the database does one after the
    /// other.
    pub(super) fn start(&mut self, statement: &Statement, kind: Kind) -> Result<Time, Error> {
        let time =
            if self.patient || kind.is_endless() { Ok(Time::ENDLESS) } else { Time::of_present() };
        let time = time.map_err(refused)?;
        let spoiled = self.left().is_some_and(|kind| self.driver.is_spoiled_by(kind));
        if spoiled {
            return Err(Error::Protocol(SPOILED.into()));
        }
        self.running = Some(Running { in_flight: statement.start(), kind });
        Ok(time)
    }

    /// It came back.
    pub(super) fn finish<T>(&mut self, result: &Result<T, Error>) {
        let Some(running) = self.running.take() else { return };
        running.in_flight.finish(match result {
            Ok(_) => Outcome::Success,
            Err(error) => self.database.judge(error),
        });
    }

    /// Whether the driver has lost its place for good: what comes back next is not what it
    /// believes.
    pub(super) fn is_lost(&self) -> bool {
        self.left().is_some_and(|kind| self.driver.is_lost_by(kind))
    }

    fn left(&self) -> Option<Kind> {
        self.running.as_ref().map(|running| running.kind)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.is_none()
    }

    pub(super) fn take(&mut self) -> Option<Running> {
        self.running.take()
    }
}

/// What a driver makes of an answer that nobody waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    Postgres,
    Sqlite,
    /// Or one of which nothing is known, such as `Any`.
    MySql,
}

impl Driver {
    pub(super) fn of<DB: ::sqlx::Database>() -> Self {
        match DB::NAME {
            "PostgreSQL" => Self::Postgres,
            "SQLite" => Self::Sqlite,
            _ => Self::MySql,
        }
    }

    /// PostgreSQL's and MySQL's do not know of a transaction that has begun after all.
    fn is_spoiled_by(self, left: Kind) -> bool {
        self.is_lost_by(left) || (left == Kind::Begin && self != Self::Sqlite)
    }

    /// MySQL's takes the answer to a PREPARE for that of what comes next. The others count
    /// what is outstanding.
    fn is_lost_by(self, left: Kind) -> bool {
        left == Kind::Prepare && self == Self::MySql
    }
}

impl Running {
    pub(super) fn is_begin(&self) -> bool {
        self.kind == Kind::Begin
    }

    /// Whether it does no harm to stop it half way.
    pub(super) fn may_be_cancelled(&self) -> bool {
        self.kind == Kind::Query
    }

    /// The database has let go of it.
    pub(super) fn let_go(self) {
        if self.kind == Kind::Rollback {
            self.in_flight.finish(Outcome::Success);
        }
    }
}

const SPOILED: &str = "a PREPARE or BEGIN was left without its answer on this connection";

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the connection can be used after this was left on it, and whether it is
    /// lost for good.
    fn after(driver: Driver, left: Kind) -> (bool, bool) {
        let database = Database::new("shop");
        let mut work = Work::new(database.clone(), driver, false);
        let statement = database.statement("get");
        work.start(&statement, left).expect("it is the first");
        let lost = work.is_lost();
        let usable = work.start(&statement, Kind::Query).is_ok();
        assert_eq!(database.snapshot().in_flight, 1, "one connection does one after the other");
        (usable, lost)
    }

    #[test]
    fn only_what_a_driver_takes_no_note_of_spoils_a_connection() {
        let well = (true, false);
        for driver in [Driver::Postgres, Driver::Sqlite, Driver::MySql] {
            assert_eq!(after(driver, Kind::Query), well, "{driver:?}");
            assert_eq!(after(driver, Kind::Control), well, "{driver:?}");
        }
        assert_eq!(after(Driver::Postgres, Kind::Begin), (false, false));
        assert_eq!(after(Driver::Postgres, Kind::Prepare), well);
        assert_eq!(after(Driver::Sqlite, Kind::Begin), well);
        assert_eq!(after(Driver::Sqlite, Kind::Prepare), well);
        assert_eq!(after(Driver::MySql, Kind::Begin), (false, false));
        assert_eq!(after(Driver::MySql, Kind::Prepare), (false, true));
    }
}
