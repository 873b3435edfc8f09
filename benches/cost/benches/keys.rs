//! What does it take to remember a key, and who is remembered in a flood of keys?
//!
//! `cargo bench --manifest-path benches/cost/Cargo.toml --bench keys` prints the bytes per key,
//! the dearest single check, and how often a client has to come to be remembered while a million
//! others come once each.

use std::{hint::black_box, time::Duration};

use brownout::{Class, Entry, Gate, Quota, RateGate, RateLimit};
use tokio::time::Instant;

const FLOOD: u32 = 1_000_000;

fn main() {
    println!("one million unique keys");
    println!(
        "| at most | quotas | bytes at the peak | per key | later allocations | ns a check | dearest check |"
    );
    println!("|---|---|---|---|---|---|---|");
    for most in [100_000, 1_000_000] {
        for quotas in [1, 2, 3] {
            flood(most, quotas);
        }
    }
    println!();
    println!("100 clients of at most 100 000 keys, known before the flood or new in it");
    println!(
        "| others between two of its requests | each once: known | new | each twice: known | new |"
    );
    println!("|---|---|---|---|---|");
    for others in [100, 1_000, 10_000, 30_000, 40_000, 45_000, 60_000, 100_000, 300_000] {
        let share = |known, times| 100.0 * forgotten(others, known, times);
        let [a, b] = [share(true, 1), share(false, 1)];
        let [c, d] = [share(true, 2), share(false, 2)];
        println!("| {others} | {a:.1} % | {b:.1} % | {c:.1} % | {d:.1} % |");
    }
}

fn gate(most: usize, quotas: usize) -> RateGate {
    let more = [Quota::per_hour(1_000), Quota::per_day(10_000)];
    let limit = RateLimit::new(Quota::per_minute(60)).per_key().max_keys(most);
    let limit = more.into_iter().take(quotas - 1).fold(limit, RateLimit::and);
    limit.gate().expect("it is valid")
}

fn client(number: u32) -> Class {
    Class::default().key(&number)
}

fn flood(most: usize, quotas: usize) {
    let clients: Vec<_> = (0..FLOOD).map(client).collect();
    let mut kept = None;
    let built = allocation_counter::measure(|| kept = Some(gate(most, quotas)));
    let first = kept.take().expect("it was built");
    let mut took = vec![Duration::MAX; FLOOD as usize];
    let serving = allocation_counter::measure(|| serve(&first, &clients, &mut took));
    let bytes = built.bytes_max + serving.bytes_max;
    let per_key = bytes as f64 / first.snapshot().keys as f64;
    assert!(first.snapshot().keys <= most);
    // Whatever interrupts a check does so at another one next time.
    (0..5).for_each(|_| serve(&gate(most, quotas), &clients, &mut took));
    let (mean, dearest) = (took.iter().sum::<Duration>() / FLOOD, took.iter().max());
    println!(
        "| {most} | {quotas} | {bytes} | {per_key:.1} | {} | {mean:?} | {:?} |",
        serving.count_total,
        dearest.expect("there are some")
    );
}

fn serve(gate: &RateGate, clients: &[Class], took: &mut [Duration]) {
    for (class, took) in clients.iter().zip(took) {
        let now = Instant::now();
        black_box(gate.enter(class, now.into_std()));
        *took = now.elapsed().min(*took);
    }
}

/// The share of requests that are admitted although their client has used up its quota:
/// it was forgotten. Each stranger comes so many times.
fn forgotten(others: u32, known: bool, times: u32) -> f64 {
    let limit = RateLimit::new(Quota::per_day(1)).per_key().max_keys(100_000);
    let (gate, now) = (limit.gate().expect("it is valid"), Instant::now().into_std());
    let (mut stranger, clients) = (0, 100);
    let mut strangers = |count: u32| {
        for number in stranger..stranger + count {
            (0..times).for_each(|_| drop(gate.enter(&client(number), now)));
        }
        stranger += count;
    };
    let busy: Vec<_> = (0..clients).map(|number| Class::default().key(&("busy", number))).collect();
    let enter = |class| matches!(gate.enter(class, now), Entry::Admitted(_));
    if known {
        busy.iter().for_each(|class| _ = enter(class));
    }
    strangers(200_000);
    let rounds = (FLOOD / others).clamp(4, 50);
    let mut admitted = 0;
    for round in 0..rounds {
        for class in &busy {
            strangers(others / clients);
            // That of a new one is its first.
            admitted += u32::from(enter(class) && (known || round > 0));
        }
    }
    f64::from(admitted) / f64::from((rounds - u32::from(!known)) * clients)
}
