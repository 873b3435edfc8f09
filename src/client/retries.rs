//! Which requests are tried again, and when.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, Request, Response};
use tokio::time::{Sleep, sleep};
use tower::retry::{Policy, RetryLayer, budget::Budget};

use super::{RetryBudget, backoff::Backoff, hint};
use crate::{
    database::time_left,
    http::{GRPC_ATTEMPTS, RETRY_ATTEMPT, is_grpc},
};

/// Tries requests again that failed for now, as long as it helps: a policy for tower's
/// [`RetryLayer`].
///
/// * A request is tried again at most twice, after 429, 502, 503 and 504, and after the gRPC
///   statuses `UNAVAILABLE` and `RESOURCE_EXHAUSTED` where the head carries them.
/// * Only if it may be repeated: its method is idempotent (RFC 9110: GET, HEAD, OPTIONS, TRACE,
///   PUT and DELETE), or it has an `Idempotency-Key`. gRPC is always a POST: see
///   [`all_methods`](Self::all_methods).
/// * Not if the answer says so: `X-Should-Retry: false`, or a `grpc-retry-pushback-ms` below 0.
///   brownout's layers say it where a refusal [is final](crate::Rejection::is_final).
/// * Not before the answer's `Retry-After` (seconds or a date) or `grpc-retry-pushback-ms`, and
///   after a random wait on top: from 0 to 100 ms, and to twice that at each further retry.
/// * Not if it would have to wait for more than 10 seconds, or beyond the
///   [time that is left](crate::time_left) to the request that is served meanwhile.
/// * Within the budget: a fifth of all first tries, and 10 per second ([`RetryBudget`]).
///
/// Each retry tells which it is in `x-retry-attempt`, for gRPC in `grpc-previous-rpc-attempts`:
/// `http::Attempt` reads both. What is not tried again comes back as it is, the last answer
/// too.
///
/// It is for requests whose body can be cloned, such as `Bytes`, `String` and `Full<Bytes>` of
/// http-body-util. One that cannot be repeated is not cloned.
///
/// Clones share the budget: have one for each service that is called.
///
/// ```
/// use std::time::Duration;
/// use brownout::client::{RetryBudget, Retries};
///
/// let retries = Retries::new()
///     .at_most(1)
///     .budget(RetryBudget::new(0.1, 2.0)?)
///     .longest_wait(Duration::from_secs(2));
/// let layer = retries.layer();
/// # let _ = layer;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Retries {
    most: u32,
    all_methods: bool,
    errors: bool,
    backoff: Backoff,
    longest_wait: Duration,
    header: HeaderName,
    budget: Arc<dyn Budget + Send + Sync>,
    /// How often the request was tried again: each has a clone of the policy.
    retries: u32,
}

impl Retries {
    /// With the defaults, and a budget of its own.
    pub fn new() -> Self {
        Self {
            most: 2,
            all_methods: false,
            errors: false,
            backoff: Backoff::default(),
            longest_wait: Duration::from_secs(10),
            header: RETRY_ATTEMPT,
            budget: Arc::new(RetryBudget::default()),
            retries: 0,
        }
    }

    /// So many retries of one request at most. Default: 2.
    pub fn at_most(self, retries: u32) -> Self {
        Self { most: retries, ..self }
    }

    /// How many retries of all requests there may be. Default: a [`RetryBudget`] of a fifth and
    /// 10 per second.
    pub fn budget(self, budget: impl Budget + Send + Sync + 'static) -> Self {
        Self { budget: Arc::new(budget), ..self }
    }

    /// Requests of all methods may be repeated, also POST and PATCH: for services that do
    /// nothing twice, as those of gRPC whose methods are idempotent. Default: those that are by
    /// their method or by an `Idempotency-Key`.
    pub fn all_methods(self) -> Self {
        Self { all_methods: true, ..self }
    }

    /// Errors of the service are retried as a 503 is, such as a connection that is lost. Default:
    /// they are not, since what an error means is known to the service alone.
    pub fn errors(self) -> Self {
        Self { errors: true, ..self }
    }

    /// The wait where nobody tells one, and on top of what is told: evenly from 0 to `first`,
    /// which doubles at each retry up to `longest`. Default: 100 ms and 5 s.
    pub fn backoff(self, first: Duration, longest: Duration) -> Self {
        Self { backoff: Backoff { first, longest }, ..self }
    }

    /// Who would have to wait longer than this is not tried again, so that a `Retry-After` of a
    /// day holds nothing for a day. Default: 10 s.
    pub fn longest_wait(self, longest: Duration) -> Self {
        Self { longest_wait: longest, ..self }
    }

    /// The header in which a retry tells which it is, but for gRPC, which has its own. Default:
    /// `x-retry-attempt`.
    pub fn header(self, name: HeaderName) -> Self {
        Self { header: name, ..self }
    }

    /// A layer with this policy.
    pub fn layer(self) -> RetryLayer<Self> {
        RetryLayer::new(self)
    }

    fn may_repeat<B>(&self, request: &Request<B>) -> bool {
        self.all_methods
            || request.method().is_idempotent()
            || request.headers().contains_key(IDEMPOTENCY_KEY)
    }

    /// How long to wait before another try, if there is to be one.
    fn wait<R, E>(&self, result: &Result<Response<R>, E>) -> Option<Duration> {
        let told = match result {
            Ok(response) => hint::wait_for(response)?,
            Err(_) => self.errors.then_some(Duration::ZERO)?,
        };
        let wait = told.saturating_add(self.backoff.wait(self.retries));
        let is_in_time = time_left().is_none_or(|left| wait < left);
        (wait <= self.longest_wait && is_in_time).then_some(wait)
    }

    fn tell<B>(&self, request: &mut Request<B>) {
        let headers = request.headers_mut();
        let header = if is_grpc(headers) { &GRPC_ATTEMPTS } else { &self.header };
        headers.insert(header, self.retries.into());
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self::new()
    }
}

impl<B, R, E> Policy<Request<B>, Response<R>, E> for Retries
where
    B: Clone,
{
    type Future = Sleep;

    fn retry(
        &mut self,
        request: &mut Request<B>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Sleep> {
        let wait = self.wait(result)?;
        // The last, since it is spent.
        if !self.budget.withdraw() {
            return None;
        }
        self.retries += 1;
        self.tell(request);
        Some(sleep(wait))
    }

    /// Runs before each try.
    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        if self.retries == 0 {
            self.budget.deposit();
        }
        (self.retries < self.most && self.may_repeat(request)).then(|| request.clone())
    }
}

impl fmt::Debug for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retries")
            .field("at_most", &self.most)
            .field("all_methods", &self.all_methods)
            .field("errors", &self.errors)
            .field("backoff", &self.backoff)
            .field("longest_wait", &self.longest_wait)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// draft-ietf-httpapi-idempotency-key-header-07.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
