//! How long each case takes, in nanoseconds a call, a line for each: for `brownout-cost`,
//! whose clock is not the system's. With words, only what has one of them in its name.

use brownout_cost::{cases, contend, time::calls};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("it needs no resources");
    let entered = runtime.enter();
    let mut cases = cases::all();
    cases.retain(|case| asked(case.name));
    let mut called: Vec<_> = cases.iter().map(|case| (case.make)()).collect();
    let times = rounds(&mut called, |call| calls(call, CALLS).as_nanos() as f64 / CALLS as f64);
    for (case, time) in cases.iter().zip(times) {
        println!("call {time:.1}  {}", case.name);
    }
    drop(entered);
    for workers in [1, 2] {
        let (runtime, mut contended) = (contend::runtime(workers), contend::all());
        contended.retain(|contended| asked(contended.name));
        let times = rounds(&mut contended, |contended| {
            (contended.take)(&runtime, MANY_CALLS).as_nanos() as f64 / MANY_CALLS as f64
        });
        for (contended, time) in contended.iter().zip(times) {
            println!("workers {workers} {time:.1}  {}", contended.name);
        }
    }
}

fn asked(name: &str) -> bool {
    let mut words = std::env::args().skip(1).peekable();
    words.peek().is_none() || words.any(|word| name.contains(&word))
}

/// The least that each took in any round. All take part in each, so that what disturbs the
/// machine for a while disturbs all of them.
fn rounds<T>(all: &mut [T], mut take: impl FnMut(&mut T) -> f64) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; all.len()];
    for _ in 0..ROUNDS {
        for (one, least) in all.iter_mut().zip(&mut least) {
            *least = take(one).min(*least);
        }
    }
    least
}

const ROUNDS: usize = 40;
const CALLS: u64 = 2_048;
const MANY_CALLS: u64 = 64_000;
