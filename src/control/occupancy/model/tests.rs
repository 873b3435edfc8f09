use proptest::prelude::*;

use super::*;
use crate::control::queue::model::classes;

#[derive(Clone, Debug)]
enum Step {
    Come(Class),
    ComeAnyway(Class),
    Occupy,
    Next,
    Done(usize),
    Leave(usize),
    Overdue(usize),
    Refuse,
    Limit(u64),
    Rules { headroom: u64, queue: usize, max_wait: u32 },
    Pace(u64),
    TakeUsage,
    Pass(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = || 0..40_usize;
    let rules = (0..=100_u64, 0..6_usize, 0..400_u32)
        .prop_map(|(headroom, queue, max_wait)| Step::Rules { headroom, queue, max_wait });
    let step = prop_oneof![
        12 => classes().prop_map(Step::Come),
        2 => classes().prop_map(Step::ComeAnyway),
        1 => Just(Step::Occupy),
        5 => Just(Step::Next),
        8 => index().prop_map(Step::Done),
        2 => index().prop_map(Step::Leave),
        2 => index().prop_map(Step::Overdue),
        1 => Just(Step::Refuse),
        2 => (0..40_u64).prop_map(Step::Limit),
        1 => rules,
        1 => (0..50_u64).prop_map(Step::Pace),
        1 => Just(Step::TakeUsage),
        3 => (0..200_u32).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..150)
}

const MS: Duration = Duration::from_millis(1);

fn rules(headroom: u64, queue: usize, max_wait: Duration) -> Rules {
    Rules { headroom: Headroom::new(headroom as f64 / 100.0), queue, max_wait }
}

proptest! {
    #[test]
    fn the_limit_and_its_queue_are_the_two_lists_that_they_are_described_as(
        (quarters, carry) in (0..40_u64, 0..4_u64),
        headroom in prop_oneof![Just(0_u64), Just(10), 0..=100_u64],
        queue in 0..6_usize,
        steps in steps(),
    ) {
        let mut now = Instant::now();
        let (limit, phase) = (quarters as f64 / 4.0, carry as f64 / 4.0);
        let mut real = Occupancy::new(limit, phase, rules(headroom, queue, 100 * MS));
        let mut plain = Plain::new(quarters, carry, (headroom, queue, 100 * MS));
        let mut tickets: Vec<(Ticket, usize, u64)> = Vec::new();
        for (name, step) in steps.into_iter().enumerate() {
            match step {
                Step::Pass(time) => now += time * MS,
                Step::Limit(quarters) => {
                    real.set_limit(quarters as f64 / 4.0);
                    plain.set_limit(quarters);
                }
                Step::Rules { headroom, queue, max_wait } => {
                    real.set_rules(rules(headroom, queue, max_wait * MS));
                    plain.set_rules((headroom, queue, max_wait * MS));
                }
                Step::Pace(pace) => {
                    real.set_pace(pace as f64);
                    plain.pace = Some(pace);
                }
                Step::Come(class) => {
                    let admitted = plain.admitted;
                    let (came, ticket) = if real.admit(&class) {
                        (Came::In, None)
                    } else {
                        match real.wait(&class, now, || name) {
                            Entered::Waiting(ticket) => (Came::Waits { instead_of: None }, Some(ticket)),
                            Entered::Evicting(ticket, gone) => {
                                (Came::Waits { instead_of: Some(gone) }, Some(ticket))
                            }
                            Entered::Full => (Came::Full, None),
                        }
                    };
                    tickets.extend(ticket.map(|ticket| (ticket, name, admitted)));
                    prop_assert_eq!(came, plain.come(name, class, now));
                }
                Step::ComeAnyway(class) => {
                    prop_assert_eq!(real.let_in(&class), plain.come_anyway(name, class));
                }
                Step::Occupy => {
                    real.occupy();
                    let class = Class::default();
                    plain.in_flight.push(Flies { name, class, unbound: false });
                    plain.fly();
                }
                Step::Next => {
                    let next = plain.next(now).map(|next| (next.class.cost, next.name));
                    prop_assert_eq!(real.admit_first(now), next);
                }
                Step::Overdue(which) => if let Some((ticket, _, after)) = tickets.get(which) {
                    let next = plain.overdue(*after, now).map(|next| (next.class.cost, next.name));
                    prop_assert_eq!(real.admit_overdue(*ticket, now), next);
                }
                Step::Leave(which) => if let Some((ticket, name, _)) = tickets.get(which) {
                    prop_assert_eq!(real.leave(*ticket), plain.list.remove(*name).map(|one| one.name));
                }
                Step::Done(which) if !plain.in_flight.is_empty() => {
                    let done = plain.in_flight.remove(which % plain.in_flight.len());
                    match done.unbound {
                        true => real.let_out(done.class.priority, done.class.cost),
                        false => real.count_out(done.class.cost),
                    }
                }
                Step::Done(_) => {}
                Step::Refuse => {
                    real.count_refused();
                    plain.usage.refused += 1;
                }
                Step::TakeUsage => prop_assert_eq!(real.take_usage(), plain.take_usage()),
            }
            prop_assert_eq!(real.in_flight(), plain.in_flight.len());
            prop_assert_eq!(real.limit() as u64, plain.limit());
            prop_assert_eq!(real.exact_limit(), plain.quarters as f64 / 4.0);
            prop_assert_eq!(real.max_wait(), plain.max_wait);
            prop_assert_eq!(real.waiting(), plain.list.waiting.len());
            for priority in Priority::ALL {
                prop_assert_eq!(real.waiting_from(priority), plain.list.len_from(priority));
            }
            prop_assert_eq!(real.count.get().is_contended(), !plain.list.waiting.is_empty());
        }
        prop_assert_eq!(real.take_usage(), plain.take_usage());
    }
}
