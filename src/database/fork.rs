//! Handles whose clones are counted apart.

use std::{fmt, ops::Deref, sync::Arc};

use super::{Database, handle::Shared};
use crate::class::Downstream;

/// Clones of a handle are counted here, and not where all that is shared is: so who needs one
/// for every request may have a [fork](Database::fork) that no other thread counts.
pub(super) struct Handle(pub(super) Arc<Shared>);

impl Handle {
    pub(super) fn of(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for Handle {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Database {
    /// Another handle, whose clones are counted apart.
    pub(crate) fn fork(&self) -> Self {
        Self(Arc::new(Handle(self.0.0.clone())))
    }
}

impl From<&Database> for Downstream {
    fn from(database: &Database) -> Self {
        database.number()
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("name", &self.0.name).finish_non_exhaustive()
    }
}
