//! `X-RateLimit-*`: what clients read before there was a draft.

use http::{HeaderMap, HeaderName};

use super::{
    amend::{Amend, Amended},
    standing::whole_seconds,
};
use crate::{admission::GateLayer, number, standing::Standing};

/// Tells how a client stands with its quotas in `X-RateLimit-*`: made by
/// [`GateLayer::legacy_rate_limit_headers`].
#[derive(Clone, Copy, Debug, Default)]
pub struct LegacyRateLimit(());

impl<G, C, P> GateLayer<G, C, P> {
    /// Beside `RateLimit`, responses have the fields that older clients read, of the quota that
    /// has the fewest cells left: `X-RateLimit-Limit`, its burst; `X-RateLimit-Remaining`,
    /// the cells that are left of it; `X-RateLimit-Reset`, in how many seconds, rounded up, all
    /// of it is there again, if nothing is spent. When the next try makes sense, `Retry-After`
    /// tells. Default: they have not.
    ///
    /// ```
    /// use brownout::{Quota, RateLimit};
    ///
    /// let limit = RateLimit::new(Quota::per_minute(60)).tell_all();
    /// let layer = limit.layer()?.legacy_rate_limit_headers();
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn legacy_rate_limit_headers(self) -> GateLayer<G, C, Amended<P, LegacyRateLimit>> {
        self.amend(LegacyRateLimit(()))
    }
}

impl Amend for LegacyRateLimit {
    fn tell_standing(&self, standing: &Standing, headers: &mut HeaderMap) {
        headers.insert(LIMIT, number::value(standing.policy().burst.into()));
        headers.insert(REMAINING, number::value(standing.remaining().into()));
        headers.insert(RESET, number::value(whole_seconds(standing.full_after())));
    }
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
