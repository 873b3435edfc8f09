//! Whose a request is: the client's address, a header, a path.
//!
//! For [`GateLayer::key`](crate::GateLayer::key). Tuples make one key of several, and `or`
//! asks a second where the first has none:
//!
//! ```
//! use brownout::{Quota, RateLimit, Unkeyed, http::key::{ClientIp, Header, Path}};
//! use http::HeaderName;
//!
//! let limit = RateLimit::new(Quota::per_second(10)).per_key().unkeyed(Unkeyed::Refuse);
//! let by_address = limit.clone().layer()?.key(ClientIp::peer());
//!
//! // Behind a load balancer, for each API key or else each address, at each path.
//! let address = ClientIp::behind(["10.0.0.0/8"])?.x_forwarded_for();
//! let api_key = Header::new(HeaderName::from_static("x-api-key"));
//! let by_client_and_path = limit.layer()?.key((api_key.or(address), Path));
//! # let _ = (by_address, by_client_and_path);
//! # Ok::<(), brownout::InvalidConfig>(())
//! ```
//!
//! A key is a hash: none of these allocates, and none keeps what it was made of.
//!
//! # What a client may not choose
//!
//! A quota per key holds for nobody who can make up keys. So
//!
//! - an address in a header counts only if a proxy that you named has written it:
//!   [`ClientIp`] says how;
//! - an API key is only a key after it was checked: put the layer behind what checks it, or
//!   use a closure that knows which are valid;
//! - a path is what the client wants it to be: in a tuple with the address it gives who asks
//!   for pages that do not exist a new quota for each. The route (feature `axum`) does not.
//!
//! # Requests without a key
//!
//! Where nothing tells whose a request is (no header, no address of a peer), it has no key,
//! and [`RateLimit::unkeyed`](crate::RateLimit::unkeyed) decides: it shares one bucket with all
//! others like it (the default), is admitted or is refused. If all requests seem to
//! share a quota, the server does not hand on the peer's address: see [`PeerAddr`].

mod client_ip;
mod field;
mod header;
mod network;
mod node;
mod path;
mod peer;
#[cfg(feature = "axum")]
mod route;
mod trust;

pub use client_ip::{ClientIp, Proxies};
pub use header::Header;
pub(super) use network::Networks;
pub use path::Path;
pub use peer::PeerAddr;
pub(super) use peer::of as peer_of;
#[cfg(feature = "axum")]
pub use route::Route;
