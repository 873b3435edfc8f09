//! What the model has to show, whatever the algorithm.

use super::*;
use crate::limit::{Fixed, Knee};

fn surge(load: f64) -> Scenario {
    Scenario::new("surge").phase(10.0, 0.5).phase(20.0, load).phase(10.0, 0.5)
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let scenario = surge(2.0);
    let run = |seed| simulate(&scenario, || Guard::limit(Knee::default()), seed);
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn below_capacity_everyone_is_answered_without_any_guard() {
    let scenario = Scenario::new("calm").phase(30.0, 0.5);
    let report = simulate(&scenario, Guard::none, 1);
    assert!(report.phases[0].success.iter().all(|share| *share > 0.999), "{report:?}");
    let work = report.phases[0].work;
    assert!((0.45..0.55).contains(&work), "{work}");
}

#[test]
fn an_unguarded_overload_does_almost_nothing_of_use() {
    let report = simulate(&surge(2.0), Guard::none, 1);
    assert!(report.phases[1].work < 0.2, "{:?}", report.phases[1]);
}

#[test]
fn the_right_fixed_limit_does_all_that_can_be_done_and_keeps_the_critical() {
    let report = simulate(&surge(2.0), || Guard::limit(Fixed::new(16)), 1);
    let surge = report.phases[1];
    assert!(surge.work > 0.95, "{surge:?}");
    assert!(surge.success[0] > 0.999, "{surge:?}");
    assert!(surge.success[2] < surge.success[1], "{surge:?}");
}

#[test]
fn a_stall_answers_nobody_and_its_end_everybody() {
    let scenario =
        Scenario::new("stall").phase(5.0, 0.4).phase(5.0, 0.4).speed(0.0).phase(20.0, 0.4);
    let report = simulate(&scenario, || Guard::limit(Fixed::new(16)), 1);
    assert!(report.phases[1].work < 0.05, "{:?}", report.phases[1]);
    assert!(report.phases[2].success[1] > 0.9, "{:?}", report.phases[2]);
}

/// A database that no one can bring to queue: 200 requests/s on a hundred thousand
/// processors.
fn ample() -> Scenario {
    let mut scenario = Scenario::new("ample");
    scenario.knee = 1e5;
    scenario.contention = 0.0;
    scenario.pool = 1_000;
    scenario
}

fn refused_at(scenario: &Scenario, a_second: f64) -> f64 {
    let load = a_second * scenario.mean_work() / scenario.capacity();
    let scenario = scenario.clone().phase(60.0, load);
    simulate(&scenario, || Guard::limit(Knee::default()), 1).phases[0].refused
}

#[test]
fn a_mix_of_cheap_and_dear_is_not_taken_for_congestion() {
    for dear in [0.05, 0.5] {
        let mut scenario = ample();
        scenario.demands.truncate(2);
        (scenario.demands[0].share, scenario.demands[0].seconds) = (1.0 - dear, 0.002);
        (scenario.demands[1].share, scenario.demands[1].seconds) = (dear, 0.200);
        let refused = refused_at(&scenario, 200.0);
        assert!(refused < 0.02, "{dear}: {refused}");
    }
}

#[test]
fn a_statement_of_very_different_sizes_is_not_taken_for_congestion() {
    let mut scenario = ample();
    scenario.demands.truncate(1);
    (scenario.demands[0].seconds, scenario.demands[0].spread) = (0.050, 1.5);
    let refused = refused_at(&scenario, 200.0);
    assert!(refused < 0.02, "{refused}");
}

#[test]
fn eight_instances_share_one_database_in_an_overload() {
    let mut scenario = surge(2.0);
    scenario.instances = 8;
    let report = simulate(&scenario, || Guard::limit(Knee::default()), 1);
    assert!(report.phases[1].work > 0.8, "{:?}", report.phases[1]);
    assert!(report.phases[1].success[0] > 0.99, "{:?}", report.phases[1]);
}
