//! Quotas that many threads spend, and many keys.

#![cfg(feature = "tower")]

use std::thread;

use brownout::{Class, Entry, Gate, Quota, RateGate, RateLimit};
use tokio::time::Instant;

fn admits(gate: &RateGate, class: &Class) -> bool {
    matches!(gate.enter(class, Instant::now().into_std()), Entry::Admitted(_))
}

#[test]
fn threads_together_never_spend_more_than_a_burst() {
    let quotas = RateLimit::new(Quota::per_day(5_000)).and(Quota::per_hour(40).burst(3_000));
    for limit in [quotas.clone(), quotas.per_key()] {
        let gate = limit.gate().expect("it is valid");
        let all_at_once =
            || (0..4_000).filter(|_| admits(&gate, &Class::default().key("x"))).count();
        let admitted: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(all_at_once)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it does not panic")).sum()
        });
        // One comes back every 17 seconds of the day and every 90 of the hour.
        assert!((2_990..=3_002).contains(&admitted), "{admitted}");
        let told = gate.snapshot();
        assert_eq!(told.admitted + told.refused, 16_000);
    }
}

#[test]
fn clients_that_went_over_their_quota_stay_limited_in_a_flood_of_a_million_keys() {
    let limit = RateLimit::new(Quota::per_day(2)).per_key().max_keys(100_000);
    let gate = limit.gate().expect("it is valid");
    let busy: Vec<_> = (0..100).map(|client| Class::default().key(&("busy", client))).collect();
    for class in busy.iter().chain(&busy) {
        assert!(admits(&gate, class));
    }
    for stranger in 0..1_000_000_u32 {
        assert!(admits(&gate, &Class::default().key(&stranger)));
        if stranger % 100 == 0 {
            // Each of them once in ten thousand requests.
            assert!(!admits(&gate, &busy[(stranger / 100) as usize % busy.len()]), "{stranger}");
        }
    }
    assert_eq!(gate.snapshot().keys, 100_000);
}
