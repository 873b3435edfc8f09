//! What handlers of axum are told.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::brownout::Brownout;

/// How degraded the service is, for this request: 0 behind no
/// [`AdmissionLayer`](crate::AdmissionLayer). Never fails.
impl<S: Sync> FromRequestParts<S> for Brownout {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_else(Self::current))
    }
}
