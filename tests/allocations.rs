//! What the decision on a request takes of the heap: nothing.

#![cfg(feature = "http")]

use allocation_counter::measure;
use brownout::{Class, Entry, Gate, Quota, RateLimit, TimeoutOf, http::Timeout};
use http::{HeaderName, Request};
use tokio::time::Instant;

#[test]
fn a_rate_check_allocates_nothing_whatever_it_decides() {
    let one = RateLimit::new(Quota::per_day(1));
    let three = one.clone().and(Quota::per_hour(1)).and(Quota::per_minute(1));
    let now = Instant::now().into_std();
    for limit in [one.clone(), three.clone(), one.per_key(), three.per_key()] {
        let gate = limit.gate().expect("it is valid");
        let client = Class::default().key("client");
        // What a thread sets up for itself when it comes for the first time.
        let _ = gate.enter(&Class::default().key("another").cells(0), now);
        let mut entry = None;
        let admitted = measure(|| entry = Some(gate.enter(&client, now)));
        assert!(matches!(entry, Some(Entry::Admitted(_))), "and the key is new");
        assert_eq!(admitted.count_total, 0);
        let refused = measure(|| entry = Some(gate.enter(&client, now)));
        assert!(matches!(entry, Some(Entry::Refused(_))));
        assert_eq!(refused.count_total, 0);
    }
}

#[test]
fn a_timeout_is_read_without_the_heap_whatever_is_sent() {
    const NAME: HeaderName = HeaderName::from_static("grpc-timeout");
    for timeout in [Timeout::grpc(), Timeout::seconds(NAME), Timeout::milliseconds(NAME)] {
        for value in ["100m", "2.5", "250", "soon", "99999999999999999999999999999"] {
            let request = Request::get("/").header(NAME, value).body(()).expect("it is valid");
            let read = measure(|| {
                let _ = timeout.timeout(&request);
            });
            assert_eq!(read.count_total, 0, "{value}");
        }
    }
}
