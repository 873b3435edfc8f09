//! How an answer is known for a fallback's.

use crate::rejection::Rejection;

/// An extension of the HTTP response that a fallback gave: it is not the service's own.
///
/// ```
/// use brownout::FellBack;
/// use http::Response;
///
/// fn is_degraded<B>(response: &Response<B>) -> bool {
///     response.extensions().get::<FellBack>().is_some()
/// }
/// assert!(!is_degraded(&Response::new(())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FellBack {
    rejection: Rejection,
}

impl FellBack {
    /// Why the service did not answer.
    #[must_use]
    pub fn rejection(&self) -> &Rejection {
        &self.rejection
    }
}

impl From<&Rejection> for FellBack {
    fn from(rejection: &Rejection) -> Self {
        Self { rejection: rejection.clone() }
    }
}
