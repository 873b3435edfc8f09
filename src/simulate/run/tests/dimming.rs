//! What the level promises in the closed loop. The bounds are what was measured with half
//! as much again.

use super::*;
use crate::simulate::Report;

/// Half a minute of half the capacity, a minute of `load`, and a quarter of a minute of
/// half; `optional` of all work is.
fn dimmed(load: f64, optional: f64, seed: u64) -> Report {
    let mut scenario = Scenario::new("surge")
        .phase(20.0, 0.5)
        .phase(10.0, load)
        .phase(60.0, load)
        .phase(15.0, 0.5);
    scenario.demands = scenario.demands.iter().map(|demand| demand.optional(optional)).collect();
    simulate(&scenario, || Guard::limit(Knee::default()), seed)
}

fn calm(scenario: Scenario, seed: u64) -> f64 {
    let mut scenario = scenario;
    scenario.demands = scenario.demands.iter().map(|demand| demand.optional(0.6)).collect();
    let report = simulate(&scenario, || Guard::limit(Knee::default()), seed);
    report.levels.iter().sum::<f64>() / report.levels.len() as f64
}

#[test]
fn below_capacity_nothing_is_left_out() {
    for seed in 1..4 {
        for scenario in [
            Scenario::new("half").phase(60.0, 0.5),
            Scenario::new("bursts").phase(60.0, 0.5).bursts(),
            Scenario::new("busy").phase(60.0, 0.7),
        ] {
            let mean = calm(scenario.clone(), seed);
            assert!(mean < 0.005, "{} {seed}: {mean}", scenario.name);
        }
    }
}

#[test]
fn in_a_steady_overload_few_pages_change() {
    for optional in [0.05, 0.3, 0.6, 0.9] {
        for load in [1.2, 2.0, 5.0] {
            let report = dimmed(load, optional, 1);
            // Each step of the level changes the page of as many clients.
            let changed: f64 =
                report.levels[300..900].windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
            assert!(changed / 60.0 < 0.22, "{optional} {load}: {}", changed / 60.0);
        }
    }
}

#[test]
fn a_surge_is_carried_by_what_is_optional() {
    for seed in 1..4 {
        let report = dimmed(1.5, 0.6, seed);
        let surge = report.phases[2];
        assert!(surge.refused_of[1] < 0.005 && surge.work > 0.93, "{surge:?}");
        assert!((0.3..0.6).contains(&surge.optional), "{surge:?}");
        let last = report.levels.iter().rposition(|level| *level > 0.0);
        assert!(last.is_some_and(|last| last < 915), "over within 1.5 s: {last:?}");
    }
}
