//! How degraded the service is, for the request that runs now.

use super::visit::Visit;
use crate::brownout::Brownout;

impl Brownout {
    /// That of the request that runs now; not degraded, where no request is known to run.
    ///
    /// For code however deep in a handler, without a request in its hands. Known where
    /// [`time_left`](crate::time_left) is: in a service behind an
    /// [`AdmissionLayer`](crate::AdmissionLayer), also while a body streams, and in tasks that
    /// it spawns with [`attributed`](crate::attributed). Of layers inside of each other, the
    /// worse level counts.
    #[must_use]
    pub fn current() -> Self {
        Visit::present(Visit::brownout).unwrap_or_default()
    }
}
