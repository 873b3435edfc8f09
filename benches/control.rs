//! Which limit makes the most of a database? Every algorithm through the same storms,
//! in virtual time, against the best fixed limit there is.
//!
//! `cargo bench --features simulate --bench control [-- WORD]` prints a table for each
//! scenario whose name holds WORD. Work is that for answers in time, in per cent of the
//! ideal's; success is in per cent of the customers, retries included; the worst of the
//! seeds counts.

use std::{env, ops::Range};

use brownout::{
    limit::{Aimd, Fixed, Gradient2, Knee, Vegas},
    simulate::{Guard, PhaseReport, Report, Scenario, simulate},
};

const SEEDS: Range<u64> = 1..4;
/// Fixed limits among which the ideal chooses, for each phase anew.
const CANDIDATES: [usize; 14] = [1, 2, 3, 4, 6, 8, 11, 14, 16, 19, 23, 30, 45, 60];

/// A scenario and the phase that is looked at.
struct Trial {
    scenario: Scenario,
    phase: usize,
}

type Contestant = (&'static str, fn() -> Guard);

const CONTESTANTS: [Contestant; 7] = [
    ("Knee", || Guard::limit(Knee::default())),
    ("AIMD", || Guard::limit(Aimd::default())),
    ("Vegas", || Guard::limit(Vegas::default())),
    ("Gradient2", || Guard::limit(Gradient2::default())),
    ("Gradient2, shed", || Guard::shed(Gradient2::default())),
    ("fixed at 16, shed", || Guard::shed(Fixed::new(16))),
    ("nothing", Guard::none),
];

fn main() {
    // Cargo passes `--bench`.
    let word = env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let wanted = word.unwrap_or_default();
    let mut worst = [f64::INFINITY; CONTESTANTS.len()];
    for trial in trials().into_iter().filter(|trial| trial.scenario.name.contains(&wanted)) {
        compare(&trial, &mut worst);
    }
    println!("{:<20}", "worst of all");
    for ((name, _), worst) in CONTESTANTS.iter().zip(worst) {
        println!("  {name:<18} {worst:>6.1}");
    }
}

fn trials() -> Vec<Trial> {
    let at = |phase, scenario| Trial { scenario, phase };
    let calm = |name: &str| Scenario::new(name).phase(20.0, 0.5);
    let step = |load: f64| calm(&format!("{load}× for a minute")).phase(60.0, load);
    let mut trials = vec![
        at(0, Scenario::new("0.5× with bursts").phase(60.0, 0.5).bursts()),
        at(0, Scenario::new("0.7× with bursts").phase(60.0, 0.7).bursts()),
        at(0, Scenario::new("0.9×").phase(60.0, 0.9)),
        at(1, step(2.0)),
        at(1, step(5.0)),
        at(1, step(10.0)),
        at(2, step(2.0).phase(20.0, 0.5)),
        at(1, calm("capacity ÷ 4 at 0.9×").phase(60.0, 0.9).speed(0.25)),
        at(2, calm("after a stall of 20 s").phase(20.0, 0.7).speed(0.0).phase(20.0, 0.7)),
        at(2, calm("mix shifts to dear at 2×").phase(20.0, 2.0).phase(60.0, 2.0).dear(6.0)),
        at(2, calm("+50 ms at 2×").phase(20.0, 2.0).phase(60.0, 2.0).delay(0.05)),
        at(1, calm("20 minutes at 2×").phase(1200.0, 2.0)),
        at(0, Scenario::new("cold start at 5×").phase(60.0, 5.0)),
    ];
    trials.push(at(
        1,
        with(step(2.0), |scenario| {
            scenario.name = "1 % instant errors at 2×".into();
            scenario.errors = 0.01;
        }),
    ));
    trials.push(at(
        1,
        with(surge("bimodal 2/40 ms at 2×"), |scenario| {
            for (kind, demand) in scenario.demands.iter_mut().enumerate() {
                demand.seconds = if kind == 2 { 0.040 } else { 0.002 };
                demand.spread = 0.1;
            }
        }),
    ));
    trials.push(at(
        1,
        with(surge("heavy tails at 2×"), |scenario| {
            scenario.demands.iter_mut().for_each(|demand| demand.spread = 1.6);
        }),
    ));
    for knee in [5.0, 60.0] {
        let scenario = surge(&format!("knee at {knee}, 2×"));
        trials.push(at(
            1,
            with(scenario, |scenario| {
                scenario.knee = knee;
                scenario.pool = 128;
            }),
        ));
    }
    for pool in [10, 200] {
        let scenario = surge(&format!("pool of {pool}, 2×"));
        trials.push(at(1, with(scenario, |scenario| scenario.pool = pool)));
    }
    for instances in [8, 32] {
        let scenario = surge(&format!("{instances} instances at 2×"));
        trials.push(at(1, with(scenario, |scenario| scenario.instances = instances)));
    }
    trials
}

fn surge(name: &str) -> Scenario {
    Scenario::new(name).phase(20.0, 0.5).phase(60.0, 2.0)
}

fn with(mut scenario: Scenario, change: impl FnOnce(&mut Scenario)) -> Scenario {
    change(&mut scenario);
    scenario
}

fn compare(trial: &Trial, worst: &mut [f64]) {
    let Trial { scenario, phase } = trial;
    println!("{}", scenario.name);
    let row = |name: &str, work: f64, seen: PhaseReport| {
        let [critical, normal, sheddable, _] = seen.success.map(|share| 100.0 * share);
        let (refused, p99) = (100.0 * seen.refused, 1e3 * seen.p99);
        println!(
            "  {name:<18} work {work:>6.1}  critical {critical:>5.1}  normal {normal:>5.1}  \
             sheddable {sheddable:>5.1}  refused {refused:>5.1}  p99 {p99:>6.0} ms",
        );
    };
    let ideals: Vec<PhaseReport> = SEEDS.map(|seed| ideal(scenario, *phase, seed)).collect();
    for ((name, guard), worst) in CONTESTANTS.iter().zip(worst) {
        let (work, seen) = SEEDS
            .zip(&ideals)
            .map(|(seed, ideal)| {
                let seen = simulate(scenario, guard, seed).phases[*phase];
                (100.0 * seen.work / ideal.work.max(1e-9), seen)
            })
            .min_by(|one, other| one.0.total_cmp(&other.0))
            .expect("there are seeds");
        *worst = worst.min(work);
        row(name, work, seen);
    }
    row("ideal", 100.0, ideals[0]);
}

/// The best fixed limit for this phase, with strict priorities.
fn ideal(scenario: &Scenario, phase: usize, seed: u64) -> PhaseReport {
    let with = |limit: usize| -> Report {
        let each = limit.div_ceil(scenario.instances);
        simulate(scenario, || Guard::limit(Fixed::new(each)), seed)
    };
    CANDIDATES
        .iter()
        .map(|limit| with(*limit).phases[phase])
        .max_by(|one, other| one.work.total_cmp(&other.work))
        .expect("there are candidates")
}
