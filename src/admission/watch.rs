//! What tells the gates how it goes downstream.

use std::{sync::Arc, time::Instant};

use crate::{
    class::Class,
    control::stamp::Stamp,
    database::{Database, Errand},
    striped::Striped,
};

#[derive(Clone, Debug)]
pub(super) enum Watch {
    /// The gate needs to hear nothing.
    Nothing,
    /// Databases, through the queries that their owner observes.
    Databases(Arc<[Database]>),
    /// The inner service: each request to it is a query to a database of its own. Each takes a
    /// handle, so there is one to take it of for each thread.
    Service(Arc<Striped<Database>>),
}

impl Watch {
    pub(super) fn service(service: &Database) -> Self {
        Self::Service(Arc::new(Striped::new(|| service.fork())))
    }

    /// Those that are watched.
    pub(super) fn databases(&self) -> &[Database] {
        match self {
            Self::Nothing => &[],
            Self::Databases(databases) => databases,
            Self::Service(service) => std::slice::from_ref(service.own()),
        }
    }

    /// A request comes by. Sends the signals that are due, so that also a downstream
    /// from which nothing comes back is heard of, and no level is an old one.
    /// Returns what time it is, where somebody needs to know.
    pub(super) fn pass(&self, now: Instant) -> Option<Stamp> {
        let databases @ [_, ..] = self.databases() else { return None };
        let now = Stamp::of(now);
        databases.iter().for_each(|database| database.tick(now));
        Some(now)
    }

    /// A request goes to the inner service.
    pub(super) fn start(&self, class: &Class, now: Option<Stamp>) -> Option<Errand> {
        match self {
            Self::Service(service) if !class.exempt => Some(service.own().send_out(now?)),
            _ => None,
        }
    }
}
