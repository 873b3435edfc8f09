//! What the database does on one connection.

use ::sqlx::Error;

use crate::{
    database::{Database, InFlight, Statement},
    outcome::Outcome,
};

/// Times what runs on a connection. Whoever leaves before the answer leaves it here.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) database: Database,
    /// The driver loses its place if it does not wait for every answer.
    forgetful: bool,
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
    /// It changes what the driver knows of the session when the answer is there.
    Session,
    /// It rolls back on its own: nobody waits for the answer.
    Rollback,
}

impl Work {
    pub(super) fn new(database: Database, forgetful: bool) -> Self {
        Self { database, forgetful, running: None }
    }

    /// Counts in flight what is about to be sent. What somebody left here before counts
    /// no longer by itself: the database does one after the other.
    pub(super) fn start(&mut self, statement: &Statement, kind: Kind) -> Result<(), Error> {
        if self.is_spoiled() {
            return Err(Error::Protocol(SPOILED.into()));
        }
        self.running = Some(Running { in_flight: statement.start(), kind });
        Ok(())
    }

    /// It came back.
    pub(super) fn finish<T>(&mut self, result: &Result<T, Error>) {
        let Some(running) = self.running.take() else { return };
        running.in_flight.finish(match result {
            Ok(_) => Outcome::Success,
            Err(error) => self.database.judge(error),
        });
    }

    /// The driver has lost its place: what comes back next is not what it believes.
    pub(super) fn is_spoiled(&self) -> bool {
        let left = self.running.as_ref().map(|running| running.kind);
        self.forgetful && left == Some(Kind::Session)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.is_none()
    }

    pub(super) fn take(&mut self) -> Option<Running> {
        self.running.take()
    }
}

/// Whether this driver loses its place. MySQL's reads the answer to a PREPARE that was left
/// as that of the next query, and does not know of a transaction that has begun. The others
/// count what is outstanding. What `Any` stands for is not known.
pub(super) fn is_forgetful<DB: ::sqlx::Database>() -> bool {
    !matches!(DB::NAME, "PostgreSQL" | "SQLite")
}

impl Running {
    /// The database has let go of it.
    pub(super) fn let_go(self) {
        if self.kind == Kind::Rollback {
            self.in_flight.finish(Outcome::Success);
        }
    }
}

const SPOILED: &str = "a PREPARE or BEGIN was left without its answer on this connection";
