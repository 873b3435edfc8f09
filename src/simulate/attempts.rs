//! The life of one attempt: the gate, the pool, the database, the way back.

use std::{collections::VecDeque, time::Duration};

use super::{events::Event, guard::Answer, run::World};
use crate::{control::queue::Ticket, outcome::Outcome};

#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) taken: usize,
    pub(super) waiting: VecDeque<usize>,
}

pub(super) struct Customer {
    pub(super) kind: usize,
    pub(super) instance: usize,
    pub(super) work: f64,
    pub(super) phase: usize,
    pub(super) tries: u32,
}

pub(super) struct Attempt {
    pub(super) customer: usize,
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    New,
    Queued(Ticket),
    /// Admitted then; waits for a connection or uses it.
    Pooled(f64),
    Connected(f64),
    /// The customer has gone, but the database goes on.
    Orphaned,
    Over,
}

impl World<'_> {
    pub(super) fn attempt(&mut self, customer: usize) {
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

    pub(super) fn query_done(&mut self) {
        let Some(attempt) = self.database.finish(self.scenario) else { return };
        match self.scenario.phase_at(self.now) {
            Some((_, phase)) if phase.delay > 0.0 => {
                self.agenda.put(self.now + phase.delay, Event::Back { attempt });
            }
            _ => self.answer(attempt),
        }
    }

    pub(super) fn answer(&mut self, attempt: usize) {
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

    pub(super) fn admit_waiting(&mut self, instance: usize) {
        while let Some(attempt) = self.posts[instance].admit_first() {
            self.admit(attempt);
        }
    }

    pub(super) fn lose_patience(&mut self, attempt: usize) {
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

    pub(super) fn wait_over(&mut self, attempt: usize) {
        let State::Queued(ticket) = self.attempts[attempt].state else { return };
        let instance = self.instance(attempt);
        if self.posts[instance].leave(ticket, true) {
            self.refuse(attempt);
        }
    }

    pub(super) fn refuse(&mut self, attempt: usize) {
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
}
