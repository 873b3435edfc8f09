//! No header changes the key of a peer that is not trusted, whichever networks are.

#![no_main]

use std::net::IpAddr;

use brownout::{
    KeyOf,
    http::key::{ClientIp, Proxies},
};
use brownout_fuzz::request;
use http::{HeaderName, header::FORWARDED};
use libfuzzer_sys::fuzz_target;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

type Input<'d> = ([u8; 16], bool, u8, &'d str, &'d [u8]);

fuzz_target!(|input: Input<'_>| {
    let (octets, is_ipv4, bits, networks, header) = input;
    let peer = match octets {
        [a, b, c, d, ..] if is_ipv4 => IpAddr::from([a, b, c, d]),
        octets => IpAddr::from(octets),
    };
    let Ok(proxies) = ClientIp::behind(networks.split(',')) else { return };
    let (name, told, read): (_, _, fn(Proxies) -> ClientIp) = match bits % 2 {
        0 => (FORWARDED, "for=192.0.2.1", Proxies::forwarded),
        _ => (X_FORWARDED_FOR, "192.0.2.1", Proxies::x_forwarded_for),
    };
    let client = read(proxies).ipv6_prefix(bits.clamp(1, 128)).expect("it is in range");
    let forged = request(peer, &name, header.split(|byte| *byte == b'\n'));
    let plain = request(peer, &name, []);
    assert_eq!(client.address(&plain), Some(peer.to_canonical()));
    // Whether it is trusted is seen by a header that tells of somebody else.
    let told = request(peer, &name, [told.as_bytes()]);
    let is_trusted = client.address(&told) != client.address(&plain);
    if !is_trusted && peer.to_canonical() != IpAddr::from([192, 0, 2, 1]) {
        assert_eq!(client.address(&forged), Some(peer.to_canonical()));
        assert_eq!(client.key(&forged), client.key(&plain));
    }
    assert!(client.key(&forged).is_some());
});
