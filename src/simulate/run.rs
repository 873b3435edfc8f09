//! The loop.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    Guard, Report, Scenario,
    customers::Customers,
    database::Database,
    events::{Agenda, Event},
    guard::{Answer, Post},
    report::Tally,
    scenario::Demand,
};
use crate::{clock, control::queue::Ticket, outcome::Outcome};

/// Runs `scenario` with one guard for each instance. The same seed gives the same
/// report.
pub fn simulate(scenario: &Scenario, guard: impl FnMut() -> Guard, seed: u64) -> Report {
    let mut world = World::new(scenario, guard, seed);
    world.run();
    world.report()
}

struct World<'a> {
    scenario: &'a Scenario,
    origin: Instant,
    /// Seconds since then.
    now: f64,
    agenda: Agenda,
    random: Customers,
    database: Database,
    posts: Vec<Post>,
    pools: Vec<Pool>,
    customers: Vec<Customer>,
    attempts: Vec<Attempt>,
    tallies: Vec<Tally>,
    limits: Vec<usize>,
    work: Vec<f64>,
}

#[derive(Debug, Default)]
struct Pool {
    taken: usize,
    waiting: VecDeque<usize>,
}

struct Customer {
    kind: usize,
    instance: usize,
    work: f64,
    phase: usize,
    tries: u32,
}

struct Attempt {
    customer: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Queued(Ticket),
    /// Admitted then; waits for a connection or uses it.
    Pooled(f64),
    Connected(f64),
    /// The customer has gone, but the database goes on.
    Orphaned,
    Over,
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

    fn attempt(&mut self, customer: usize) {
        let attempt = self.attempts.len();
        self.attempts.push(Attempt { customer, state: State::New });
        self.agenda.put(self.now + self.scenario.timeout, Event::Impatience { attempt });
        let Customer { kind, instance, .. } = self.customers[customer];
        let priority = self.scenario.demands[kind].priority;
        match self.posts[instance].enter(attempt, priority) {
            Answer::Admitted => self.admit(attempt),
            Answer::Waiting(ticket) => self.queue(attempt, ticket),
            Answer::Evicting(ticket, evicted) => {
                self.queue(attempt, ticket);
                self.refuse(evicted);
            }
            Answer::Refused => self.refuse(attempt),
        }
    }

    fn queue(&mut self, attempt: usize, ticket: Ticket) {
        self.attempts[attempt].state = State::Queued(ticket);
        let wait = self.posts[self.instance(attempt)].max_wait();
        self.agenda.put(self.now + wait, Event::QueueTimeout { attempt });
    }

    fn admit(&mut self, attempt: usize) {
        let (instance, now) = (self.instance(attempt), self.instant());
        self.posts[instance].start(now);
        self.attempts[attempt].state = State::Pooled(self.now);
        self.pools[instance].waiting.push_back(attempt);
        self.fill_pool(instance);
    }

    fn fill_pool(&mut self, instance: usize) {
        let pool = &mut self.pools[instance];
        while pool.taken < self.scenario.pool {
            let Some(attempt) = pool.waiting.pop_front() else { return };
            let Attempt { customer, state } = &mut self.attempts[attempt];
            // Whoever has gone meanwhile is passed over.
            if let State::Pooled(since) = *state {
                *state = State::Connected(since);
                pool.taken += 1;
                let work = self.customers[*customer].work;
                self.database.start(attempt, work, self.scenario);
            }
        }
    }

    fn query_done(&mut self) {
        let Some(attempt) = self.database.finish(self.scenario) else { return };
        match self.scenario.phase_at(self.now) {
            Some((_, phase)) if phase.delay > 0.0 => {
                self.agenda.put(self.now + phase.delay, Event::Back { attempt });
            }
            _ => self.answer(attempt),
        }
    }

    fn answer(&mut self, attempt: usize) {
        let (instance, now) = (self.instance(attempt), self.instant());
        self.pools[instance].taken -= 1;
        self.fill_pool(instance);
        if let State::Connected(since) = self.attempts[attempt].state {
            let kind = self.customers[self.attempts[attempt].customer].kind;
            let since_then = self.origin + Duration::from_secs_f64(since);
            self.posts[instance].finish(now, since_then, kind, Outcome::Success);
            self.count_answer(attempt, self.now - since);
        }
        self.attempts[attempt].state = State::Over;
        self.admit_waiting(instance);
    }

    fn count_answer(&mut self, attempt: usize, latency: f64) {
        let Customer { kind, work, phase, .. } = self.customers[self.attempts[attempt].customer];
        let priority = self.scenario.demands[kind].priority as usize;
        self.tallies[phase].answered[3 - priority] += 1;
        self.tallies[phase].latencies.push(latency as f32);
        let in_force = self.scenario.phase_at(self.now).map_or(self.tallies.len() - 1, |now| now.0);
        self.tallies[in_force].work += work;
        if let Some(last) = self.work.last_mut() {
            *last += work;
        }
    }

    fn admit_waiting(&mut self, instance: usize) {
        while let Some(attempt) = self.posts[instance].admit_first() {
            self.admit(attempt);
        }
    }

    fn lose_patience(&mut self, attempt: usize) {
        let (instance, now) = (self.instance(attempt), self.instant());
        let origin = self.origin;
        let at = |since| origin + Duration::from_secs_f64(since);
        let next = match self.attempts[attempt].state {
            State::Over | State::Orphaned => return,
            State::New => State::Over,
            State::Queued(ticket) => {
                self.posts[instance].leave(ticket, false);
                State::Over
            }
            State::Pooled(since) => {
                self.posts[instance].cancel(now, at(since));
                State::Over
            }
            State::Connected(since) => {
                self.posts[instance].cancel(now, at(since));
                State::Orphaned
            }
        };
        self.attempts[attempt].state = next;
        self.admit_waiting(instance);
        self.try_again(attempt);
    }

    fn wait_over(&mut self, attempt: usize) {
        let State::Queued(ticket) = self.attempts[attempt].state else { return };
        let instance = self.instance(attempt);
        if self.posts[instance].leave(ticket, true) {
            self.refuse(attempt);
        }
    }

    fn refuse(&mut self, attempt: usize) {
        self.attempts[attempt].state = State::Over;
        let customer = &self.customers[self.attempts[attempt].customer];
        if customer.tries == 0 {
            self.tallies[customer.phase].refused += 1;
        }
        self.try_again(attempt);
    }

    fn try_again(&mut self, attempt: usize) {
        let number = self.attempts[attempt].customer;
        let customer = &mut self.customers[number];
        if customer.tries < self.scenario.retries {
            let mean = self.scenario.backoff * f64::from(1_u32 << customer.tries.min(16));
            customer.tries += 1;
            let pause = self.random.jittered(mean);
            self.agenda.put(self.now + pause, Event::Retry { customer: number });
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

    fn instance(&self, attempt: usize) -> usize {
        self.customers[self.attempts[attempt].customer].instance
    }

    fn instant(&self) -> Instant {
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
