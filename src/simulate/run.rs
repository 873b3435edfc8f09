//! The loop.

use std::time::Instant;

use super::{
    Guard, Report, Scenario,
    attempts::{Attempt, Customer, Pool, State},
    customers::Customers,
    database::Database,
    door::{Answer, Door, Passage},
    events::{Agenda, Event},
    roll::Roll,
    tally::Tally,
};
use crate::{clock, outcome::Outcome};

/// Runs `scenario` with one guard for each instance, made when the instance starts. The
/// same seed gives the same report.
pub fn simulate(scenario: &Scenario, guard: impl FnMut() -> Guard, seed: u64) -> Report {
    let mut world = World::new(scenario, guard, seed);
    world.run();
    world.report()
}

pub(super) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    guard: Box<dyn FnMut() -> Guard + 'a>,
    origin: Instant,
    /// Seconds since then.
    pub(super) now: f64,
    pub(super) agenda: Agenda,
    pub(super) random: Customers,
    /// Of their own, so that the same customers come whatever the guards.
    phases: Customers,
    /// The same, for where the customers stand.
    places: Customers,
    pub(super) database: Database,
    starts: Vec<f64>,
    /// Of the instances that run.
    pub(super) doors: Vec<Door>,
    pub(super) pools: Vec<Pool>,
    pub(super) customers: Roll<Customer>,
    pub(super) attempts: Roll<Attempt>,
    pub(super) tallies: Vec<Tally>,
    limits: Vec<usize>,
    levels: Vec<f64>,
    apart: Vec<f64>,
    pub(super) work: Vec<f64>,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, guard: impl FnMut() -> Guard + 'a, seed: u64) -> Self {
        let mut random = Customers::new(seed);
        let starts = random.starts(scenario);
        Self {
            scenario,
            guard: Box::new(guard),
            origin: clock::now(),
            now: 0.0,
            agenda: Agenda::default(),
            random,
            phases: Customers::new(!seed),
            places: Customers::new(seed.rotate_left(32)),
            database: Database::new(),
            doors: Vec::new(),
            pools: Vec::new(),
            customers: Roll::new(),
            attempts: Roll::new(),
            tallies: vec![Tally::new(starts.len()); scenario.phases.len()],
            limits: Vec::new(),
            levels: Vec::new(),
            apart: Vec::new(),
            work: vec![0.0],
            starts,
        }
    }

    fn run(&mut self) {
        for at in &self.starts {
            self.agenda.put(*at, Event::Start);
        }
        self.agenda.put(0.0, Event::Record);
        self.plan_arrival();
        while let Some(at) = self.agenda.next_at() {
            match self.database.next_done() {
                Some(wait) if self.now + wait <= at => {
                    self.pass(wait);
                    self.query_done();
                }
                _ => {
                    self.pass(at - self.now);
                    if let Some(event) = self.agenda.take() {
                        self.happen(event);
                    }
                }
            }
        }
    }

    fn pass(&mut self, seconds: f64) {
        let seconds = seconds.max(0.0);
        self.database.advance(seconds);
        self.now += seconds;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrival => self.arrive(),
            Event::Retry { customer } => self.attempt(customer),
            Event::Impatience { attempt } => self.lose_patience(attempt),
            Event::QueueTimeout { attempt } => self.wait_over(attempt),
            Event::Back { attempt } => self.answer(attempt),
            Event::Start => self.start_instance(),
            Event::Tick { instance } => self.tick(instance),
            Event::Record => self.record(),
        }
    }

    fn start_instance(&mut self) {
        let guard = (self.guard)();
        let phase = self.phases.phase();
        self.doors.push(Door::new(guard, self.origin, self.now, phase));
        self.pools.push(Pool::default());
        self.tick(self.doors.len() - 1);
    }

    fn arrive(&mut self) {
        self.plan_arrival();
        let Some(moment) = self.scenario.at(self.now) else { return };
        let (phase, dear) = (moment.number, moment.phase.dear);
        let kind = self.random.kind(self.scenario, dear);
        let demand = self.scenario.demands[kind];
        let work = self.random.work(&demand);
        let instance = self.random.instance(self.doors.len());
        if self.random.happens(self.scenario.errors) && demand.needs_database {
            self.fail_at_once(kind, instance);
            return;
        }
        let tally = &mut self.tallies[phase];
        match demand.needs_database {
            true => tally.ask(demand.priority),
            false => tally.ask_free(),
        }
        let place = self.places.phase() as f32;
        let customer = Customer { kind, instance, work, place, phase, tries: 0, over: false };
        let customer = self.customers.push(customer);
        self.attempt(customer);
    }

    fn plan_arrival(&mut self) {
        if let Some(at) = self.random.next_arrival(self.scenario, self.now) {
            self.agenda.put(at, Event::Arrival);
        }
    }

    /// A request that fails for its own reasons: a bug, not the database.
    fn fail_at_once(&mut self, kind: usize, instance: usize) {
        let (now, priority) = (self.now, self.scenario.demands[kind].priority);
        let door = &mut self.doors[instance];
        // It is over before anything else happens, so one number does for all.
        let attempt = usize::MAX;
        match door.enter(attempt, priority, now) {
            Answer::Admitted => {
                door.admit(now, kind);
                let (statement, outcome) = (kind, Outcome::Ignore);
                let (admitted, since) = (now, now);
                door.finish(Passage { attempt, admitted, since, statement, outcome }, now);
            }
            Answer::Waiting(ticket) => drop(door.leave(ticket, false)),
            Answer::Evicting(ticket, evicted) => {
                door.leave(ticket, false);
                self.refuse(evicted);
            }
            Answer::Held => door.let_go(attempt, now),
            Answer::Refused => door.count_refused(priority),
        }
        self.admit_waiting(instance);
    }

    fn tick(&mut self, instance: usize) {
        self.doors[instance].tick(self.now);
        self.admit_waiting(instance);
        if self.scenario.at(self.now).is_some() {
            self.agenda.put(self.now + TICK, Event::Tick { instance });
        }
    }

    fn record(&mut self) {
        let moment = self.scenario.at(self.now);
        self.database.set_speed(moment.map_or(1.0, |moment| moment.speed()));
        if moment.is_some() {
            self.agenda.put(self.now + TICK, Event::Record);
        }
        self.limits.push(self.doors.iter().map(Door::limit).fold(0, usize::saturating_add));
        self.record_level();
        self.work.push(0.0);
        self.attempts.forget(|attempt| attempt.state == State::Over);
        self.customers.forget(|customer| customer.over);
    }

    fn record_level(&mut self) {
        let levels = || self.doors.iter().map(Door::level);
        let (lowest, highest) = (levels().fold(1.0, f64::min), levels().fold(0.0, f64::max));
        self.levels.push(levels().sum::<f64>() / self.doors.len().max(1) as f64);
        self.apart.push((highest - lowest).max(0.0));
    }

    fn report(self) -> Report {
        let capacity = self.scenario.capacity();
        let (starts, mut end) = (self.starts, 0.0);
        let phases = self.tallies.into_iter().zip(&self.scenario.phases).map(|(tally, phase)| {
            let begin = end;
            end += phase.seconds;
            let ran = starts.iter().filter(|start| **start <= begin).count();
            tally.report((begin, end), capacity, ran)
        });
        Report {
            phases: phases.collect(),
            limits: self.limits,
            levels: self.levels,
            apart: self.apart,
            work: self.work,
            capacity: capacity * TICK,
        }
    }
}

const TICK: f64 = 0.1;

#[cfg(test)]
mod tests;
