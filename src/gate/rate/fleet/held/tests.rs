use super::*;
use crate::gate::rate::{Quota, quotas::Quotas};

const PRICE: u32 = 1;
const LEASE: u32 = 10;

fn quotas(burst: u32) -> Quotas {
    let quota = Quota::per_second(10).burst(burst);
    Quotas::checked(&[quota], &[], 1).expect("they are valid")
}

fn terms(quotas: &Quotas) -> Terms<'_> {
    Terms { set: quotas.of(None), price: PRICE, lease: LEASE }
}

fn units(units: u32) -> Taken {
    Taken::Units { units, full_after: vec![Duration::ZERO] }
}

fn lack() -> Taken {
    let wait = Duration::from_millis(100);
    Taken::Lack { rate: 7, wait, full_after: vec![10 * wait] }
}

/// Asks until so many units beyond the price are on their way by one question.
fn asking(held: &mut Held, terms: Terms<'_>, wanted: u32, now: Instant) -> u32 {
    loop {
        match held.step(terms, false, now) {
            Step::Ask { more } if more >= wanted => return more,
            Step::Ask { more } => drop(held.fail(more, now)),
            _ => panic!("there is nothing yet"),
        }
    }
}

fn joined(held: &mut Held, terms: Terms<'_>, now: Instant) -> oneshot::Receiver<()> {
    match held.step(terms, true, now) {
        Step::Join(granted) => granted,
        _ => panic!("enough is on its way"),
    }
}

#[test]
fn an_answer_serves_those_who_wait_in_their_order_and_wakes_the_others() {
    let (quotas, now, mut held) = (quotas(20), Instant::now(), Held::default());
    let more = asking(&mut held, terms(&quotas), 7, now);
    let mut waits: Vec<_> = (0..7).map(|_| joined(&mut held, terms(&quotas), now)).collect();
    waits.remove(1);
    let (paid, landed) = held.land(terms(&quotas), more, units(PRICE + 3), now);
    assert_eq!(paid, Ok(true));
    assert_eq!((landed.granted.len(), landed.woken.len()), (3, 3));
    landed.granted.into_iter().for_each(|waiting| waiting.granted.send(()).expect("it waits"));
    drop(landed.woken);
    let served: Vec<_> = waits.iter_mut().map(|wait| wait.try_recv().is_ok()).collect();
    assert_eq!(served, [true, true, true, false, false, false]);
}

#[test]
fn those_for_whom_another_question_is_out_go_on_waiting() {
    let (quotas, now, mut held) = (quotas(20), Instant::now(), Held::default());
    let first = asking(&mut held, terms(&quotas), 3, now);
    let waits: Vec<_> = (0..3).map(|_| joined(&mut held, terms(&quotas), now)).collect();
    let second = asking(&mut held, terms(&quotas), 1, now);
    let landed = held.fail(first, now);
    assert_eq!((landed.granted.len(), landed.woken.len()), (0, 0), "the second is enough");
    let (_, landed) = held.land(terms(&quotas), second, units(PRICE + second), now);
    assert_eq!(landed.granted.len(), waits.len());
}

#[test]
fn a_lack_wakes_all_and_is_known_from_then_on() {
    let (quotas, now, mut held) = (quotas(10), Instant::now(), Held::default());
    let more = asking(&mut held, terms(&quotas), 3, now);
    let _waits: Vec<_> = (0..3).map(|_| joined(&mut held, terms(&quotas), now)).collect();
    let (paid, landed) = held.land(terms(&quotas), more, lack(), now);
    let wait = Duration::from_millis(100);
    let paid = paid.map_err(|lack| (lack.debt.quota, lack.wait));
    assert_eq!(paid, Err((0, wait)), "of the quotas that there are");
    assert_eq!(landed.woken.len(), 3);
    let step = held.step(terms(&quotas), true, now);
    assert!(matches!(step, Step::Lack(Lack { debt: Debt { quota: 0, .. }, .. })));
}

#[test]
fn who_has_drained_the_bucket_does_not_ask_for_the_next_unit() {
    let (quotas, now, mut held) = (quotas(20), Instant::now(), Held::default());
    let more = asking(&mut held, terms(&quotas), 3, now);
    let (paid, _) = held.land(terms(&quotas), more, units(PRICE + more - 1), now);
    assert_eq!(paid, Ok(true));
    let spent = (0..9).take_while(|_| matches!(held.step(terms(&quotas), true, now), Step::Spent));
    assert_eq!(spent.count(), more as usize - 1);
    let wait = Duration::from_millis(50);
    assert!(
        matches!(held.step(terms(&quotas), true, now), Step::Rest { wait: told } if told == wait)
    );
    assert!(matches!(held.step(terms(&quotas), true, now + wait), Step::Ask { .. }));
}

#[test]
fn less_than_the_least_pays_nothing_and_is_held() {
    let (quotas, now, mut held) = (quotas(20), Instant::now(), Held::default());
    let dear = Terms { price: 3, ..terms(&quotas) };
    let more = asking(&mut held, dear, 0, now);
    let (paid, _) = held.land(dear, more, units(2), now);
    assert_eq!(paid, Ok(false));
    assert!(matches!(held.step(Terms { price: 2, ..dear }, false, now), Step::Spent));
}

#[test]
fn a_lease_and_what_is_handed_back_are_no_more_than_a_burst() {
    let (quotas, now, mut held) = (quotas(3), Instant::now(), Held::default());
    let more = asking(&mut held, terms(&quotas), 2, now);
    assert_eq!(more, 2);
    let (_, landed) = held.land(terms(&quotas), more, units(PRICE + more), now);
    assert!(landed.granted.is_empty());
    (0..9).for_each(|_| held.hand_back(quotas.of(None), PRICE, now));
    let spent = (0..9).take_while(|_| matches!(held.step(terms(&quotas), true, now), Step::Spent));
    assert_eq!(spent.count(), 3);
}

#[test]
#[cfg(target_pointer_width = "64")]
fn a_key_of_one_quota_takes_120_bytes() {
    assert_eq!(size_of::<Held>() + size_of::<Duration>(), 120);
}

#[test]
fn those_who_join_and_leave_at_once_are_not_kept() {
    let (quotas, now, mut held) = (quotas(20), Instant::now(), Held::default());
    asking(&mut held, terms(&quotas), 7, now);
    (0..1_000).for_each(|_| drop(joined(&mut held, terms(&quotas), now)));
    assert!(held.queue.is_some_and(|queue| lock(&queue).len() <= 1));
}
