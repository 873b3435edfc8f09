//! What a request has to pass before it takes a connection.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

use crate::rejection::Rejection;

/// Guards the connections of a database. Whoever builds the gates puts it there, since
/// the database does not know them.
pub(crate) trait Door: Send + Sync {
    /// Asks for leave to take a connection for the request that runs now, waiting in
    /// order of importance.
    fn enter(&self) -> Entering;

    /// Counts in, whatever the limit, what the database still does for a request that has
    /// left.
    fn occupy(&self) -> Pass;
}

/// The answer of a [`Door`], on its way.
pub(crate) type Entering = Pin<Box<dyn Future<Output = Result<Pass, Rejection>> + Send>>;

/// Leave to hold a connection. Whatever it takes up is free when this drops.
#[derive(Default)]
pub(crate) struct Pass(Option<Holding>);

type Holding = Box<dyn Any + Send + Sync>;

impl Pass {
    pub(crate) fn holding(what: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(what)))
    }

    /// Whether it is what the request is counted by, and not a permit at the edge.
    pub(crate) fn is_held(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("holds", &self.0.is_some()).finish()
    }
}

pub(super) type Guard = Option<Arc<dyn Door>>;
