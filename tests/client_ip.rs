//! Whatever a client sends, its address is what the proxies that are trusted say.

#![cfg(feature = "http")]

use std::net::{IpAddr, SocketAddr};

use brownout::{
    KeyOf,
    http::key::{ClientIp, PeerAddr, Proxies},
};
use http::{HeaderName, HeaderValue, Request, header::FORWARDED};
use ipnet::IpNet;
use proptest::{collection::vec, option, prelude::*, sample::select};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const OURS: [&str; 3] = ["10.0.0.0/8", "203.0.113.7", "fd00::/8"];

/// How a header is written, and which client reads it.
#[derive(Clone, Copy, Debug)]
enum Style {
    List,
    Forwarded,
}

impl Style {
    const BOTH: [Self; 2] = [Self::List, Self::Forwarded];

    fn name(self) -> HeaderName {
        match self {
            Self::List => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        }
    }

    fn read(self, proxies: Proxies) -> ClientIp {
        match self {
            Self::List => proxies.x_forwarded_for(),
            Self::Forwarded => proxies.forwarded(),
        }
    }

    fn behind_ours(self) -> ClientIp {
        self.read(ClientIp::behind(OURS).expect("they are networks"))
    }
}

/// What one hop wrote of the one before it.
#[derive(Clone, Debug)]
struct Entry {
    address: Option<IpAddr>,
    port: Option<u16>,
    /// For what may be written in one way or the other.
    taste: u8,
}

impl Entry {
    fn likes(&self, what: u8) -> bool {
        self.taste >> what & 1 == 1
    }

    fn write(&self, style: Style) -> String {
        match style {
            Style::List => self.node(self.likes(0)),
            Style::Forwarded => self.element(),
        }
    }

    fn node(&self, brackets: bool) -> String {
        match (self.address, self.port) {
            (None, _) if self.likes(1) => "unknown".to_owned(),
            (None, _) => "_hidden.1-2".to_owned(),
            (Some(address), Some(port)) => SocketAddr::new(address, port).to_string(),
            (Some(IpAddr::V6(address)), None) if brackets => format!("[{address}]"),
            (Some(address), None) => address.to_string(),
        }
    }

    fn element(&self) -> String {
        let node = self.node(true);
        let quoted = node.contains(':') || self.likes(0);
        let node = if quoted { format!("\"{node}\"") } else { node };
        let name = if self.likes(2) { "For" } else { "for" };
        let mut pairs = vec![format!("{name}={node}")];
        if self.likes(3) {
            pairs.push("proto=https".to_owned());
        }
        if self.likes(4) {
            pairs.push(r#"host="a\", for=192.0.2.66; for=\\""#.to_owned());
        }
        if self.likes(5) {
            pairs.insert(0, r#"by="[fd00::1]:443""#.to_owned());
        }
        pairs.join(if self.likes(6) { ";" } else { " ; " })
    }
}

fn address() -> impl Strategy<Value = IpAddr> {
    let of_interest =
        select(vec!["10.1.2.3", "10.255.0.1", "203.0.113.7", "203.0.113.8", "fd00::1"]);
    let of_interest = of_interest.prop_map(|text| text.parse().expect("it is an address"));
    let mapped = any::<[u8; 4]>()
        .prop_map(|octets| std::net::Ipv4Addr::from(octets).to_ipv6_mapped().into());
    prop_oneof![
        4 => of_interest,
        1 => any::<[u8; 4]>().prop_map(IpAddr::from),
        1 => any::<[u8; 16]>().prop_map(IpAddr::from),
        1 => mapped,
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let address = option::weighted(0.9, address());
    (address, option::of(any::<u16>()), any::<u8>()).prop_map(|(address, port, taste)| Entry {
        address,
        port,
        taste,
    })
}

/// Whatever a header may hold.
fn junk() -> impl Strategy<Value = Vec<u8>> {
    let nasty = select(b",;=\"\\ \t[]:.0123456789forFOR_unkwn\xff\x80".to_vec());
    vec(prop_oneof![8 => nasty, 1 => 32_u8..127], 0..80)
}

fn request<'v>(
    peer: Option<IpAddr>,
    name: &HeaderName,
    lines: impl IntoIterator<Item = &'v [u8]>,
) -> Request<()> {
    let mut request = Request::new(());
    for line in lines {
        let line = HeaderValue::from_bytes(line).expect("it is valid");
        request.headers_mut().append(name, line);
    }
    if let Some(peer) = peer {
        request.extensions_mut().insert(PeerAddr(SocketAddr::new(peer, 51_000)));
    }
    request
}

fn is_ours(address: IpAddr) -> bool {
    let within = |text: &str| match text.parse::<IpNet>() {
        Ok(network) => network.contains(&address),
        Err(_) => text.parse() == Ok(address),
    };
    OURS.into_iter().any(within)
}

/// The client by a walk over the list of all hops, which is known here, the nearest last.
fn model(hops: &[Option<IpAddr>], is_believed: impl Fn(usize, IpAddr) -> bool) -> IpAddr {
    let known: Vec<_> = hops.iter().rev().map_while(|hop| *hop).collect();
    let known: Vec<_> = known.into_iter().map(|address| address.to_canonical()).collect();
    let believed =
        known.iter().enumerate().take_while(|(hop, address)| is_believed(*hop, **address)).count();
    known[believed.min(known.len() - 1)]
}

/// The same entries in lines of a header, each begun where `breaks` says.
fn lines(style: Style, entries: &[Entry], breaks: u64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        match lines.last_mut() {
            Some(line) if breaks >> number & 1 == 0 => {
                line.push_str(if entry.likes(7) { ", " } else { "," });
                line.push_str(&entry.write(style));
            }
            _ => lines.push(entry.write(style)),
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_client_is_who_the_walk_over_all_hops_ends_at(
        peer in address(),
        entries in vec(entry(), 0..12),
        breaks: u64,
        hops in 1_usize..6,
        style in select(Style::BOTH.to_vec()),
    ) {
        let lines = lines(style, &entries, breaks);
        let request = request(Some(peer), &style.name(), lines.iter().map(String::as_bytes));
        let mut path: Vec<_> = entries.iter().map(|entry| entry.address).collect();
        path.push(Some(peer));
        let expected = model(&path, |_, address| is_ours(address));
        prop_assert_eq!(style.behind_ours().address(&request), Some(expected), "{:?}", lines);
        let counting = style.read(ClientIp::behind_hops(hops).expect("it is in range"));
        let expected = model(&path, |hop, _| hop < hops);
        prop_assert_eq!(counting.address(&request), Some(expected), "{:?}", lines);
    }

    #[test]
    fn no_header_changes_the_key_of_a_peer_that_is_not_trusted(
        peer in address().prop_filter("trusted", |address| !is_ours(address.to_canonical())),
        lines in vec(prop_oneof![junk(), entry().prop_map(|own| own.write(Style::List).into())], 0..5),
        style in select(Style::BOTH.to_vec()),
    ) {
        let plain = request(Some(peer), &style.name(), []);
        let forged = request(Some(peer), &style.name(), lines.iter().map(Vec::as_slice));
        for client in [style.behind_ours(), ClientIp::peer()] {
            prop_assert_eq!(client.address(&forged), Some(peer.to_canonical()));
            prop_assert_eq!(client.key(&forged), client.key(&plain));
            prop_assert!(client.key(&plain).is_some());
        }
    }

    #[test]
    fn nothing_that_a_client_sends_changes_what_our_proxies_wrote_behind_it(
        client in address().prop_filter("trusted", |address| !is_ours(address.to_canonical())),
        port: Option<u16>,
        taste: u8,
        junk in vec(junk(), 1..4),
        joined: bool,
        style in select(Style::BOTH.to_vec()),
    ) {
        let mut lines = junk;
        let told = Entry { address: Some(client), port, taste }.write(style);
        let inner = Entry { address: Some(IpAddr::from([10, 0, 0, 9])), port, taste }.write(style);
        let written = format!("{told}, {inner}");
        match lines.last_mut() {
            Some(line) if joined => line.extend([b", ", written.as_bytes()].concat()),
            _ => lines.push(written.into()),
        }
        let peer = Some(IpAddr::from([10, 0, 0, 1]));
        let request = request(peer, &style.name(), lines.iter().map(Vec::as_slice));
        let expected = Some(client.to_canonical());
        prop_assert_eq!(style.behind_ours().address(&request), expected);
        let counting = style.read(ClientIp::behind_hops(2).expect("it is in range"));
        prop_assert_eq!(counting.address(&request), expected);
    }

    #[test]
    fn junk_is_read_to_its_end_and_from_nobody_not_at_all(
        lines in vec(junk(), 0..5),
        style in select(Style::BOTH.to_vec()),
    ) {
        let peer = IpAddr::from([10, 0, 0, 1]);
        let request = request(Some(peer), &style.name(), lines.iter().map(Vec::as_slice));
        let found = style.behind_ours().address(&request);
        prop_assert!(found.is_some());
        let nobody = self::request(None, &style.name(), lines.iter().map(Vec::as_slice));
        prop_assert_eq!(style.behind_ours().address(&nobody), None);
    }

    #[test]
    fn a_network_holds_what_another_make_says(
        network in address(),
        near in address(),
        bits in 1_u8..=128,
        flipped in 0_u32..128,
        close: bool,
    ) {
        let network = network.to_canonical();
        let bits = if network.is_ipv4() { (bits - 1) % 32 + 1 } else { bits };
        // Most addresses are far from most networks.
        let near = match network {
            IpAddr::V4(own) if close => (own.to_bits() ^ 1_u32 << (flipped % 32)).to_be_bytes().into(),
            IpAddr::V6(own) if close => (own.to_bits() ^ 1_u128 << flipped).to_be_bytes().into(),
            _ => near,
        };
        let near = near.to_canonical();
        let other = IpNet::new(network, bits).expect("it is in range");
        let behind = ClientIp::behind([other.to_string()]).expect("it is a network");
        let told = "192.0.2.99".parse::<IpAddr>().expect("it is an address");
        let request = request(Some(near), &X_FORWARDED_FOR, [&b"192.0.2.99"[..]]);
        let expected = if other.contains(&near) { told } else { near };
        prop_assert_eq!(behind.x_forwarded_for().address(&request), Some(expected));
    }

    #[test]
    fn addresses_are_one_client_if_their_first_bits_are_the_same(
        one in address(),
        other in address(),
        ipv4 in 1_u8..=32,
        ipv6 in 1_u8..=128,
    ) {
        let client = ClientIp::peer().ipv4_prefix(ipv4).expect("it is in range");
        let client = client.ipv6_prefix(ipv6).expect("it is in range");
        let network = |address: IpAddr| {
            let address = address.to_canonical();
            let bits = if address.is_ipv4() { ipv4 } else { ipv6 };
            IpNet::new(address, bits).expect("it is in range").trunc()
        };
        let key = |address| client.key(&request(Some(address), &X_FORWARDED_FOR, []));
        prop_assert_eq!(key(one) == key(other), network(one) == network(other));
    }
}

#[test]
fn a_huge_header_is_read_to_its_bound() {
    let hops = vec!["10.0.0.2"; 100_000].join(",");
    let line = format!("192.0.2.1,{hops}");
    let peer = Some(IpAddr::from([10, 0, 0, 1]));
    let request = request(peer, &X_FORWARDED_FOR, [line.as_bytes()]);
    let found = Style::List.behind_ours().address(&request);
    assert_eq!(found, Some(IpAddr::from([10, 0, 0, 2])), "and not the client");
}

#[test]
fn only_the_header_that_is_said_is_read() {
    let peer = Some(IpAddr::from([10, 0, 0, 1]));
    let mut request = request(peer, &X_FORWARDED_FOR, [&b"192.0.2.1"[..]]);
    let headers = request.headers_mut();
    headers.insert(FORWARDED, HeaderValue::from_static("for=192.0.2.2"));
    headers.insert("cf-connecting-ip", HeaderValue::from_static("192.0.2.3"));
    let read = |read: fn(Proxies) -> ClientIp| {
        read(ClientIp::behind(OURS).expect("they are networks")).address(&request)
    };
    assert_eq!(read(Proxies::x_forwarded_for), Some(IpAddr::from([192, 0, 2, 1])));
    assert_eq!(read(Proxies::forwarded), Some(IpAddr::from([192, 0, 2, 2])));
    let cloudflare = |proxies: Proxies| proxies.header(HeaderName::from_static("cf-connecting-ip"));
    assert_eq!(read(cloudflare), Some(IpAddr::from([192, 0, 2, 3])));
    let absent = |proxies: Proxies| proxies.header(HeaderName::from_static("x-real-ip"));
    assert_eq!(read(absent), peer);
}

#[test]
fn a_customer_of_ipv6_is_one_client_whichever_address_it_takes() {
    let key = |client: &ClientIp, peer: &str| {
        client.key(&request(peer.parse().ok(), &X_FORWARDED_FOR, []))
    };
    let client = ClientIp::peer();
    assert_eq!(key(&client, "2001:db8::1"), key(&client, "2001:db8::ffff:0:0:1"));
    assert_ne!(key(&client, "2001:db8:0:1::1"), key(&client, "2001:db8::1"));
    let wide = client.clone().ipv6_prefix(56).expect("it is in range");
    assert_eq!(key(&wide, "2001:db8:0:1::1"), key(&wide, "2001:db8::1"));
    assert_ne!(key(&client, "192.0.2.1"), key(&client, "192.0.2.2"));
    assert_eq!(key(&client, "::ffff:192.0.2.1"), key(&client, "192.0.2.1"));
}

#[test]
fn settings_out_of_range_are_invalid() {
    let message = |bits| ClientIp::peer().ipv6_prefix(bits).err().map(|error| error.to_string());
    let said = |value| Some(format!("`ipv6_prefix` is {value}, but must be from 1 to 128"));
    assert_eq!(
        (message(0), message(1), message(128), message(129)),
        (said(0), None, None, said(129))
    );
    assert!(ClientIp::peer().ipv4_prefix(0).is_err());
    assert!(ClientIp::peer().ipv4_prefix(33).is_err());
    assert!(ClientIp::behind_hops(0).is_err());
    assert!(ClientIp::behind_hops(33).is_err());
    assert!(ClientIp::behind(["10.0.0.0/8", "0.0.0.0/0"]).is_err());
    assert!(ClientIp::behind(["10.0.0.0/8", "proxy"]).is_err());
    assert!(ClientIp::behind([""; 0]).is_ok(), "nobody is trusted");
}
