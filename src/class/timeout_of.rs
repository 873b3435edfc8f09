//! Tells how much time a request has.

use std::time::Duration;

/// Tells how much time a request has, from when it comes to the layer. Closures do it,
/// `brownout::http::Timeout` does, and a [`Duration`] gives the same to all.
///
/// ```
/// use std::time::Duration;
/// use brownout::TimeoutOf;
///
/// struct Call { patience: Option<Duration> }
/// let told = |call: &Call| call.patience;
///
/// let second = Duration::from_secs(1);
/// assert_eq!(told.timeout(&Call { patience: Some(second) }), Some(second));
/// assert_eq!(second.timeout(&Call { patience: None }), Some(second));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell how much time a `{Req}` has",
    note = "a closure does: `|request: &{Req}| -> Option<std::time::Duration>`",
    note = "a `std::time::Duration` gives the same to all"
)]
pub trait TimeoutOf<Req> {
    /// The time of `request`; `None` if it has no end. Runs once per request, before any
    /// gate: keep it cheap.
    fn timeout(&self, request: &Req) -> Option<Duration>;
}

impl<Req> TimeoutOf<Req> for Duration {
    fn timeout(&self, _request: &Req) -> Option<Duration> {
        Some(*self)
    }
}

impl<Req, F> TimeoutOf<Req> for F
where
    F: Fn(&Req) -> Option<Duration>,
{
    fn timeout(&self, request: &Req) -> Option<Duration> {
        self(request)
    }
}
