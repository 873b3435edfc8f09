//! What the model has to show, whatever the algorithm, and what the default limit has to
//! show in it.

mod dimming;
mod promises;

use super::*;
use std::collections::VecDeque;

use crate::{
    class::Priority,
    gate::ConcurrencyLimit,
    limit::{Fixed, Knee},
    simulate::{Demand, Entry, Foreign, PhaseReport},
};

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
    // The first seconds are the start's.
    let scenario = scenario.clone().phase(15.0, load).phase(60.0, load);
    simulate(&scenario, || Guard::limit(Knee::default()), 1).phases[1].refused
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
fn every_guard_meets_the_same_customers() {
    let scenario = surge(2.0);
    let asked = |guard: fn() -> Guard| {
        let mut world = World::new(&scenario, guard, 1);
        world.run();
        world.random.next_arrival(&scenario, 0.0)
    };
    let drawn = asked(Guard::none);
    assert!(drawn.is_some());
    assert_eq!(drawn, asked(|| Guard::limit(Fixed::new(3))));
}

fn with_free_pages(guard: impl FnMut() -> Guard) -> PhaseReport {
    let mut scenario = surge(5.0);
    scenario.demands.push(Demand::free(0.5, Priority::Normal));
    simulate(&scenario, guard, 1).phases[1]
}

#[test]
fn a_request_without_a_query_passes_a_guard_at_the_pool() {
    let surge = with_free_pages(|| Guard::limit(Fixed::new(16)));
    assert_eq!(surge.free, 1.0, "{surge:?}");
    assert!(surge.work > 0.95 && surge.refused > 0.5, "{surge:?}");
}

#[test]
fn a_guard_around_all_refuses_what_needs_no_database() {
    let surge = with_free_pages(|| Guard::shed(Fixed::new(16)).around_all());
    assert!(surge.free < 0.9, "{surge:?}");
    assert_eq!(with_free_pages(Guard::none).free, 1.0, "it does not depend on the database");
}

/// Keeps in order whoever comes while as many as it lets in are inside.
#[derive(Debug)]
struct InOrder {
    room: usize,
    inside: Vec<usize>,
    waiting: VecDeque<usize>,
}

impl Foreign for InOrder {
    fn enter(&mut self, attempt: usize, _priority: Priority, _now: f64) -> Entry {
        if self.inside.len() < self.room {
            self.inside.push(attempt);
            return Entry::Admitted;
        }
        self.waiting.push_back(attempt);
        Entry::Waits
    }

    fn admitted_later(&mut self, _now: f64) -> Option<usize> {
        if self.inside.len() >= self.room {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.inside.push(next);
        Some(next)
    }

    fn finish(&mut self, attempt: usize, latency: f64, ok: bool, _now: f64) {
        assert!(ok == (latency > 0.0), "errors come back at once: {latency} {ok}");
        let place = self.inside.iter().position(|one| *one == attempt);
        self.inside.swap_remove(place.expect("only who is inside gets out"));
    }

    fn cancel(&mut self, attempt: usize, _now: f64) {
        let before = self.inside.len() + self.waiting.len();
        self.inside.retain(|one| *one != attempt);
        self.waiting.retain(|one| *one != attempt);
        assert_eq!(self.inside.len() + self.waiting.len() + 1, before, "it was here once");
    }

    fn limit(&self) -> usize {
        self.room
    }
}

#[test]
fn a_guard_has_the_settings_that_it_is_given() {
    let settings = || ConcurrencyLimit::new().max(4);
    let report = simulate(&surge(2.0), || Guard::with(settings()).expect("it is valid"), 1);
    assert!(report.limits.iter().all(|limit| *limit <= 4));
    assert_eq!(report.limits.iter().max(), Some(&4));
    assert_eq!(Guard::with(ConcurrencyLimit::new().max(0)).unwrap_err().setting(), "max");
    assert_eq!(simulate(&surge(2.0), Guard::none, 1).limits[100], 0, "nothing has no limit");
}

#[test]
fn a_guard_of_another_make_admits_keeps_and_lets_go() {
    let mut scenario = surge(2.0);
    (scenario.errors, scenario.retries) = (0.01, 0);
    let guard = || InOrder { room: 16, inside: Vec::new(), waiting: VecDeque::new() };
    let report = simulate(&scenario, || Guard::other(guard()), 1);
    // A line without an end is as long as patience, and useful only to its last.
    let [before, surge, after] = report.phases[..] else { panic!("{report:?}") };
    assert!(before.success[0] > 0.999, "{before:?}");
    assert!(surge.success[0] < 0.9 && surge.refused == 0.0, "{surge:?}");
    assert!(after.success[0] > 0.9, "{after:?}");
    assert_eq!(report.limits[100], 16);
}

#[test]
fn instances_have_traffic_only_from_their_start_on() {
    let mut scenario = surge(0.5).starts_within(9.0);
    scenario.instances = 8;
    let report = simulate(&scenario, || Guard::limit(Fixed::new(16)), 1);
    assert_eq!((report.limits[0], report.limits[100]), (16, 128), "one guard at first, then all");
    assert!(report.limits[..100].is_sorted(), "one after another");
    assert!(report.phases[1].fairness > 0.99, "{:?}", report.phases[1]);
    assert!(report.phases[0].success[0] > 0.999, "{:?}", report.phases[0]);
}

#[test]
fn a_drift_ends_where_a_step_would_have_gone() {
    let at_once = Scenario::new("step").phase(60.0, 0.2).delay(0.1).phase(60.0, 0.2).delay(0.1);
    let drift = Scenario::new("drift").phase(60.0, 0.2).delay_drifts_to(0.1);
    let drift = drift.phase(60.0, 0.2).delay(0.1);
    let p99 = |scenario: &Scenario| {
        simulate(scenario, Guard::none, 1).phases.iter().map(|phase| phase.p99).collect::<Vec<_>>()
    };
    let (at_once, drift) = (p99(&at_once), p99(&drift));
    assert!(drift[0] < at_once[0], "{drift:?} {at_once:?}");
    assert!((drift[1] - at_once[1]).abs() < 1e-3, "{drift:?} {at_once:?}");
}

#[test]
fn work_follows_a_step_within_a_second_and_a_stall_has_none() {
    let report = simulate(&surge(2.0), || Guard::limit(Fixed::new(16)), 1);
    let reached = report.reached(1, 0.85).expect("the right limit does all there is");
    assert!((0.5..=1.0).contains(&reached), "{reached}");
    assert_eq!(simulate(&surge(2.0), Guard::none, 1).reached(1, 0.85), None);
}

#[test]
fn what_is_over_is_forgotten() {
    let scenario = surge(2.0);
    let mut world = World::new(&scenario, || Guard::limit(Fixed::new(16)), 1);
    world.run();
    world.record();
    let nobody =
        Customer { kind: 0, instance: 0, work: 0.0, place: 0.0, phase: 0, tries: 0, over: true };
    let number = world.customers.push(nobody);
    assert!(number > 10_000, "{number} came");
    assert!(world.customers.get(number - 1).is_none());
    assert!(world.attempts.get(number - 1).is_none());
}
