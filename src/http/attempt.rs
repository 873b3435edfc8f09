//! Whether a request was tried before, by header.

use http::{HeaderName, Request};

use crate::class::RetryOf;

/// Takes from a header whether a request was tried before, for
/// [`GateLayer::retries`](crate::GateLayer::retries). What is missing or no number is a first
/// try.
///
/// ```
/// use brownout::{RetryOf, http::Attempt};
/// use http::Request;
///
/// let attempt = Attempt::envoy();
/// let tried = |times| Request::get("/").header("x-envoy-attempt-count", times).body(());
/// assert!(!attempt.is_retry(&tried("1")?));
/// assert!(attempt.is_retry(&tried("2")?));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Attempt {
    name: HeaderName,
    /// What stands there at the first try.
    first: u64,
}

impl Attempt {
    /// A header that tells how often the request was tried before: a number from 1 up is a
    /// retry. So do `x-stainless-retry-count` of many an API's own client, and
    /// `x-retry-attempt`, which the [default](Self::default) reads.
    pub fn before(name: HeaderName) -> Self {
        Self { name, first: 0 }
    }

    /// `grpc-previous-rpc-attempts`, which clients of gRPC send with each retry (gRFC A6).
    pub fn grpc() -> Self {
        Self::before(GRPC_ATTEMPTS)
    }

    /// `x-envoy-attempt-count`, in which Envoy counts from 1, the first try. It sends it where
    /// `include_request_attempt_count` is set.
    pub fn envoy() -> Self {
        Self { name: HeaderName::from_static("x-envoy-attempt-count"), first: 1 }
    }
}

impl Default for Attempt {
    /// `x-retry-attempt`, which `brownout::client::Retries` sends: 1 at the first retry.
    fn default() -> Self {
        Self::before(RETRY_ATTEMPT)
    }
}

impl<B> RetryOf<Request<B>> for Attempt {
    fn is_retry(&self, request: &Request<B>) -> bool {
        let value = request.headers().get(&self.name).and_then(|value| value.to_str().ok());
        let number = value.and_then(|value| value.trim().parse::<u64>().ok());
        number.is_some_and(|number| number > self.first)
    }
}

/// How often it was tried before, in brownout's own clients.
pub(crate) const RETRY_ATTEMPT: HeaderName = HeaderName::from_static("x-retry-attempt");
pub(crate) const GRPC_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

#[cfg(test)]
mod tests {
    use super::*;

    fn are_retries(attempt: &Attempt, values: &[&'static str]) -> Vec<bool> {
        let request = |value: &&'static str| Request::get("/").header(&attempt.name, *value);
        let request = |value| request(value).body(()).expect("it is valid");
        values.iter().map(|value| attempt.is_retry(&request(value))).collect()
    }

    #[test]
    fn a_retry_is_what_counts_higher_than_a_first_try() {
        for attempt in [Attempt::grpc(), Attempt::default()] {
            assert_eq!(are_retries(&attempt, &["0", "1", " 7 "]), [false, true, true]);
        }
        assert_eq!(are_retries(&Attempt::envoy(), &["0", "1", "2"]), [false, false, true]);
    }

    #[test]
    fn what_is_no_number_is_a_first_try() {
        let broken = ["", "-1", "two", "1.5", "99999999999999999999999"];
        assert_eq!(are_retries(&Attempt::grpc(), &broken), [false; 5]);
        assert!(!Attempt::grpc().is_retry(&Request::new(())));
    }
}
