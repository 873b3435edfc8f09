//! `X-Forwarded-For`, against a split from the left.

#![no_main]

use std::net::IpAddr;

use brownout::http::key::{ClientIp, Proxies};
use brownout_fuzz::{PROXY, request, what_proxies_wrote_counts};
use http::HeaderName;
use libfuzzer_sys::fuzz_target;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

fuzz_target!(|data: &[u8]| {
    let written =
        ["192.0.2.1, 10.0.0.2", "192.0.2.1:443,10.0.0.2", "::ffff:192.0.2.1,[::ffff:a00:2]:1"];
    what_proxies_wrote_counts(&X_FORWARDED_FOR, data, &written, Proxies::x_forwarded_for);
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.len() > 512 || !text.chars().all(|letter| matches!(letter, ' '..='~')) {
        return;
    }
    // Only what needs no opinion: addresses without a port.
    let entries: Vec<Option<IpAddr>> =
        text.split(',').map(|entry| entry.trim().parse().ok()).collect();
    if entries.contains(&None) {
        return;
    }
    let request = request(PROXY, &X_FORWARDED_FOR, [data]);
    for hops in 1..=8_usize {
        let client = ClientIp::behind_hops(hops).expect("it is in range").x_forwarded_for();
        let expected = entries[entries.len() - hops.min(entries.len())];
        assert_eq!(client.address(&request), expected.map(|address| address.to_canonical()));
    }
});
