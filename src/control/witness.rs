//! Who hears of the queries that a request runs.

use std::{fmt, sync::Arc};

use super::{meter::Call, stamp::Stamp};
use crate::{
    brownout::Brownout,
    class::{Class, Downstream, Needs},
    outcome::Outcome,
};

/// Stands for the route of a request, and hears of its queries, wherever they run: in
/// the request, in a task that it spawned, or after it has left.
pub(crate) trait Witness: Send + Sync {
    /// A query starts.
    fn start(&self, database: Downstream, call: &Call);

    /// A query is over.
    fn end(&self, database: Downstream, call: &Call, ended: &Ended);

    /// A query came and went, and is told of when it is over.
    fn tell(&self, database: Downstream, call: &Call, ended: &Ended) {
        self.start(database, call);
        self.end(database, call, ended);
    }

    /// A request ended that has sent queries to these databases itself.
    fn visited(&self, touched: Needs);
}

/// How a query ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) at: Stamp,
    /// `None`: its caller left.
    pub(crate) outcome: Option<Outcome>,
    /// What its statement takes alone, in seconds; what it took itself where that is not
    /// known.
    pub(crate) work: f64,
}

/// What a permit says to the queries of its request.
#[doc(hidden)]
#[cfg_attr(not(feature = "tower"), allow(unreachable_pub, reason = "a gate's permit tells it"))]
#[derive(Clone, Default)]
pub struct Attendance {
    pub(crate) class: Class,
    /// Hears of them.
    pub(crate) witness: Option<Arc<dyn Witness>>,
    /// The databases for which it is held: they may be used without asking.
    pub(crate) covered: Needs,
    /// How degraded the service was when it was admitted.
    pub(crate) brownout: Brownout,
}

impl fmt::Debug for Attendance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attendance").field("covered", &self.covered).finish_non_exhaustive()
    }
}
