//! The priority that those are told who are called.

use http::{HeaderMap, HeaderName};
use tower::Layer;

use super::{names::Names, service::Propagating};
use crate::{class::Priority, config::InvalidConfig, database::time_left, http::Timeout};

/// Tells those who are called how important the request is that runs now, so that a call tree
/// keeps the importance of its root: they take it with [`Propagated`](super::Propagated). If
/// told so, also how much time is left.
///
/// A layer for clients that are Tower services, such as hyper-util's and tonic's:
///
/// ```
/// use brownout::http::{Propagate, Timeout};
/// use tower::{Layer, service_fn};
/// # use http::{Request, Response};
///
/// let client = service_fn(async |_: Request<String>| Ok::<_, std::io::Error>(Response::new("")));
/// let client = Propagate::new().deadline(Timeout::grpc()).layer(client);
/// # let _ = client;
/// ```
///
/// Others have their headers filled, such as those that reqwest's `RequestBuilder::headers` takes:
///
/// ```
/// use brownout::http::Propagate;
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// Propagate::new().write(&mut headers);
/// assert!(headers.is_empty(), "no request runs here");
/// ```
///
/// # What is written
///
/// [`Priority::current`]: the priority with which the request was admitted, also where that is
/// lower than what it asked for. It is written as the header `x-request-priority`, and as the
/// entry `brownout.priority` of [`baggage`], in one line behind the entries that are there, which
/// stay as they are. If `baggage` has 64 entries, or would be longer than 8192 bytes, which is
/// what services have to hand on, only the header is written.
///
/// * A header that is there already may make the call less important than the request, as that
///   of a call which is not worth as much, and never more: so a proxy does not hand on what a
///   client made up. In the same way a call has less time if its own header says so, and never
///   more. The entry of `baggage` is what was carried here, and is written anew.
/// * Outside of a request, and in one that is exempt, nothing is written and nothing is
///   changed. A proxy in front of which nothing admits requests has to remove what clients send
///   by itself.
///
/// The request that runs now is known where [`Priority::current`] is: behind an
/// [`AdmissionLayer`](crate::AdmissionLayer), also while a body streams, and in tasks that are
/// spawned with [`attributed`](crate::attributed). It is looked for when the client is called,
/// so this layer goes outside of what calls it from another task, such as `tower::buffer` or
/// tonic's `Channel`, and inside of retries, so that each tells what time is left then. Inside of
/// an admission around the client, that one's class counts: put this outside of it, and let it
/// have the priority by `propagated(…trusting_all())`.
///
/// [`baggage`]: https://www.w3.org/TR/baggage/
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Propagate {
    names: Names,
    timeout: Option<Timeout>,
}

impl Propagate {
    /// Tells the priority alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also tells how much time is left ([`time_left`]), in this header: the one that those who
    /// are called read by [`GateLayer::deadline`](crate::GateLayer::deadline). What the call may
    /// have at most ([`Timeout::at_most`]), and what it has where the request has no end
    /// ([`Timeout::otherwise`]), hold here, too. It is rounded down. Default: it is not told.
    ///
    /// ```
    /// use std::time::Duration;
    /// use brownout::http::{Propagate, Timeout};
    ///
    /// let second = Duration::from_secs(1);
    /// let to_stock = Propagate::new().deadline(Timeout::grpc().at_most(second));
    /// # let _ = to_stock;
    /// ```
    pub fn deadline(self, timeout: Timeout) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// The header in which the priority stands. Default: `x-request-priority`.
    pub fn header(self, name: HeaderName) -> Self {
        Self { names: self.names.header(name), ..self }
    }

    /// The key in `baggage` under which it stands. Default: `brownout.priority`.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if it is no token of HTTP, or longer than 256 bytes.
    pub fn baggage_key(self, key: &str) -> Result<Self, InvalidConfig> {
        Ok(Self { names: self.names.baggage_key(key)?, ..self })
    }

    /// It stands in the header alone.
    pub fn without_baggage(self) -> Self {
        Self { names: self.names.without_baggage(), ..self }
    }

    /// Writes what is known of the request that runs now into the headers of a call.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Some(present) = Priority::current() else { return };
        let asked = self.names.in_header(headers);
        self.write_as(asked.map_or(present, |asked| asked.min(present)), headers);
        if let Some(timeout) = &self.timeout {
            timeout.write(time_left(), headers);
        }
    }

    /// Writes this priority in place of what the headers say of it, for work that is no
    /// request: a job that says so of itself, or was let in by
    /// [`Admission::acquire`](crate::Admission::acquire).
    ///
    /// ```
    /// use brownout::{Priority, http::Propagate};
    /// use http::HeaderMap;
    ///
    /// let mut headers = HeaderMap::new();
    /// Propagate::new().write_as(Priority::Bulk, &mut headers);
    /// assert_eq!(headers["x-request-priority"], "bulk");
    /// assert_eq!(headers["baggage"], "brownout.priority=bulk");
    /// ```
    pub fn write_as(&self, priority: Priority, headers: &mut HeaderMap) {
        self.names.write(priority, headers);
    }
}

impl<S> Layer<S> for Propagate {
    type Service = Propagating<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Propagating::new(inner, self.clone())
    }
}
