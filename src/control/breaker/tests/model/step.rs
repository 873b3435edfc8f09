//! What happens to a breaker.

use super::*;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// So many ticks pass, and in the last one these calls came back.
    Signal {
        ticks: u32,
        calls: Vec<Counts>,
        overdue: bool,
    },
    /// So many ticks in which nothing comes back.
    Hang {
        ticks: u32,
        overdue: bool,
    },
    /// A part of a tick passes.
    Pass(u32),
    Admit(usize),
    /// It is waited for as long as was told.
    WaitOut,
    Finish {
        which: usize,
        millis: u32,
        outcome: usize,
    },
    Abandon {
        which: usize,
        millis: u32,
    },
    Withdraw(usize),
    Probed(bool),
    Force(usize),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let counts = prop_oneof![
        Just((0_u64, 0_u64, 0_u64)),
        (0..40_u64, 0..40_u64, 0..40_u64).prop_map(|(all, bad, fine)| (
            all,
            bad.min(all),
            fine.min(all)
        )),
        // All good, and all bad.
        (1..40_u64).prop_map(|all| (all, 0, all)),
        (1..40_u64).prop_map(|all| (all, all, 0)),
    ];
    let ticks = prop_oneof![20 => Just(1_u32), 1 => 2..14_u32];
    let signal = (ticks, prop::collection::vec(counts, 2), prop::bool::weighted(0.2))
        .prop_map(|(ticks, calls, overdue)| Step::Signal { ticks, calls, overdue });
    // Nothing comes back for a while, as of what hangs.
    let hang = (1..9_u32, any::<bool>()).prop_map(|(ticks, overdue)| Step::Hang { ticks, overdue });
    let late = || prop_oneof![3 => 0..900_u32, 1 => 900..3_000_u32];
    let step = prop_oneof![
        12 => signal,
        3 => hang,
        3 => (0..400_u32).prop_map(Step::Pass),
        12 => (0..4_usize).prop_map(Step::Admit),
        3 => Just(Step::WaitOut),
        6 => (0..4_usize, late(), prop_oneof![3 => Just(0_usize), 2 => Just(1), 1 => Just(2)])
            .prop_map(|(which, millis, outcome)| Step::Finish { which, millis, outcome }),
        1 => (0..4_usize, late()).prop_map(|(which, millis)| Step::Abandon { which, millis }),
        1 => (0..4_usize).prop_map(Step::Withdraw),
        1 => prop::bool::weighted(0.6).prop_map(Step::Probed),
        1 => prop_oneof![3 => Just(0_usize), 1 => 1..3_usize].prop_map(Step::Force),
    ];
    prop::collection::vec(step, 0..250)
}
