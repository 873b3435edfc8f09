//! Promises of the quotas that hold for whatever comes, on paused time.

#![cfg(feature = "http")]

use std::{future::Future, time::Duration};

use brownout::{Class, Priority, Quota, RateGate, RateLimit, Reason, Rejection};
use proptest::prelude::*;
use tokio::time::{Instant, advance};

const NANOSECOND: Duration = Duration::from_nanos(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

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
    fn quota(self, name: &'static str) -> Quota {
        Quota::per(self.period, self.cells).burst(self.burst).named(name)
    }

    /// The most cells that may be admitted in a window.
    fn allowed(self, window: Duration) -> u128 {
        let back = window.as_nanos() * u128::from(self.cells) / self.period.as_nanos();
        u128::from(self.burst) + back
    }

    /// In which a whole burst comes back, but for what is rounded up.
    fn span(self) -> Duration {
        let cell = self.period.as_nanos().div_ceil(u128::from(self.cells));
        Duration::from_nanos(u64::try_from(cell * u128::from(self.burst)).expect("it is short"))
    }
}

fn figures() -> impl Strategy<Value = Figures> {
    let usual = (1..2_000_u32, 1..3_600_000_u64, 1..40_u32)
        .prop_map(|(cells, ms, burst)| Figures { cells, period: Duration::from_millis(ms), burst });
    let second = Duration::from_secs(1);
    let extreme = prop_oneof![
        Just(Figures { cells: 1, period: DAY, burst: 1 }),
        Just(Figures { cells: 3, period: DAY, burst: 7 }),
        Just(Figures { cells: 10_000_000, period: second, burst: 10_000_000 }),
        Just(Figures { cells: 10_000_000, period: second, burst: 3 }),
        Just(Figures { cells: 700_000_000, period: second, burst: 5 }),
        Just(Figures { cells: 1, period: 366 * DAY, burst: 2 }),
    ];
    prop_oneof![3 => usual, 1 => extreme]
}

fn quotas() -> impl Strategy<Value = Vec<Figures>> {
    prop::collection::vec(figures(), 1..=4)
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn limit(figures: &[Figures], per_key: bool) -> RateLimit {
    let mut quotas = figures.iter().zip(NAMES).map(|(figures, name)| figures.quota(name));
    let limit = RateLimit::new(quotas.next().expect("there is one"));
    let limit = quotas.fold(limit, RateLimit::and);
    if per_key { limit.per_key() } else { limit }
}

fn gate(figures: &[Figures], per_key: bool) -> RateGate {
    limit(figures, per_key).gate().expect("it is valid")
}

/// A request, after a pause in thousandths of the time of one cell of the first quota.
#[derive(Clone, Copy, Debug)]
struct Step {
    pause: u32,
    days: u32,
    cells: u32,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![4 => Just(0), 4 => 0..1_500_u32, 1 => 0..60_000_u32];
    let days = prop_oneof![30 => Just(0), 1 => 1..100_u32];
    let cells = prop_oneof![6 => Just(1), 1 => Just(0), 3 => 2..20_u32, 1 => Just(u32::MAX)];
    let step = (pause, days, cells).prop_map(|(pause, days, cells)| Step { pause, days, cells });
    prop::collection::vec(step, 1..120)
}

impl Step {
    async fn wait(self, first: Figures) {
        let pause = (first.period / first.cells).mul_f64(f64::from(self.pause) / 1_000.0);
        advance(pause.min(100 * DAY) + self.days * DAY).await;
    }

    fn class(self) -> Class {
        Class::default().key("client").cells(self.cells)
    }
}

async fn enter(gate: &RateGate, class: &Class) -> Result<(), Rejection> {
    gate.acquire(class).await.map(drop)
}

/// When something was admitted, and for how many cells.
type Admitted = Vec<(Instant, u32)>;

fn holds(figures: Figures, admitted: &Admitted) -> Result<(), TestCaseError> {
    for (first, (from, _)) in admitted.iter().enumerate() {
        let mut sum = 0;
        for (to, cells) in &admitted[first..] {
            sum += u128::from((*cells).min(figures.burst));
            let (window, allowed) = (*to - *from, figures.allowed(*to - *from));
            prop_assert!(sum <= allowed, "{sum} in {window:?} of {allowed}: {figures:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_wait_hint_is_neither_early_nor_late(
        quotas in quotas(),
        steps in steps(),
        early in 1..1_000_u64,
        per_key: bool,
    ) {
        on_paused_time(async {
            let gate = gate(&quotas, per_key);
            for step in steps {
                step.wait(quotas[0]).await;
                let Err(rejection) = enter(&gate, &step.class()).await else { continue };
                let wait = rejection.retry_after();
                prop_assert!(wait > Duration::ZERO);
                let early = Duration::from_nanos(early).min(wait);
                advance(wait - early).await;
                let again = enter(&gate, &step.class()).await;
                prop_assert_eq!(again.map_err(|still| still.retry_after()), Err(early));
                advance(early - NANOSECOND).await;
                let again = enter(&gate, &step.class()).await;
                prop_assert_eq!(again.map_err(|still| still.retry_after()), Err(NANOSECOND));
                advance(NANOSECOND).await;
                prop_assert_eq!(enter(&gate, &step.class()).await, Ok(()), "late");
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_window_admits_more_than_burst_and_rate_of_any_quota(
        quotas in quotas(),
        steps in steps(),
        per_key: bool,
    ) {
        on_paused_time(async {
            let (gate, mut admitted) = (gate(&quotas, per_key), Admitted::new());
            for step in steps {
                step.wait(quotas[0]).await;
                if enter(&gate, &step.class()).await.is_ok() {
                    admitted.push((Instant::now(), step.cells));
                } else {
                    prop_assert!(step.cells > 0, "no cells pass every quota");
                }
            }
            quotas.iter().try_for_each(|quota| holds(*quota, &admitted))
        })?;
    }

    #[test]
    fn costs_are_held_to_burst_and_rate_in_hundredths(
        figures in figures().prop_filter("hundredths of a nanosecond", |quota| {
            quota.period.as_nanos() >= u128::from(quota.cells) * 100
        }),
        steps in prop::collection::vec((0..3_000_u32, 1..2_000_u32), 1..120),
    ) {
        on_paused_time(async {
            let limit = limit(&[figures], true).by_cost().gate().expect("it is valid");
            let hundredths = Figures {
                cells: figures.cells * 100,
                burst: figures.burst * 100,
                ..figures
            };
            let mut admitted = Admitted::new();
            for (pause, cost) in steps {
                Step { pause, days: 0, cells: 1 }.wait(figures).await;
                let class = Class::default().key("client").cost(f64::from(cost) / 100.0);
                if enter(&limit, &class).await.is_ok() {
                    admitted.push((Instant::now(), cost));
                }
            }
            holds(hundredths, &admitted)
        })?;
    }

    #[test]
    fn a_refusal_spends_nothing_of_any_quota(
        quotas in quotas(),
        steps in steps(),
        per_key: bool,
    ) {
        on_paused_time(async {
            let [all, spared] = [gate(&quotas, per_key), gate(&quotas, per_key)];
            for step in steps {
                step.wait(quotas[0]).await;
                if enter(&all, &step.class()).await.is_ok() {
                    prop_assert_eq!(enter(&spared, &step.class()).await, Ok(()));
                }
            }
            let all_of_it = Class::default().key("client").cells(u32::MAX);
            prop_assert_eq!(enter(&all, &all_of_it).await, enter(&spared, &all_of_it).await);
            Ok(())
        })?;
    }

    #[test]
    fn after_a_reload_debts_stay_and_nobody_waits_for_longer_than_a_burst(
        before in figures(),
        after in quotas(),
        steps in steps(),
        more in steps(),
    ) {
        on_paused_time(async {
            let gate = gate(&[before], true);
            for step in steps {
                step.wait(before).await;
                let _ = enter(&gate, &step.class()).await;
            }
            let all_of_it = Class::default().key("client").cells(u32::MAX);
            let debt = enter(&gate, &all_of_it).await.map_err(|lack| lack.retry_after());
            gate.reload(limit(&after, true)).expect("it is valid");
            // Else it was spent by the question.
            let owed = debt.err().unwrap_or(before.span()).min(after[0].span());
            let told = enter(&gate, &all_of_it).await.map_err(|lack| lack.retry_after());
            prop_assert_eq!(told.err().unwrap_or_default(), owed, "and others are whole");
            if let Err(wait) = told {
                advance(wait).await;
                prop_assert!(enter(&gate, &all_of_it).await.is_ok(), "it waited for {wait:?}");
            }
            let mut admitted = Admitted::new();
            for step in more {
                step.wait(after[0]).await;
                match enter(&gate, &step.class()).await {
                    Ok(()) => admitted.push((Instant::now(), step.cells)),
                    Err(lack) => {
                        let longest = after.iter().map(|quota| quota.span()).max();
                        prop_assert!(Some(lack.retry_after()) <= longest);
                    }
                }
            }
            after.iter().try_for_each(|quota| holds(*quota, &admitted))
        })?;
    }

    #[test]
    fn in_report_only_mode_the_counters_are_the_same_and_nobody_is_refused(
        quotas in quotas(),
        steps in steps(),
        per_key: bool,
    ) {
        on_paused_time(async {
            let enforced = gate(&quotas, per_key);
            let reported = limit(&quotas, per_key).report_only().gate().expect("it is valid");
            for step in steps {
                step.wait(quotas[0]).await;
                let _ = enter(&enforced, &step.class()).await;
                prop_assert_eq!(enter(&reported, &step.class()).await, Ok(()));
            }
            let (enforced, reported) = (enforced.snapshot(), reported.snapshot());
            prop_assert_eq!(enforced.admitted, reported.admitted);
            prop_assert_eq!(enforced.refused, reported.would_refuse);
            prop_assert_eq!((enforced.would_refuse, reported.refused), (0, 0));
            Ok(())
        })?;
    }

    #[test]
    fn what_downgrades_refuses_nobody_raises_nobody_and_spends_as_what_refuses(
        quotas in quotas(),
        steps in steps(),
        per_key: bool,
        to in prop::sample::select(&Priority::ALL[..]),
        own in prop::sample::select(&Priority::ALL[..]),
    ) {
        on_paused_time(async {
            let refusing = gate(&quotas, per_key);
            let downgrading = limit(&quotas, per_key).downgrade_to(to).gate();
            let downgrading = downgrading.expect("it is valid");
            for step in steps {
                step.wait(quotas[0]).await;
                let mut class = step.class();
                class.priority = own;
                let over = enter(&refusing, &class).await.is_err();
                let permit = downgrading.acquire(&class).await.expect("it refuses nobody");
                prop_assert_eq!(permit.downgraded(), over.then(|| to.min(own)));
            }
            let (refusing, downgrading) = (refusing.snapshot(), downgrading.snapshot());
            prop_assert_eq!(downgrading.admitted, refusing.admitted);
            prop_assert_eq!((downgrading.downgraded, downgrading.refused), (refusing.refused, 0));
            Ok(())
        })?;
    }

    #[test]
    fn a_share_is_of_the_same_clients_always(
        share in 0.0..1.0_f64,
        clients in prop::collection::vec(0..50_u32, 1..300),
    ) {
        on_paused_time(async {
            let limit = RateLimit::new(Quota::per_day(1)).per_key().enforced_for(share);
            let gates = [limit.clone().gate(), limit.gate()].map(|gate| gate.expect("it is valid"));
            let mut enforced = std::collections::HashMap::new();
            for client in 0..50 {
                enter(&gates[0], &Class::default().key(&client)).await.expect("it is the first");
                enter(&gates[1], &Class::default().key(&client)).await.expect("it is the first");
            }
            for (index, client) in clients.into_iter().enumerate() {
                let told = enter(&gates[index % 2], &Class::default().key(&client)).await.is_err();
                prop_assert_eq!(*enforced.entry(client).or_insert(told), told);
            }
            Ok(())
        })?;
    }
}

#[test]
fn one_who_changes_plans_keeps_the_bucket_of_each_place() {
    on_paused_time(async {
        let plan = |name| brownout::Plan::named(name).expect("there are few");
        let (free, pro) = (plan("promises free"), plan("promises pro"));
        let limit = RateLimit::new(Quota::per_second(1)).per_key();
        let limit = limit.plan(free, [Quota::per_second(2)]);
        let quotas = [Quota::per_second(4), Quota::per_day(3)];
        let gate = limit.plan(pro, quotas).gate().expect("it is valid");
        let client = |plan| Class::default().key("client").plan(Some(plan));
        let wait = async |plan| enter(&gate, &client(plan)).await.map_err(|no| no.retry_after());
        assert_eq!([wait(free).await, wait(free).await], [Ok(()); 2]);
        let half_a_second = Duration::from_millis(500);
        assert_eq!(wait(free).await, Err(half_a_second));
        assert_eq!(wait(pro).await, Err(half_a_second / 2), "a second is all of both bursts");
        advance(half_a_second).await;
        assert_eq!([wait(pro).await, wait(pro).await], [Ok(()); 2]);
        assert_eq!(wait(free).await, Err(half_a_second));
        advance(DAY / 3).await;
        assert_eq!([wait(pro).await, wait(pro).await], [Ok(()); 2], "one of two has come back");
        assert_eq!(wait(pro).await, Err(DAY / 3), "the day goes on, whatever the plan was");
    });
}

#[test]
fn requests_without_a_key_share_pass_or_are_refused() {
    use brownout::Unkeyed::{Admit, Refuse, Share};
    on_paused_time(async {
        let limit = RateLimit::new(Quota::per_day(1)).per_key();
        for (unkeyed, expected) in [
            (Share, [None, Some(Reason::Quota)]),
            (Admit, [None, None]),
            (Refuse, [Some(Reason::Unkeyed), Some(Reason::Unkeyed)]),
        ] {
            let gate = limit.clone().unkeyed(unkeyed).gate().expect("it is valid");
            for expected in expected {
                let told = enter(&gate, &Class::default()).await;
                assert_eq!(told.err().map(|rejection| rejection.reason()), expected);
            }
            let keyed = Class::default().key("client");
            assert_eq!(enter(&gate, &keyed).await, Ok(()));
            assert!(enter(&gate, &keyed).await.is_err());
            assert_eq!(enter(&gate, &Class::exempt()).await, Ok(()));
            assert_eq!(enter(&gate, &Class::default().cells(0)).await, Ok(()));
            assert_eq!(gate.snapshot().unkeyed, 2);
        }
    });
}
