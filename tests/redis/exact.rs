//! The script at times that are given to it: the same decisions as those in memory, to the
//! nanosecond, and promises of whatever comes.

use std::{future::Future, time::Duration};

use brownout::{Class, Quota, RateGate, RateLimit};
use proptest::prelude::*;
use redis::{Connection, Script};
use tokio::time::advance;

use super::{DAY, Own, SECOND};

/// The script, with a time that is given in place of the server's, and keys that stay.
fn script() -> Script {
    let source = include_str!("../../src/redis/take.lua");
    let [time, expiry] = ["redis.call('TIME')", ", 'PX', whole"];
    assert!(source.contains(time) && source.contains(expiry), "it reads otherwise now");
    Script::new(&source.replace(time, "{KEYS[2], KEYS[3]}").replace(expiry, ""))
}

/// One bucket, and its time.
struct Bucket {
    _own: Own,
    connection: Connection,
    script: Script,
    key: String,
    rates: Vec<Rate>,
    now: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    cells: u32,
    period: Duration,
    burst: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    units: u32,
    /// Counted from one. 0: none.
    lacking: usize,
    wait: Duration,
    full_after: Vec<Duration>,
}

impl Rate {
    fn interval(self) -> Duration {
        Duration::from_nanos(self.period.as_nanos().div_ceil(self.cells.into()) as u64)
    }

    fn span(self) -> Duration {
        self.interval() * self.burst
    }
}

impl Bucket {
    fn new(rates: &[Rate]) -> Self {
        let own = Own::new();
        let (connection, key) = (own.connection(), own.key("given"));
        let now = Duration::from_micros(1_800_000_000_123_457);
        Self { _own: own, connection, script: script(), key, rates: rates.to_vec(), now }
    }

    /// False in the year 2150, when the script may begin to round.
    fn pass(&mut self, time: Duration) -> bool {
        self.now += time;
        self.now < Duration::from_secs(180 * 31_622_400)
    }

    fn take(&mut self, least: u32, most: u32) -> Answer {
        let mut call = self.script.key(&self.key);
        call.key(self.now.as_secs()).key(self.now.subsec_micros()).arg(least).arg(most);
        for rate in &self.rates {
            let interval = rate.interval().as_nanos() as u64;
            call.arg(interval / 1_000).arg(interval % 1_000).arg(rate.burst);
        }
        let answer: Vec<u64> = call.invoke(&mut self.connection).expect("the server is there");
        let time = |pair: &[u64]| Duration::from_micros(pair[0]) + Duration::from_nanos(pair[1]);
        Answer {
            units: answer[0] as u32,
            lacking: answer[1] as usize,
            wait: Duration::from_micros(answer[2]),
            full_after: answer[3..].chunks(2).map(time).collect(),
        }
    }
}

fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime is to be had").block_on(future)
}

fn gate(rates: &[Rate]) -> RateGate {
    let names = ["one", "two", "three", "four"];
    let quotas = rates
        .iter()
        .zip(names)
        .map(|(rate, name)| Quota::per(rate.period, rate.cells).burst(rate.burst).named(name));
    let mut quotas = quotas.collect::<Vec<_>>().into_iter();
    let first = RateLimit::new(quotas.next().expect("there is one"));
    quotas.fold(first, RateLimit::and).gate().expect("it is valid")
}

/// From one a day, and a century to refill, to one a nanosecond.
fn rate() -> impl Strategy<Value = Rate> {
    let usual = (1..20_000_u32, 1..3_600_000_000_u64, 1..40_u32);
    let usual = usual.prop_map(|(cells, period, burst)| Rate {
        cells,
        period: Duration::from_nanos(period.max(20_000)),
        burst,
    });
    let rate = |cells, period, burst| Just(Rate { cells, period, burst });
    prop_oneof![
        8 => usual,
        1 => rate(1, DAY, 1),
        1 => rate(1, DAY, 30_000),
        1 => rate(10_000_000, SECOND, 10_000_000),
        1 => rate(1_000_000_000, SECOND, u32::MAX),
        1 => rate(7, 366 * DAY, 690),
    ]
}

/// When the next order comes, and how many units it wants.
#[derive(Clone, Copy, Debug)]
enum Pause {
    None,
    /// In thousandths of the first interval.
    Intervals(u32),
    /// As long as the last was told to wait.
    AsTold,
    /// A microsecond less.
    TooShort,
}

fn steps() -> impl Strategy<Value = Vec<(Pause, u32)>> {
    let pause = prop_oneof![
        4 => Just(Pause::None),
        4 => (0..1_500_u32).prop_map(Pause::Intervals),
        1 => (0..60_000_u32).prop_map(Pause::Intervals),
        3 => Just(Pause::AsTold),
        3 => Just(Pause::TooShort),
    ];
    let units = prop_oneof![6 => 1..4_u32, 2 => 1..50_u32, 1 => 1..=u32::MAX];
    prop::collection::vec((pause, units), 1..60)
}

fn pause(pause: Pause, told: Duration, rates: &[Rate]) -> Duration {
    let time = match pause {
        Pause::None => Duration::ZERO,
        Pause::Intervals(thousandths) => {
            rates[0].interval().mul_f64(f64::from(thousandths) / 1_000.0)
        }
        Pause::AsTold => told,
        Pause::TooShort => told.saturating_sub(Duration::from_micros(1)),
    };
    // The server's clock has no more.
    Duration::from_micros(time.as_micros() as u64)
}

fn whole_micros(time: Duration) -> Duration {
    Duration::from_micros(time.as_nanos().div_ceil(1_000) as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    #[ignore = "needs Redis"]
    fn decisions_are_those_in_memory(rates in prop::collection::vec(rate(), 1..=4), steps in steps()) {
        on_paused_time(async {
            let (mut bucket, gate, mut told) = (Bucket::new(&rates), gate(&rates), Duration::ZERO);
            for (time, units) in steps {
                let time = pause(time, told, &rates);
                advance(time).await;
                if !bucket.pass(time) {
                    break;
                }
                let answer = bucket.take(units, units);
                told = answer.wait;
                match gate.acquire(&Class::default().cells(units)).await {
                    Ok(_) => prop_assert_eq!((answer.units, answer.lacking), (units, 0)),
                    Err(rejection) => {
                        prop_assert_eq!(answer.units, 0);
                        let wait = whole_micros(rejection.retry_after());
                        prop_assert_eq!(answer.wait, wait);
                        let standing = rejection.standing().expect("it is told");
                        prop_assert!(answer.full_after.contains(&standing.full_after()));
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    #[ignore = "needs Redis"]
    fn as_many_as_fit_are_taken_and_the_wait_is_neither_early_nor_late(
        rates in prop::collection::vec(rate(), 1..=4),
        steps in steps(),
        share in 1..5_u32,
    ) {
        let (mut bucket, mut told) = (Bucket::new(&rates), (0, Duration::ZERO));
        let mut debts = vec![Duration::ZERO; rates.len()];
        for (time, most) in steps {
            let least = if told.1 > Duration::ZERO { told.0 } else { most.div_ceil(share) };
            let most = most.max(least);
            let gap = pause(time, told.1, &rates);
            if !bucket.pass(gap) {
                break;
            }
            debts.iter_mut().for_each(|debt| *debt = debt.saturating_sub(gap));
            let fits = |units: u32| {
                let fits = |(rate, debt): (&Rate, &Duration)| {
                    let spent = rate.interval() * units.min(rate.burst);
                    *debt + spent <= rate.span() && (units <= rate.burst || units <= least)
                };
                rates.iter().zip(&debts).all(fits)
            };
            let answer = bucket.take(least, most);
            if answer.lacking == 0 {
                let units = answer.units;
                prop_assert!((least..=most).contains(&units) && fits(units), "{answer:?}");
                prop_assert!(units == most || !fits(units + 1), "{answer:?}");
                for (rate, debt) in rates.iter().zip(&mut debts) {
                    *debt += rate.interval() * units.min(rate.burst);
                }
            } else {
                prop_assert!(!fits(least) && answer.units == 0, "{answer:?}");
                prop_assert!(answer.wait > Duration::ZERO);
            }
            match time {
                Pause::AsTold | Pause::TooShort if told.1.is_zero() => (),
                Pause::AsTold => prop_assert_eq!(answer.lacking, 0, "early"),
                Pause::TooShort => prop_assert!(answer.lacking > 0, "late"),
                Pause::None | Pause::Intervals(_) => (),
            }
            prop_assert_eq!(&answer.full_after, &debts);
            told = (least, answer.wait);
        }
    }

    #[test]
    #[ignore = "needs Redis"]
    fn wherever_the_clock_jumps_nobody_waits_for_longer_than_a_burst(
        rate in rate(),
        jumps in prop::collection::vec(0..4_000_000_000_u64, 1..20),
    ) {
        let mut bucket = Bucket::new(&[rate]);
        for second in jumps {
            bucket.now = Duration::from_secs(second);
            if bucket.take(rate.burst, rate.burst).lacking > 0 {
                let wait = bucket.take(rate.burst, rate.burst).wait;
                prop_assert!(wait <= whole_micros(rate.span()), "{wait:?}");
                bucket.now += wait;
                prop_assert_eq!(bucket.take(rate.burst, rate.burst).lacking, 0);
            }
        }
    }
}

#[test]
#[ignore = "needs Redis"]
fn a_rate_that_grew_slower_or_quicker_holds_at_once() {
    let rate = |cells, period| Rate { cells, period, burst: 10 };
    let mut bucket = Bucket::new(&[rate(10, DAY)]);
    assert_eq!(bucket.take(10, 10).units, 10);
    bucket.rates = vec![rate(10, SECOND)];
    let wait = bucket.take(1, 1).wait;
    assert_eq!(wait, SECOND / 10);
    bucket.now += wait;
    assert_eq!(bucket.take(1, 1).units, 1, "not only told so");
}

#[test]
#[ignore = "needs Redis"]
fn ten_million_a_second_and_one_a_day_are_exact_side_by_side() {
    let quick = Rate { cells: 10_000_000, period: SECOND, burst: 25 };
    let slow = Rate { cells: 1, period: DAY, burst: 40_000 };
    let mut bucket = Bucket::new(&[quick, slow]);
    let mut taken = bucket.take(1, 1_000).units;
    for _ in 0..1_000 {
        bucket.now += Duration::from_micros(1);
        taken += bucket.take(1, 1_000).units;
    }
    assert_eq!(taken, 25 + 10 * 1_000, "ten each microsecond");
    let answer = bucket.take(1, 1);
    assert_eq!((answer.lacking, answer.wait), (1, Duration::from_micros(1)), "of 100 ns");
    let nanos = DAY * taken - Duration::from_millis(1);
    assert_eq!(answer.full_after[1], nanos, "of 27 years");
}
