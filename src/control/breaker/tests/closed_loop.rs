//! The breaker alone in front of a database that does ten queries a tick, in turn.

use std::collections::VecDeque;

use super::*;

struct Loop {
    rig: Rig,
    /// When those that wait came, in ticks.
    queue: VecDeque<u32>,
    tick: u32,
}

#[derive(Debug, Default)]
struct Seen {
    done: u32,
    good: u32,
    admitted: [u32; 4],
    opened: bool,
}

impl Loop {
    fn new() -> Self {
        Self { rig: Rig::new(), queue: VecDeque::new(), tick: 0 }
    }

    /// So many ticks, with so many requests of each priority in each.
    fn run(&mut self, ticks: u32, each: u32) -> Seen {
        let mut seen = Seen::default();
        for _ in 0..ticks {
            self.tick += 1;
            let let_in = self.rig.refusals(each).map(|refused| each - refused);
            for (sum, admitted) in seen.admitted.iter_mut().zip(let_in) {
                *sum += admitted;
                self.queue.extend((0..admitted).map(|_| self.tick));
            }
            let done = PER_TICK.min(self.queue.len());
            let late = |came: &u32| self.tick - came > SLOW;
            let bad = self.queue.drain(..done).filter(late).count();
            self.rig.in_flight = self.queue.len();
            self.rig.slow_ticks(1, &[(0, done as u64, bad as u64)]);
            seen.done += done as u32;
            seen.good += (done - bad) as u32;
            seen.opened |= matches!(self.rig.circuit(), Circuit::Open | Circuit::HalfOpen);
        }
        seen
    }
}

/// In ticks.
const SLOW: u32 = 3;

const PER_TICK: usize = 10;

#[test]
fn twice_the_load_dims_it_and_never_opens_it() {
    let mut shop = Loop::new();
    shop.run(100, 1);
    let seen = shop.run(1_000, 5);
    assert!(!seen.opened, "{seen:?}");
    let [critical, others @ ..] = seen.admitted;
    assert_eq!(critical, 5_000, "{seen:?}");
    assert!(others.is_sorted_by(|more, less| more > less), "{seen:?}");
    assert!(seen.done > 9_000, "the database is not left idle: {seen:?}");
    assert!(seen.good > 2_500, "without it, each would wait longer than the one before: {seen:?}");
    let seen = shop.run(100, 1);
    assert_eq!(shop.rig.circuit(), Circuit::Closed, "{seen:?}");
}
