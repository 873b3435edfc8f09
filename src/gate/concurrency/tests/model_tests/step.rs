//! What happens to a gate.

use super::*;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Comes, with a deadline in three times so many ticks and a half, if at all.
    Come(Class, Option<u32>),
    /// Is in flight anyway.
    Occupy,
    Done(usize),
    GiveUp(usize),
    Limit(usize),
    Reload {
        headroom: u64,
        queue: usize,
        max_wait: u32,
        report_only: bool,
    },
    Poll,
    Pass(u32),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let reload = (0..=100_u64, 0..6_usize, 0..12_u32, prop::bool::weighted(0.3)).prop_map(
        |(headroom, queue, max_wait, report_only)| Step::Reload {
            headroom,
            queue,
            max_wait,
            report_only,
        },
    );
    let deadline = prop_oneof![4 => Just(None), 1 => (0..12_u32).prop_map(Some)];
    let step = prop_oneof![
        12 => (classes(), deadline).prop_map(|(class, deadline)| Step::Come(class, deadline)),
        1 => Just(Step::Occupy),
        8 => (0..40_usize).prop_map(Step::Done),
        2 => (0..40_usize).prop_map(Step::GiveUp),
        2 => (0..8_usize).prop_map(Step::Limit),
        1 => reload,
        2 => Just(Step::Poll),
        4 => (1..12_u32).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..120)
}
