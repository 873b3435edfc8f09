//! The loop.

use std::time::{Duration, Instant};

use super::{
    Guard, Report, Scenario,
    attempts::{Attempt, Customer, Pool},
    customers::Customers,
    database::Database,
    events::{Agenda, Event},
    guard::{Answer, Post},
    report::Tally,
    scenario::Demand,
};
use crate::{clock, outcome::Outcome};

/// Runs `scenario` with one guard for each instance. The same seed gives the same
/// report.
pub fn simulate(scenario: &Scenario, guard: impl FnMut() -> Guard, seed: u64) -> Report {
    let mut world = World::new(scenario, guard, seed);
    world.run();
    world.report()
}

pub(super) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) origin: Instant,
    /// Seconds since then.
    pub(super) now: f64,
    pub(super) agenda: Agenda,
    pub(super) random: Customers,
    pub(super) database: Database,
    pub(super) posts: Vec<Post>,
    pub(super) pools: Vec<Pool>,
    pub(super) customers: Vec<Customer>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) tallies: Vec<Tally>,
    pub(super) limits: Vec<usize>,
    pub(super) work: Vec<f64>,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, mut guard: impl FnMut() -> Guard, seed: u64) -> Self {
        let origin = clock::now();
        let instances = 0..scenario.instances.max(1);
        Self {
            scenario,
            origin,
            now: 0.0,
            agenda: Agenda::default(),
            random: Customers::new(seed),
            database: Database::new(),
            posts: instances.clone().map(|_| Post::new(guard(), origin)).collect(),
            pools: instances.map(|_| Pool::default()).collect(),
            customers: Vec::new(),
            attempts: Vec::new(),
            tallies: vec![Tally::default(); scenario.phases.len()],
            limits: Vec::new(),
            work: vec![0.0],
        }
    }

    fn run(&mut self) {
        self.agenda.put(0.0, Event::Tick);
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
            Event::Tick => self.tick(),
        }
    }

    fn arrive(&mut self) {
        self.plan_arrival();
        let Some((phase, conditions)) = self.scenario.phase_at(self.now) else { return };
        let kind = self.random.kind(self.scenario, conditions.dear);
        let Demand { seconds, spread, .. } = self.scenario.demands[kind];
        let work = self.random.work(seconds, spread);
        let instance = self.random.instance(self.posts.len());
        if self.random.happens(self.scenario.errors) {
            self.fail_at_once(kind, instance);
            return;
        }
        self.customers.push(Customer { kind, instance, work, phase, tries: 0 });
        let priority = self.scenario.demands[kind].priority as usize;
        let tally = &mut self.tallies[phase];
        tally.asked[3 - priority] += 1;
        tally.first += 1;
        self.attempt(self.customers.len() - 1);
    }

    fn plan_arrival(&mut self) {
        if let Some(at) = self.random.next_arrival(self.scenario, self.now) {
            self.agenda.put(at, Event::Arrival);
        }
    }

    /// A request that fails for its own reasons: a bug, not the database.
    fn fail_at_once(&mut self, kind: usize, instance: usize) {
        let now = self.instant();
        let priority = self.scenario.demands[kind].priority;
        let post = &mut self.posts[instance];
        // Its number is never asked for: it is over before anything else happens.
        match post.enter(usize::MAX, priority) {
            Answer::Admitted => {
                post.start(now);
                post.finish(now, now, kind, Outcome::Ignore);
            }
            Answer::Waiting(ticket) => drop(post.leave(ticket, false)),
            Answer::Evicting(ticket, evicted) => {
                post.leave(ticket, false);
                self.refuse(evicted);
            }
            Answer::Refused => {}
        }
    }

    fn tick(&mut self) {
        if let Some((_, phase)) = self.scenario.phase_at(self.now) {
            self.database.set_speed(phase.speed);
            self.agenda.put(self.now + TICK, Event::Tick);
        } else {
            self.database.set_speed(1.0);
        }
        let now = self.instant();
        for instance in 0..self.posts.len() {
            self.posts[instance].tick(now, Duration::from_secs_f64(self.now));
            self.admit_waiting(instance);
        }
        self.limits.push(self.posts.iter().map(Post::limit).fold(0, usize::saturating_add));
        self.work.push(0.0);
    }

    pub(super) fn instance(&self, attempt: usize) -> usize {
        self.customers[self.attempts[attempt].customer].instance
    }

    pub(super) fn instant(&self) -> Instant {
        self.origin + Duration::from_secs_f64(self.now)
    }

    fn report(self) -> Report {
        let capacity = self.scenario.capacity();
        let phases = self.tallies.into_iter().zip(&self.scenario.phases);
        Report {
            phases: phases.map(|(tally, phase)| tally.report(capacity * phase.seconds)).collect(),
            limits: self.limits,
            work: self.work,
        }
    }
}

const TICK: f64 = 0.1;

#[cfg(test)]
mod tests;
