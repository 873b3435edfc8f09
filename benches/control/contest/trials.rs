//! The storms.

use brownout::{
    Priority,
    simulate::{Demand, Scenario},
};

/// A scenario and what is looked at in it.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) scenario: Scenario,
    pub(crate) looks: Vec<Look>,
    /// Whether it is drawn.
    pub(crate) drawn: bool,
}

/// A phase that is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) phase: usize,
    pub(crate) what: &'static str,
    pub(crate) topic: Topic,
    /// Whether the critical demand alone is at most 60 % of the capacity.
    pub(crate) critical_fits: bool,
    /// Whether the time counts until the work is done that can be done.
    pub(crate) timed: bool,
}

/// Which goals a look is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Below capacity: nobody has to be refused.
    Calm,
    /// The same in bursts.
    Bursts,
    /// Without a goal of its own.
    Shown,
    Surge,
    Change,
    Drift,
    Loss,
    Recovery,
    LongFirst,
    LongLast,
    Hard,
    Size,
    Fleet,
}

impl Trial {
    fn new(scenario: Scenario) -> Self {
        Self { scenario, looks: Vec::new(), drawn: false }
    }

    fn look(mut self, phase: usize, what: &'static str, topic: Topic) -> Self {
        self.looks.push(Look { phase, what, topic, critical_fits: true, timed: false });
        self
    }

    fn timed(self) -> Self {
        self.last(|look| look.timed = true)
    }

    fn critical_does_not_fit(self) -> Self {
        self.last(|look| look.critical_fits = false)
    }

    fn last(mut self, change: impl FnOnce(&mut Look)) -> Self {
        change(self.looks.last_mut().expect("it has a look"));
        self
    }

    fn drawn(self) -> Self {
        Self { drawn: true, ..self }
    }

    fn with(mut self, change: impl FnOnce(&mut Scenario)) -> Self {
        change(&mut self.scenario);
        self
    }
}

/// All trials. Three of ten requests need no database.
pub(crate) fn all() -> Vec<Trial> {
    let groups = [calm(), steps(), losses(), changes(), long(), hard(), sizes(), fleets()];
    let free = Demand::free(3.0 / 7.0, Priority::Normal);
    let with_free = |trial: Trial| trial.with(|scenario| scenario.demands.push(free));
    groups.into_iter().flatten().map(with_free).collect()
}

fn calm() -> Vec<Trial> {
    let steady = |load: f64| {
        Trial::new(Scenario::new(format!("{load}×")).phase(60.0, load)).look(0, "all", Topic::Calm)
    };
    let bursts = |load: f64, topic| {
        let name = format!("{load}× in bursts of 3 for 200 ms");
        Trial::new(Scenario::new(name).phase(60.0, load).bursts()).look(0, "all", topic)
    };
    let shown = Topic::Shown;
    let bursts = [bursts(0.5, shown), bursts(0.7, Topic::Bursts), bursts(0.9, shown)];
    [steady(0.5), steady(0.9)].into_iter().chain(bursts).collect()
}

fn steps() -> Vec<Trial> {
    let step = |load: f64| {
        let scenario = before(&format!("{load}× for a minute and back")).phase(60.0, load);
        Trial::new(scenario.phase(20.0, 0.5)).look(1, "surge", Topic::Surge).timed()
    };
    let after = |trial: Trial| trial.look(2, "after", Topic::Recovery).timed();
    vec![
        after(step(2.0)),
        after(step(5.0).critical_does_not_fit()).drawn(),
        after(step(10.0).critical_does_not_fit()),
    ]
}

fn losses() -> Vec<Trial> {
    let quarter = Scenario::new("capacity ÷ 4 at 0.9× and back")
        .phase(30.0, 0.9)
        .phase(60.0, 0.9)
        .speed(0.25)
        .phase(30.0, 0.9);
    let stall = Scenario::new("stall of 20 s at 0.7×")
        .phase(20.0, 0.7)
        .phase(20.0, 0.7)
        .speed(0.0)
        .phase(20.0, 0.7);
    vec![
        Trial::new(quarter)
            .look(1, "loss", Topic::Loss)
            .timed()
            .look(2, "after", Topic::Recovery)
            .timed()
            .drawn(),
        Trial::new(stall).look(2, "after", Topic::Recovery).timed().drawn(),
    ]
}

fn changes() -> Vec<Trial> {
    let surge = |name: &str| before(name).phase(20.0, 2.0).phase(60.0, 2.0);
    let change = |scenario| Trial::new(scenario).look(2, "changed", Topic::Change);
    let slower = Scenario::new("the database slows 3× in ten minutes at 0.25×")
        .phase(600.0, 0.25)
        .speed_drifts_to(1.0 / 3.0);
    let farther = Scenario::new("latency drifts 3× in ten minutes at 0.7×")
        .phase(600.0, 0.7)
        .delay_drifts_to(0.04);
    let drift = |scenario| Trial::new(scenario).look(0, "all", Topic::Drift);
    vec![
        change(surge("mix shifts to dear queries at 2×").dear(6.0)).drawn(),
        change(surge("+50 ms at 2×").delay(0.05)),
        drift(slower),
        drift(farther),
    ]
}

fn long() -> Vec<Trial> {
    let scenario = before("20 minutes at 2×").phase(60.0, 2.0).phase(1080.0, 2.0).phase(60.0, 2.0);
    let trial = Trial::new(scenario).look(1, "first minute", Topic::LongFirst);
    vec![trial.look(3, "last minute", Topic::LongLast)]
}

fn hard() -> Vec<Trial> {
    let hard = |name: &str| Trial::new(surge(name)).look(1, "surge", Topic::Hard);
    let cold = Scenario::new("cold start at 5×").phase(60.0, 5.0);
    vec![
        Trial::new(cold).look(0, "all", Topic::Hard).timed().critical_does_not_fit().drawn(),
        hard("bimodal 2/40 ms at 2×").with(bimodal),
        hard("1 % instant errors at 2×").with(|scenario| scenario.errors = 0.01),
        hard("wide spread at 2×").with(|scenario| {
            scenario.demands.iter_mut().for_each(|demand| demand.spread = 1.6);
        }),
        hard("Pareto tails at 2×").with(|scenario| {
            scenario.demands.iter_mut().for_each(|demand| demand.pareto = Some(1.8));
        }),
        hard("clients that cancel after 300 ms at 2×").with(|scenario| scenario.timeout = 0.3),
    ]
}

fn bimodal(scenario: &mut Scenario) {
    for (kind, demand) in scenario.demands.iter_mut().enumerate() {
        demand.seconds = if kind == 2 { 0.040 } else { 0.002 };
        demand.spread = 0.1;
    }
}

fn sizes() -> Vec<Trial> {
    let size = |name: String| Trial::new(surge(&name)).look(1, "surge", Topic::Size);
    let knee = |knee: f64| {
        size(format!("knee at {knee}, 2×")).with(|scenario| {
            scenario.knee = knee;
            scenario.pool = 128;
        })
    };
    let pool = |pool| size(format!("pool of {pool}, 2×")).with(|scenario| scenario.pool = pool);
    vec![knee(5.0), knee(60.0), pool(10), pool(200)]
}

fn fleets() -> Vec<Trial> {
    let fleet = |instances| {
        let scenario = Scenario::new(format!("{instances} instances at 2×"));
        let scenario = scenario.phase(30.0, 0.5).phase(60.0, 2.0).phase(20.0, 0.5);
        let trial = Trial::new(scenario.starts_within(20.0))
            .look(1, "surge", Topic::Fleet)
            .look(2, "after", Topic::Recovery)
            .timed();
        trial.with(|scenario| scenario.instances = instances)
    };
    vec![fleet(8).drawn(), fleet(32)]
}

fn before(name: &str) -> Scenario {
    Scenario::new(name).phase(20.0, 0.5)
}

fn surge(name: &str) -> Scenario {
    before(name).phase(60.0, 2.0)
}
