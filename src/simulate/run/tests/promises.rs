//! What the default limit promises, against the best fixed limit in the same storm. The
//! thresholds leave room for the luck of one seed; `benches/control` has the figures.

use super::*;
use crate::simulate::Report;

fn by_knee(scenario: &Scenario) -> Report {
    simulate(scenario, || Guard::limit(Knee::default()), 7)
}

/// The work of a phase, as a share of what the right limit gives on one instance.
fn share_of_the_ideal(scenario: &Scenario, phase: usize) -> f64 {
    let mut alone = scenario.clone();
    alone.instances = 1;
    let ideal = simulate(&alone, || Guard::limit(Fixed::new(16)), 7);
    by_knee(scenario).phases[phase].work / ideal.phases[phase].work
}

fn minute_at(load: f64) -> Scenario {
    Scenario::new("surge").phase(20.0, 0.5).phase(60.0, load).phase(20.0, 0.5)
}

#[test]
fn a_surge_of_any_size_gets_nearly_all_the_work_there_is() {
    for load in [2.0, 5.0, 10.0] {
        let share = share_of_the_ideal(&minute_at(load), 1);
        assert!(share > 0.97, "{load}: {share}");
    }
}

#[test]
fn critical_requests_that_fit_get_through() {
    let surge = by_knee(&minute_at(2.0)).phases[1];
    assert!(surge.success[0] > 0.999 && surge.success[2] < 0.5, "{surge:?}");
}

#[test]
fn a_surge_is_met_within_a_second_and_over_at_once() {
    let report = by_knee(&minute_at(5.0));
    let met = |phase| report.reached(phase, 0.85);
    assert!(met(1).is_some_and(|seconds| seconds <= 1.0), "{:?}", met(1));
    let after = report.phases[2];
    assert!(after.success[1] > 0.99, "{after:?}");
}

#[test]
fn a_quarter_of_the_capacity_is_made_the_most_of() {
    let quarter = Scenario::new("loss").phase(30.0, 0.9).phase(60.0, 0.9).speed(0.25);
    let share = share_of_the_ideal(&quarter, 1);
    assert!(share > 0.92, "{share}");
}

#[test]
fn nothing_outlives_a_stall() {
    let stall = Scenario::new("stall").phase(20.0, 0.7).phase(20.0, 0.7).speed(0.0);
    let after = by_knee(&stall.phase(20.0, 0.7)).phases[2];
    assert!(after.success[0] > 0.999 && after.success[1] > 0.97, "{after:?}");
}

#[test]
fn hardly_anyone_is_refused_below_capacity() {
    for scenario in [
        Scenario::new("steady").phase(10.0, 0.5).phase(60.0, 0.8),
        Scenario::new("bursts").phase(10.0, 0.5).phase(60.0, 0.7).bursts(),
    ] {
        let refused = by_knee(&scenario).phases[1].refused;
        assert!(refused < 0.01, "{}: {refused}", scenario.name);
    }
}

#[test]
fn instances_of_a_fleet_share_one_database() {
    for instances in [8, 32] {
        let mut fleet = Scenario::new("fleet").phase(30.0, 0.5).phase(60.0, 2.0);
        fleet.instances = instances;
        let fleet = fleet.starts_within(20.0);
        let surge = by_knee(&fleet).phases[1];
        let share = share_of_the_ideal(&fleet, 1);
        assert!(share > 0.9 && surge.success[0] > 0.98, "{instances}: {share} {surge:?}");
        assert!(surge.fairness > 0.7, "{instances}: {surge:?}");
    }
}

#[test]
fn long_overloads_are_never_taken_for_normal() {
    let scenario = Scenario::new("long").phase(20.0, 0.5).phase(60.0, 2.0).phase(600.0, 2.0);
    let [_, first, last] = by_knee(&scenario).phases[..] else { panic!("three phases") };
    assert!(last.work > first.work - 0.02, "{first:?} {last:?}");
}
