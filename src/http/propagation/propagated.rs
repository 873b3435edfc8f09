//! The priority that a caller tells.

use http::{HeaderName, Request};

use super::names::Names;
use crate::{
    admission::GateLayer,
    class::{Class, Classify},
    config::InvalidConfig,
    http::key::{Networks, peer_of},
};

/// Takes the priority of a request from its caller, so that a call tree keeps the importance
/// of the request at its root. The callers write it with [`Propagate`](super::Propagate).
///
/// Anyone can send a header. So it may only lower what the layer says by itself, unless it comes
/// from services of yours ([`trusting`](Self::trusting)). Theirs takes the place of it, upwards
/// and downwards: what is critical to them is critical here, whatever the route.
///
/// ```
/// use std::net::SocketAddr;
/// use brownout::{Admission, Classify, Priority, http::{Propagated, key::PeerAddr}};
/// use http::Request;
///
/// let propagated = Propagated::new().trusting(["10.0.0.0/8"])?;
/// let layer = Admission::builder().build()?.layer()
///     .priority(Priority::Sheddable)
///     .propagated(propagated.clone());
///
/// let from = |peer: [u8; 4], told: &str| {
///     let mut request = Request::get("/").header("x-request-priority", told).body(())?;
///     request.extensions_mut().insert(PeerAddr(SocketAddr::from((peer, 443))));
///     Ok::<_, http::Error>(propagated.classify(&request).priority)
/// };
/// assert_eq!(from([10, 0, 0, 7], "critical")?, Priority::Critical);
/// assert_eq!(from([192, 0, 2, 1], "critical")?, Priority::Normal);
/// assert_eq!(from([192, 0, 2, 1], "bulk")?, Priority::Bulk);
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Where it stands
///
/// In the header `x-request-priority`, and in the entry `brownout.priority` of [`baggage`], which
/// services that know nothing of priorities hand on, too, if they are traced. The value is the
/// name of a [`Priority`](crate::Priority): `critical`, `normal`, `sheddable` or `bulk`, in any case. Another, or
/// none, says nothing.
///
/// If both say one, the header counts: it is of the last who decided, while an entry may have
/// been carried on unread from further up. Where one of them says several, in lines or in a
/// list, the lowest counts, since what was there before a proxy added its own may be anybody's.
/// Of `baggage`, the lines that are whole within its first 8192 bytes are read. Nothing is
/// allocated.
///
/// It is not `Priority` (RFC 9218), with which browsers say in what order the answers to one
/// client are best sent: every image has one, and none tells how much the service minds to lose
/// it.
///
/// # Whom to trust
///
/// Services that decide by themselves how important a request is, and tell what they decided.
/// No proxy that hands on the headers of clients: it is trusted, and so is what they wrote,
/// unless it removes `x-request-priority` and the entry of `baggage` from what comes from
/// outside. [`PeerAddr`](crate::http::key::PeerAddr) says how the peer's address gets here;
/// without one, nobody is trusted. Where a certificate tells more than an address, a closure
/// chooses:
///
/// ```
/// use brownout::{Class, Classify, http::Propagated};
/// use http::Request;
///
/// #[derive(Clone)]
/// struct OfOurs; // put there by what checks certificates
///
/// let (ours, others) = (Propagated::new().trusting_all(), Propagated::new());
/// let classify = move |request: &Request<()>| -> Class {
///     match request.extensions().get::<OfOurs>() {
///         Some(OfOurs) => ours.classify(request),
///         None => others.classify(request),
///     }
/// };
/// # let _ = classify(&Request::new(()));
/// ```
///
/// [`baggage`]: https://www.w3.org/TR/baggage/
#[derive(Clone, Debug)]
#[must_use]
pub struct Propagated<C = Class> {
    names: Names,
    trusted: Trusted,
    otherwise: C,
}

/// Whose word may raise a priority.
#[derive(Clone, Debug)]
enum Trusted {
    In(Networks),
    All,
}

impl Propagated {
    /// What a caller tells may lower the priority that a request has otherwise, of which the
    /// default is [`Priority::Normal`](crate::Priority::Normal).
    pub fn new() -> Self {
        let (names, trusted) = (Names::default(), Trusted::In(Networks::default()));
        Self { names, trusted, otherwise: Class::default() }
    }
}

impl Default for Propagated {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Propagated<C> {
    /// Whoever's peer address is in one of these networks is trusted: `10.0.0.0/8`,
    /// `fd00::/8`, or an address alone. Called again, those are, too. Default: nobody is.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if one is no network, or is all there are (`0.0.0.0/0`): that is
    /// [`trusting_all`](Self::trusting_all).
    pub fn trusting<N: AsRef<str>>(
        self,
        networks: impl IntoIterator<Item = N>,
    ) -> Result<Self, InvalidConfig> {
        let more = Networks::read("trusting", networks)?;
        let trusted = match &self.trusted {
            Trusted::In(networks) => Trusted::In(networks.and(&more)),
            Trusted::All => Trusted::All,
        };
        Ok(Self { trusted, ..self })
    }

    /// Everybody is trusted. For services that only services of yours can reach, and for a
    /// layer around a client, whose requests are your own.
    pub fn trusting_all(self) -> Self {
        Self { trusted: Trusted::All, ..self }
    }

    /// The header in which it stands. Default: `x-request-priority`.
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

    /// What classifies a request first; what its caller tells changes only its priority, and a
    /// request that it exempts stays exempt. For a layer,
    /// [`GateLayer::propagated`] does this.
    pub fn otherwise<D>(self, otherwise: D) -> Propagated<D> {
        let Self { names, trusted, .. } = self;
        Propagated { names, trusted, otherwise }
    }
}

impl<G, C, P> GateLayer<G, C, P> {
    /// Takes the priority of each request from its caller: lower than what was said so far of
    /// the request, or any if that caller is trusted. So call it after
    /// [`priority`](Self::priority), which would take the place of it. Default: no header is read.
    ///
    /// ```
    /// use brownout::{Admission, http::{Propagated, Routes, Timeout}};
    ///
    /// let admission = Admission::builder().build()?;
    /// let layer = admission.layer()
    ///     .classify(Routes::new())
    ///     .propagated(Propagated::new().trusting(["10.0.0.0/8"])?)
    ///     .deadline(Timeout::grpc());
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn propagated(self, propagated: Propagated) -> GateLayer<G, Propagated<C>, P> {
        self.map_classify(|classify| propagated.otherwise(classify))
    }
}

impl<B, C> Classify<Request<B>> for Propagated<C>
where
    C: Classify<Request<B>>,
{
    fn classify(&self, request: &Request<B>) -> Class {
        let class = self.otherwise.classify(request);
        let Some(told) = self.names.told(request.headers()) else { return class };
        let priority = match self.trusted.sent(request) {
            true => told,
            false => told.min(class.priority),
        };
        Class { priority, ..class }
    }
}

impl Trusted {
    fn sent<B>(&self, request: &Request<B>) -> bool {
        match self {
            Self::In(networks) => networks.contain(peer_of(request.extensions())),
            Self::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{class::Priority, http::key::PeerAddr};

    const NAME: HeaderName = HeaderName::from_static("x-request-priority");

    fn told(peer: Option<&str>, priority: &str) -> Request<()> {
        let request = Request::get("/").header(NAME, priority).body(());
        let mut request = request.expect("it is valid");
        if let Some(peer) = peer {
            let peer = SocketAddr::new(peer.parse().expect("it is an address"), 443);
            request.extensions_mut().insert(PeerAddr(peer));
        }
        request
    }

    fn sheddable(propagated: Propagated) -> Propagated<Class> {
        propagated.otherwise(Class::new(Priority::Sheddable).rank(3))
    }

    #[test]
    fn only_who_is_trusted_may_raise_and_anybody_may_lower() {
        let networks = Propagated::new().trusting(["10.0.0.0/8"]).expect("it is a network");
        let networks = sheddable(networks.trusting(["fd00::1"]).expect("it is an address"));
        for (peer, is_trusted) in [
            (Some("10.1.2.3"), true),
            (Some("::ffff:10.1.2.3"), true),
            (Some("fd00::1"), true),
            (Some("fd00::2"), false),
            (Some("11.0.0.1"), false),
            (None, false),
        ] {
            let raised = if is_trusted { Priority::Critical } else { Priority::Sheddable };
            for (said, priority) in [
                ("critical", raised),
                ("bulk", Priority::Bulk),
                ("sheddable", Priority::Sheddable),
                ("urgent", Priority::Sheddable),
            ] {
                let class = networks.classify(&told(peer, said));
                assert_eq!((class.priority, class.rank), (priority, 3), "{peer:?} {said}");
            }
        }
    }

    #[test]
    fn by_default_nobody_is_trusted_and_if_told_everybody_is() {
        let nobody = Propagated::new().trusting::<&str>([]).expect("there are none");
        for (propagated, priority) in [
            (Propagated::new(), Priority::Sheddable),
            (nobody, Priority::Sheddable),
            (Propagated::new().trusting_all(), Priority::Critical),
        ] {
            let class = sheddable(propagated).classify(&told(Some("127.0.0.1"), "critical"));
            assert_eq!(class.priority, priority);
        }
        let still = Propagated::new().trusting_all().trusting(["10.0.0.1"]).expect("it is one");
        let class = sheddable(still).classify(&told(None, "critical"));
        assert_eq!(class.priority, Priority::Critical);
    }

    #[test]
    fn all_there_are_is_no_network() {
        let error = Propagated::new().trusting(["0.0.0.0/0"]).expect_err("it is all there are");
        assert!(error.to_string().starts_with("`trusting` is 0.0.0.0/0"), "{error}");
    }

    #[test]
    fn what_is_exempt_stays_exempt() {
        let propagated = Propagated::new().trusting_all().otherwise(Class::exempt());
        assert!(propagated.classify(&told(None, "bulk")).exempt);
    }
}
