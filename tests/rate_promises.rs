//! Promises of the quota that hold for whatever comes, on paused time.

#![cfg(feature = "http")]

use std::{future::Future, time::Duration};

use brownout::{Class, Quota, RateGate, RateLimit};
use proptest::prelude::*;
use tokio::time::{Instant, advance};

const NANOSECOND: Duration = Duration::from_nanos(1);

fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime is to be had").block_on(future)
}

#[derive(Clone, Copy, Debug)]
struct Figures {
    cells: u32,
    period: Duration,
    burst: u32,
}

impl Figures {
    fn interval(self) -> Duration {
        self.period / self.cells
    }

    fn gate(self, per_key: bool) -> RateGate {
        let limit = RateLimit::new(Quota::per(self.period, self.cells).burst(self.burst));
        let limit = if per_key { limit.per_key() } else { limit };
        limit.gate().expect("it is valid")
    }
}

fn figures() -> impl Strategy<Value = Figures> {
    (1..2_000_u32, 1..3_600_000_u64, 1..40_u32).prop_map(|(cells, period, burst)| Figures {
        cells,
        period: Duration::from_millis(period),
        burst,
    })
}

/// Pauses between requests, in thousandths of the time of one cell.
fn pauses() -> impl Strategy<Value = Vec<u32>> {
    let pause = prop_oneof![4 => Just(0), 4 => 0..1_500_u32, 1 => 0..60_000_u32];
    prop::collection::vec(pause, 1..150)
}

fn thousandths(interval: Duration, pause: u32) -> Duration {
    interval.mul_f64(f64::from(pause) / 1_000.0)
}

fn key(per_key: bool) -> Class {
    if per_key { Class::default().key("client") } else { Class::default() }
}

proptest! {
    #[test]
    fn the_wait_hint_is_neither_early_nor_late(
        figures in figures(),
        pauses in pauses(),
        early in 1..1_000_u64,
        per_key: bool,
    ) {
        on_paused_time(async {
            let (gate, class) = (figures.gate(per_key), key(per_key));
            for pause in pauses {
                advance(thousandths(figures.interval(), pause)).await;
                let Err(rejection) = gate.acquire(&class).await else { continue };
                let wait = rejection.retry_after();
                prop_assert!(wait > Duration::ZERO && wait <= figures.interval());
                let early = Duration::from_nanos(early).min(wait);
                advance(wait - early).await;
                for left in [early, NANOSECOND] {
                    let told = gate.acquire(&class).await.map(|_| ()).map_err(|still| still.retry_after());
                    prop_assert_eq!(told, Err(left), "too early");
                    advance(if left > NANOSECOND { left - NANOSECOND } else { left }).await;
                    if left == NANOSECOND {
                        break;
                    }
                }
                prop_assert!(gate.acquire(&class).await.is_ok(), "late, after {:?}", wait);
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_window_admits_more_than_burst_and_rate(
        figures in figures(),
        pauses in pauses(),
        per_key: bool,
    ) {
        on_paused_time(async {
            let (gate, class) = (figures.gate(per_key), key(per_key));
            let (start, mut admitted) = (Instant::now(), Vec::new());
            for pause in pauses {
                advance(thousandths(figures.interval(), pause)).await;
                if gate.acquire(&class).await.is_ok() {
                    admitted.push(start.elapsed());
                }
            }
            let cell = figures.interval().as_nanos();
            for (first, from) in admitted.iter().enumerate() {
                for (last, to) in admitted.iter().enumerate().skip(first) {
                    let count = (last - first + 1) as u128;
                    let allowed = u128::from(figures.burst) + (*to - *from).as_nanos() / cell;
                    prop_assert!(count <= allowed, "{count} in {:?}", *to - *from);
                }
            }
            Ok(())
        })?;
    }
}
