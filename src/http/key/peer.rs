//! Who is at the other end of the connection.

use std::net::{IpAddr, SocketAddr};

use http::Extensions;

/// The address at the other end of a request's connection, as an extension of the request.
///
/// With axum (feature `axum`) there is nothing to do but to serve the app by
/// `into_make_service_with_connect_info::<SocketAddr>()`: its `ConnectInfo` is found.
/// Elsewhere, whoever accepts the connection puts it into each request:
///
/// ```
/// use std::net::SocketAddr;
/// use brownout::http::key::{ClientIp, PeerAddr};
/// use http::Request;
///
/// fn received<B>(mut request: Request<B>, peer: SocketAddr) -> Request<B> {
///     request.extensions_mut().insert(PeerAddr(peer));
///     request
/// }
///
/// let peer = SocketAddr::from(([192, 0, 2, 7], 51_000));
/// let request = received(Request::new(()), peer);
/// assert_eq!(ClientIp::peer().address(&request), Some(peer.ip()));
/// ```
///
/// With tonic, a `tower::util::MapRequestLayer` before this one does it: the address is
/// `TcpConnectInfo::remote_addr` in the extensions. Behind a proxy that speaks the PROXY
/// protocol, it is the address that this tells. Where there is `ConnectInfo` too, this counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The peer's address. A dual-stack socket says those of IPv4 in IPv6: they are taken as
/// what they are.
pub(in crate::http) fn of(extensions: &Extensions) -> Option<IpAddr> {
    let said = extensions.get::<PeerAddr>().map(|PeerAddr(peer)| *peer);
    said.or_else(|| connected(extensions)).map(|peer| peer.ip().to_canonical())
}

#[cfg(feature = "axum")]
fn connected(extensions: &Extensions) -> Option<SocketAddr> {
    use axum::extract::connect_info::{ConnectInfo, MockConnectInfo};

    let real = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    // Axum's own stand-in for tests.
    let mock =
        || extensions.get::<MockConnectInfo<SocketAddr>>().map(|MockConnectInfo(peer)| *peer);
    real.or_else(mock)
}

/// Only a server's own types tell.
#[cfg(not(feature = "axum"))]
fn connected(_extensions: &Extensions) -> Option<SocketAddr> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: SocketAddr =
        SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 51_000);

    #[test]
    fn nobody_told_is_nobody() {
        assert_eq!(of(&Extensions::new()), None);
    }

    #[test]
    fn an_ipv4_peer_of_a_dual_stack_socket_is_one_of_ipv4() {
        let mut extensions = Extensions::new();
        let mapped = "[::ffff:192.0.2.1]:51000".parse().expect("it is an address");
        extensions.insert(PeerAddr(mapped));
        assert_eq!(of(&extensions), Some(PEER.ip()));
    }

    #[cfg(feature = "axum")]
    #[test]
    fn axum_tells_and_what_was_said_counts_more() {
        use axum::extract::connect_info::{ConnectInfo, MockConnectInfo};

        let mut extensions = Extensions::new();
        let other = SocketAddr::from(([192, 0, 2, 2], 1));
        extensions.insert(MockConnectInfo(other));
        assert_eq!(of(&extensions), Some(other.ip()));
        extensions.insert(ConnectInfo(PEER));
        assert_eq!(of(&extensions), Some(PEER.ip()));
        extensions.insert(PeerAddr(other));
        assert_eq!(of(&extensions), Some(other.ip()));
    }
}
