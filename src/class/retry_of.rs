//! Tells whether a request was tried before.

/// Tells whether a request was tried before. Closures do it, and `brownout::http::Attempt`
/// does.
///
/// It is only what the caller says. That needs little trust: who says so of a first try is shed
/// before others and takes nobody's place, and who hides a retry is treated as if nobody were
/// asked. Only where those who say so are more than a fifth of all does it touch others: their
/// retries, if refused, are told not to be tried again.
///
/// ```
/// use brownout::RetryOf;
///
/// struct Call { attempt: u32 }
/// let told = |call: &Call| call.attempt > 1;
///
/// assert!(told.is_retry(&Call { attempt: 2 }));
/// assert!(!told.is_retry(&Call { attempt: 1 }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell whether a `{Req}` was tried before",
    note = "a closure does: `|request: &{Req}| -> bool`"
)]
pub trait RetryOf<Req> {
    /// Whether `request` was tried before. Runs once per request, before any gate: keep it
    /// cheap.
    fn is_retry(&self, request: &Req) -> bool;
}

impl<Req, F> RetryOf<Req> for F
where
    F: Fn(&Req) -> bool,
{
    fn is_retry(&self, request: &Req) -> bool {
        self(request)
    }
}
