//! How important the request is that runs now.

use super::visit::Visit;
use crate::class::Priority;

impl Priority {
    /// That of the request that runs now, as it was admitted: what its layer says of it, or
    /// what a caller told ([`http::Propagated`](crate::http::Propagated)). `None` if no request
    /// is known to run here, or if it is exempt, for then it has none.
    ///
    /// For code however deep in a handler, without a request in its hands: to do less for what
    /// is less important, or to hand it on. [`http::Propagate`](crate::http::Propagate) writes
    /// it into requests over HTTP; here, for a queue:
    ///
    /// ```
    /// use brownout::Priority;
    ///
    /// fn lane() -> &'static str {
    ///     match Priority::current().unwrap_or_default() {
    ///         Priority::Critical | Priority::Normal => "orders",
    ///         Priority::Sheddable | Priority::Bulk => "orders-later",
    ///     }
    /// }
    /// assert_eq!(lane(), "orders");
    /// ```
    ///
    /// Known where [`time_left`](crate::time_left) is: in a service behind an
    /// [`AdmissionLayer`](crate::AdmissionLayer), also while a body streams, and in tasks that
    /// it spawns with [`attributed`](crate::attributed). Of layers inside of each other, the
    /// innermost counts.
    #[must_use]
    pub fn current() -> Option<Self> {
        Visit::present(Visit::priority).flatten()
    }
}
