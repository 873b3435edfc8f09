//! What tells the gates how it goes downstream.

use std::{sync::Arc, time::Instant};

use crate::{
    class::Class,
    database::{Database, InFlight},
};

#[derive(Clone, Debug)]
pub(super) enum Watch {
    /// The gate needs to hear nothing.
    Nothing,
    /// Databases, through the queries that their owner observes.
    Databases(Arc<[Database]>),
    /// The inner service: each request to it is a query to a database of its own.
    Service(Database),
}

impl Watch {
    /// A request comes by. Sends the signals that are due, so that also a downstream
    /// from which nothing comes back is heard of.
    pub(super) fn pass(&self, class: &Class, now: Instant) {
        match self {
            Self::Databases(databases) if !class.exempt => {
                databases.iter().for_each(|database| database.tick(now));
            }
            Self::Service(database) if !class.exempt => database.tick(now),
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
