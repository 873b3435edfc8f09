//! What happens until somebody looks again.

use super::*;

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) millis: u64,
    pub(super) refused: u64,
    pub(super) admitted: u64,
    pub(super) tripped: bool,
    pub(super) left_out: u32,
    pub(super) saturated: bool,
    pub(super) limit: usize,
    pub(super) transitions: usize,
    pub(super) forgotten: u64,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let millis = prop_oneof![8 => 900..1_100_u64, 3 => 1..900_u64, 2 => 1_100..9_000_u64, 1 => 9_000..40_000_u64];
    let rare = |weight| prop::bool::weighted(weight);
    let many = prop_oneof![8 => Just(0_usize), 3 => 1..4_usize, 1 => 20..90_usize];
    let refused = prop_oneof![2 => Just(0_u64), 1 => 1..9_u64];
    let left_out = prop_oneof![4 => 0..=25_u32, 1 => 26..=100_u32];
    let forgotten = prop_oneof![9 => Just(0_u64), 1 => 1..9_u64];
    let step =
        (millis, refused, 0..9_u64, rare(0.15), left_out, rare(0.2), 1..40_usize, many, forgotten)
            .prop_map(
                |(
                    millis,
                    refused,
                    admitted,
                    tripped,
                    left_out,
                    saturated,
                    limit,
                    transitions,
                    forgotten,
                )| {
                    Step {
                        millis,
                        refused,
                        admitted,
                        tripped,
                        left_out,
                        saturated,
                        limit,
                        transitions,
                        forgotten,
                    }
                },
            );
    // Mostly calm or mostly not, so that incidents end and others begin.
    let calm = (1..30_u64).prop_map(|seconds| Step {
        millis: 1_000 * seconds,
        refused: 0,
        admitted: 1,
        tripped: false,
        left_out: 0,
        saturated: false,
        limit: 20,
        transitions: 0,
        forgotten: 0,
    });
    prop::collection::vec(prop_oneof![2 => step, 1 => calm], 0..250)
}
