//! Requests as anybody may send them, and what no header of theirs may change.
//!
//! `.ci/run` builds all targets on stable and runs each for ten seconds; what it builds can be run on,
//! for as long as one likes, and keeps what is new to it in the first folder:
//!
//! ```sh
//! mkdir -p fuzz/corpus/settings
//! target/fuzz/*/release/settings fuzz/corpus/settings fuzz/seeds/settings -max_total_time=3600
//! ```
//!
//! With nightly and `cargo-fuzz`, the address sanitizer looks on, too:
//!
//! ```sh
//! cargo +nightly fuzz run settings fuzz/corpus/settings fuzz/seeds/settings -- -max_total_time=3600
//! ```
//!
//! What has failed is run again by giving the target the file that it wrote, and becomes a test where
//! the fault was.

use std::net::{IpAddr, SocketAddr};

use brownout::http::key::{ClientIp, PeerAddr, Proxies};
use http::{HeaderName, HeaderValue, Request};

/// The proxy at the other end, and another before it.
pub const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

/// A request from `peer` with a header in these lines, but for those that no header may
/// hold.
pub fn request<'v>(
    peer: IpAddr,
    name: &HeaderName,
    lines: impl IntoIterator<Item = &'v [u8]>,
) -> Request<()> {
    let mut request = Request::new(());
    for line in lines {
        if let Ok(line) = HeaderValue::from_bytes(line) {
            request.headers_mut().append(name, line);
        }
    }
    request.extensions_mut().insert(PeerAddr(SocketAddr::new(peer, 443)));
    request
}

/// Nothing in `sent` changes what the proxies wrote behind it, whether they append to the
/// last line or add one; `written` tells of the client at 192.0.2.1.
pub fn what_proxies_wrote_counts(
    name: &HeaderName,
    sent: &[u8],
    written: &[&str],
    read: fn(Proxies) -> ClientIp,
) {
    let client = Some(IpAddr::from([192, 0, 2, 1]));
    let named = read(ClientIp::behind(["10.0.0.0/8"]).expect("it is a network"));
    let counted = read(ClientIp::behind_hops(2).expect("it is in range"));
    for written in written {
        let appended = [sent, b", ", written.as_bytes()].concat();
        let joined: Vec<_> = appended.split(|byte| *byte == b'\n').collect();
        let added = sent.split(|byte| *byte == b'\n').chain([written.as_bytes()]);
        let mut requests = vec![request(PROXY, name, added)];
        // With a line that no header may hold, what was appended to it is lost, too.
        if joined.last().is_some_and(|line| HeaderValue::from_bytes(line).is_ok()) {
            requests.push(request(PROXY, name, joined));
        }
        for request in requests {
            assert_eq!(named.address(&request), client, "{written}");
            assert_eq!(counted.address(&request), client, "{written}");
        }
    }
}
