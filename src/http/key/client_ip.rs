//! The address of the client.

use std::net::IpAddr;

use http::{HeaderName, Request};

use super::{
    field::Field,
    network::{Networks, first_bits},
    peer,
    trust::Trust,
};
use crate::{
    class::{EitherKey, Key, KeyOf},
    config::InvalidConfig,
};

/// The client's address: the peer's, or what proxies that are trusted tell of it.
///
/// Anybody can send an `X-Forwarded-For`. So no header is read unless the peer is one of
/// your own proxies, and then only as far as they have written it: from the right, over
/// hops that are yours, to the first address that is not. What stands left of it came from
/// the client, and counts for nothing.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use brownout::http::key::{ClientIp, PeerAddr};
/// use http::Request;
///
/// let mut request = Request::get("/")
///     .header("x-forwarded-for", "127.0.0.1, 198.51.100.4, 10.0.0.9")
///     .body(())?;
/// request.extensions_mut().insert(PeerAddr(SocketAddr::from(([10, 0, 0, 7], 443))));
///
/// let client = ClientIp::behind(["10.0.0.0/8", "fd00::/8"])?.x_forwarded_for();
/// assert_eq!(client.address(&request), Some(IpAddr::from([198, 51, 100, 4])));
/// assert_eq!(ClientIp::peer().address(&request), Some(IpAddr::from([10, 0, 0, 7])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Which header
///
/// The one that your proxy writes, and no other: what it does not write it hands on as the
/// client sent it. It may replace the header, append to its last line, or append a line.
///
/// # Where a hop is not known
///
/// If a proxy of yours wrote no address (`unknown`, an obfuscated name such as `_hidden`,
/// nothing, something broken), what stands left of it is nobody's word. Then the client is
/// that proxy itself, and all of whom it knows nothing share one key.
///
/// # What it costs
///
/// At most 32 entries of a header are read, and none of more than 512 bytes; longer ones
/// are taken for broken. Nothing is allocated.
///
/// # What is one client
///
/// An IPv4 address; of IPv6 the first 64 bits ([`ipv6_prefix`](Self::ipv6_prefix)), since
/// whoever has one such address has all of them. IPv4 in IPv6 (`::ffff:192.0.2.1`) is IPv4.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientIp {
    told: Option<(Trust, Field)>,
    ipv4_prefix: u8,
    ipv6_prefix: u8,
}

impl ClientIp {
    /// The peer: who is at the other end of the connection. No header is believed. For
    /// services that clients reach with nothing in between.
    pub fn peer() -> Self {
        Self { told: None, ipv4_prefix: 32, ipv6_prefix: 64 }
    }

    /// Behind proxies that are in these networks: `10.0.0.0/8`, `fd00::/8`, or an address
    /// alone. None of them means that nobody is trusted. Name your proxies and not all of
    /// your machines: what is in there may speak for anybody.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if one is no network, or is all there are (`0.0.0.0/0`): then
    /// every client could name itself.
    pub fn behind<N: AsRef<str>>(
        networks: impl IntoIterator<Item = N>,
    ) -> Result<Proxies, InvalidConfig> {
        Ok(Proxies(Trust::Networks(Networks::read("behind", networks)?)))
    }

    /// Behind exactly so many proxies, whoever they are, from 1 to 32: for those whose
    /// addresses change, and for Unix sockets, which have none.
    ///
    /// Only where every way to the service goes through that many of them. Who reaches it
    /// past one, or past all, is believed whatever it says.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if it is out of range.
    pub fn behind_hops(hops: usize) -> Result<Proxies, InvalidConfig> {
        if (1..=Trust::MOST_HOPS).contains(&hops) {
            return Ok(Proxies(Trust::Hops(hops)));
        }
        Err(InvalidConfig::new("behind_hops", hops, "from 1 to 32"))
    }

    /// How many of the first bits of an IPv4 address are one client. Default: 32, all;
    /// from 1.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if it is out of range.
    pub fn ipv4_prefix(self, bits: u8) -> Result<Self, InvalidConfig> {
        Ok(Self { ipv4_prefix: prefix("ipv4_prefix", bits, 32)?, ..self })
    }

    /// How many of the first bits of an IPv6 address are one client. Default: 64, the
    /// least that a customer usually gets; many get 56 or 48. From 1 to 128.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if it is out of range.
    pub fn ipv6_prefix(self, bits: u8) -> Result<Self, InvalidConfig> {
        Ok(Self { ipv6_prefix: prefix("ipv6_prefix", bits, 128)?, ..self })
    }

    /// The client's address, whole, to be logged. `None` if the peer's is not known: see
    /// [`PeerAddr`](super::PeerAddr).
    #[must_use]
    pub fn address<B>(&self, request: &Request<B>) -> Option<IpAddr> {
        let peer = peer::of(request.extensions());
        match &self.told {
            Some((trust, field)) => trust.client(peer, field.told(request.headers())),
            None => peer,
        }
    }

    /// Another key where the address is not known.
    pub fn or<K>(self, other: K) -> EitherKey<Self, K> {
        EitherKey(self, other)
    }
}

impl<B> KeyOf<Request<B>> for ClientIp {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let address = self.address(request)?;
        let bits = if address.is_ipv4() { self.ipv4_prefix } else { self.ipv6_prefix };
        // As one number, which std hashes alike wherever processes of a fleet run.
        let address = match first_bits(address, bits) {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        Some(Key::of(&("client ip", u128::from(address))))
    }
}

/// Proxies that are trusted, before it is said in which header they tell who the client is.
/// Made by [`ClientIp::behind`] and [`ClientIp::behind_hops`].
#[derive(Clone, Debug)]
#[must_use = "say in which header they tell the client's address"]
pub struct Proxies(Trust);

impl Proxies {
    /// They write `X-Forwarded-For`, as most do.
    pub fn x_forwarded_for(self) -> ClientIp {
        self.header(Field::X_FORWARDED_FOR)
    }

    /// They write `Forwarded` (RFC 7239), with the client in `for`.
    pub fn forwarded(self) -> ClientIp {
        self.telling(Field::Forwarded)
    }

    /// They write a header of this name, with one address or a list as in
    /// `X-Forwarded-For`: `CF-Connecting-IP`, `X-Real-IP`, `Fly-Client-IP`.
    pub fn header(self, name: HeaderName) -> ClientIp {
        self.telling(Field::List(name))
    }

    fn telling(self, field: Field) -> ClientIp {
        ClientIp { told: Some((self.0, field)), ..ClientIp::peer() }
    }
}

fn prefix(setting: &'static str, bits: u8, most: u8) -> Result<u8, InvalidConfig> {
    if (1..=most).contains(&bits) {
        return Ok(bits);
    }
    Err(InvalidConfig::new(setting, bits, format_args!("from 1 to {most}")))
}
