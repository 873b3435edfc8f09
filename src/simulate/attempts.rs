//! The life of one attempt: the gate, the pool, the database, the way back.

use std::collections::VecDeque;

use super::{
    Demand,
    door::{Answer, Passage},
    events::Event,
    run::World,
};
use crate::{control::queue::Ticket, outcome::Outcome};

#[derive(Debug, Default)]
pub(super) struct Pool {
    taken: usize,
    waiting: VecDeque<usize>,
}

#[derive(Clone, Copy)]
pub(super) struct Customer {
    pub(super) kind: usize,
    pub(super) instance: usize,
    pub(super) work: f64,
    pub(super) phase: usize,
    pub(super) tries: u32,
    /// Answered, or gone for good.
    pub(super) over: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Attempt {
    customer: usize,
    instance: usize,
    /// Whether a guard counts it.
    guarded: bool,
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    New,
    Queued(Ticket),
    /// Waits at a guard of another make.
    Held,
    /// Admitted then; waits for a connection or uses it.
    Pooled(f64),
    Connected(f64),
    /// Admitted then, and done without the database.
    Served(f64),
    /// The customer has gone, but the database goes on.
    Orphaned,
    Over,
}

impl World<'_> {
    pub(super) fn attempt(&mut self, customer: usize) {
        let Customer { kind, instance, .. } = self.customers[customer];
        let demand = self.scenario.demands[kind];
        let guarded = demand.needs_database || self.doors[instance].is_around_all();
        let attempt =
            self.attempts.push(Attempt { customer, instance, guarded, state: State::New });
        let answer = match guarded {
            true => self.doors[instance].enter(attempt, demand.priority, self.now),
            false => Answer::Admitted,
        };
        if answer != Answer::Refused {
            self.agenda.put(self.now + self.scenario.timeout, Event::Impatience { attempt });
        }
        match answer {
            Answer::Admitted => self.admit(attempt),
            Answer::Waiting(ticket) => self.queue(attempt, ticket),
            Answer::Evicting(ticket, evicted) => {
                self.queue(attempt, ticket);
                self.refuse(evicted);
            }
            Answer::Held => self.attempts[attempt].state = State::Held,
            Answer::Refused => self.refuse(attempt),
        }
        self.admit_waiting(instance);
    }

    fn queue(&mut self, attempt: usize, ticket: Ticket) {
        let entry = &mut self.attempts[attempt];
        entry.state = State::Queued(ticket);
        if let Some(wait) = self.doors[entry.instance].max_wait() {
            self.agenda.put(self.now + wait, Event::QueueTimeout { attempt });
        }
    }

    fn admit(&mut self, attempt: usize) {
        let Attempt { customer, instance, guarded, .. } = self.attempts[attempt];
        let Customer { kind, work, .. } = self.customers[customer];
        if guarded {
            self.doors[instance].start(self.now, kind);
        }
        if self.scenario.demands[kind].needs_database {
            self.attempts[attempt].state = State::Pooled(self.now);
            self.pools[instance].waiting.push_back(attempt);
            self.fill_pool(instance);
        } else {
            self.attempts[attempt].state = State::Served(self.now);
            self.agenda.put(self.now + work, Event::Back { attempt });
        }
    }

    fn fill_pool(&mut self, instance: usize) {
        let pool = &mut self.pools[instance];
        while pool.taken < self.scenario.pool {
            let Some(attempt) = pool.waiting.pop_front() else { return };
            // Whoever has gone meanwhile is passed over.
            let Some(State::Pooled(since)) = self.attempts.get(attempt).map(|own| own.state) else {
                continue;
            };
            let entry = &mut self.attempts[attempt];
            entry.state = State::Connected(since);
            pool.taken += 1;
            let work = self.customers[entry.customer].work;
            self.database.start(attempt, work, self.scenario);
        }
    }

    pub(super) fn query_done(&mut self) {
        let Some(attempt) = self.database.finish(self.scenario) else { return };
        match self.scenario.at(self.now).map_or(0.0, |moment| moment.delay()) {
            delay if delay > 0.0 => self.agenda.put(self.now + delay, Event::Back { attempt }),
            _ => self.answer(attempt),
        }
    }

    /// What an attempt went for is done, whether or not somebody still waits for it.
    pub(super) fn answer(&mut self, attempt: usize) {
        let Some(Attempt { instance, state, .. }) = self.attempts.get(attempt).copied() else {
            return;
        };
        if matches!(state, State::Connected(_) | State::Orphaned) {
            self.pools[instance].taken -= 1;
            self.fill_pool(instance);
        }
        if let State::Connected(since) | State::Served(since) = state {
            self.welcome(attempt, since);
        }
        self.attempts[attempt].state = State::Over;
        self.admit_waiting(instance);
    }

    /// An answer reaches its customer.
    fn welcome(&mut self, attempt: usize, since: f64) {
        let Attempt { customer, instance, guarded, .. } = self.attempts[attempt];
        self.customers[customer].over = true;
        let Customer { kind, work, phase, .. } = self.customers[customer];
        if guarded {
            let outcome = Outcome::Success;
            self.doors[instance].finish(Passage { attempt, since, kind, outcome }, self.now);
        }
        let Demand { priority, needs_database, .. } = self.scenario.demands[kind];
        if !needs_database {
            self.tallies[phase].answer_free();
            return;
        }
        self.tallies[phase].answer(priority, self.now - since);
        let in_force = self.scenario.at(self.now).map(|moment| moment.number);
        let in_force = in_force.unwrap_or(self.tallies.len() - 1);
        self.tallies[in_force].useful(instance, work);
        if let Some(last) = self.work.last_mut() {
            *last += work;
        }
    }

    pub(super) fn admit_waiting(&mut self, instance: usize) {
        while let Some(attempt) = self.doors[instance].admit_first(self.now) {
            self.admit(attempt);
        }
    }

    pub(super) fn lose_patience(&mut self, attempt: usize) {
        let Some(Attempt { customer, instance, guarded, state, .. }) =
            self.attempts.get(attempt).copied()
        else {
            return;
        };
        let door = &mut self.doors[instance];
        match state {
            State::Over | State::Orphaned => return,
            State::New => {}
            State::Queued(ticket) => drop(door.leave(ticket, false)),
            State::Held => door.let_go(attempt, self.now),
            State::Pooled(since) | State::Connected(since) | State::Served(since) => {
                if guarded {
                    let outcome = Outcome::Ignore;
                    let kind = self.customers[customer].kind;
                    door.cancel(Passage { attempt, since, kind, outcome }, self.now);
                }
            }
        }
        let runs = matches!(state, State::Connected(_));
        self.attempts[attempt].state = if runs { State::Orphaned } else { State::Over };
        self.admit_waiting(instance);
        self.try_again(attempt);
    }

    pub(super) fn wait_over(&mut self, attempt: usize) {
        let Some(own) = self.attempts.get(attempt) else { return };
        let State::Queued(ticket) = own.state else { return };
        let instance = own.instance;
        if let Some(first) = self.doors[instance].admit_overdue(ticket, self.now) {
            self.admit(first);
        }
        let State::Queued(ticket) = self.attempts[attempt].state else { return };
        if self.doors[instance].leave(ticket, true) {
            self.refuse(attempt);
        }
    }

    pub(super) fn refuse(&mut self, attempt: usize) {
        self.attempts[attempt].state = State::Over;
        let Customer { kind, phase, tries, .. } = self.customers[self.attempts[attempt].customer];
        if tries == 0 && self.scenario.demands[kind].needs_database {
            self.tallies[phase].refuse_first();
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
        } else {
            customer.over = true;
        }
    }
}
