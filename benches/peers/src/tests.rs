//! Every peer is driven as it is meant to be.

use std::sync::LazyLock;

use brownout::{
    limit::Fixed,
    simulate::{Guard, PhaseReport, Scenario, simulate},
};

use crate::{contest::Contestant, peers::peers};

/// What each peer does below capacity, far above it, and hardly used after that.
static STORMS: LazyLock<Vec<(&str, [PhaseReport; 3])>> = LazyLock::new(|| {
    let scenario = Scenario::new("storm").phase(10.0, 0.2).phase(10.0, 20.0).phase(30.0, 0.05);
    let storm = |peer: Contestant| {
        let phases = simulate(&scenario, peer.guard, 1).phases;
        (peer.name, [phases[0], phases[1], phases[2]])
    };
    peers().into_iter().map(storm).collect()
});

#[test]
fn every_peer_admits_below_its_limit() {
    for (name, [calm, ..]) in &*STORMS {
        // That one falls to a limit of 1 and stays there.
        let least = if *name == "tower-resilience Vegas" { 0.4 } else { 0.9 };
        assert!(calm.success[1] > least, "{name}: {calm:?}");
    }
}

#[test]
fn every_peer_refuses_above_its_limit() {
    for (name, [_, surge, _]) in &*STORMS {
        // An AIMD that hears of no failure goes up to its thousand.
        let least = if *name == "congestion-limiter AIMD" { 0.01 } else { 0.3 };
        assert!(surge.refused > least, "{name}: {surge:?}");
    }
}

#[test]
fn every_peer_takes_part_after_a_storm() {
    for (name, [.., after]) in &*STORMS {
        assert!(after.success[1] > 0.5, "{name}: {after:?}");
    }
}

#[test]
fn the_way_that_peers_are_driven_changes_nothing() {
    let scenario = Scenario::new("surge").phase(10.0, 0.9).phase(30.0, 5.0);
    let tower = peers().into_iter().find(|peer| peer.name == "tower limit 16");
    let driven = simulate(&scenario, tower.expect("it takes part").guard, 1);
    let same = simulate(&scenario, || Guard::shed(Fixed::new(16)), 1);
    assert_eq!((driven.phases, driven.work), (same.phases, same.work));
}

#[test]
fn a_peer_measures_virtual_time() {
    // Its threshold of latency is 100 ms by default; no query takes as long in real time.
    let limit = |delay| {
        let scenario = Scenario::new("slow").phase(60.0, 0.3).delay(delay);
        let aimd = peers().into_iter().find(|peer| peer.name == "tower-resilience AIMD");
        simulate(&scenario, aimd.expect("it takes part").guard, 1).limits[590]
    };
    let (near, far) = (limit(0.001), limit(0.3));
    assert!(near > 3 * far, "{near} {far}");
}
