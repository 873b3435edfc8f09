//! What tells the gates how it goes downstream.

use std::time::Instant;

use crate::{
    class::Class,
    database::{Database, InFlight},
};

#[derive(Clone, Debug)]
pub(super) enum Watch {
    /// The gate needs to hear nothing.
    Nothing,
    /// A database, through the queries that its owner observes.
    Database(Database),
    /// The inner service: each request to it is a query to a database of its own.
    Service(Database),
}

impl Watch {
    /// A request comes by. Sends the signal if one is due, so that also a downstream
    /// from which nothing comes back is heard of.
    pub(super) fn pass(&self, class: &Class, now: Instant) {
        match self {
            Self::Database(database) | Self::Service(database) if !class.exempt => {
                database.tick(now);
            }
            _ => {}
        }
    }

    /// A request goes to the inner service.
    pub(super) fn start(&self, class: &Class) -> Option<InFlight> {
        match self {
            Self::Service(database) if !class.exempt => Some(database.unnamed().start()),
            _ => None,
        }
    }
}
