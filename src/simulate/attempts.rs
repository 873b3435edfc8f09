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
    /// Where it stands among all, from 0 to 1.
    pub(super) place: f32,
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
    admitted: f64,
    /// The one that it runs now.
    statement: usize,
    /// Whether what is optional is left out.
    dimmed: bool,
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    New,
    Queued(Ticket),
    /// Waits at a guard of another make.
    Held,
    /// Admitted then; waits for a connection.
    Pooled(f64),
    /// Uses it, for a query since then.
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
        let (admitted, statement, dimmed, state) = (self.now, kind, false, State::New);
        let attempt = Attempt { customer, instance, guarded, admitted, statement, dimmed, state };
        let attempt = self.attempts.push(attempt);
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
        let Customer { kind, work, place, .. } = self.customers[customer];
        if guarded {
            self.doors[instance].admit(self.now, kind);
        }
        let entry = &mut self.attempts[attempt];
        (entry.admitted, entry.dimmed) = (self.now, !self.doors[instance].serves(place));
        if entry.dimmed && self.scenario.demands[kind].optional > 0.0 {
            self.doors[instance].leave_out();
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
            let Customer { kind, work, .. } = self.customers[entry.customer];
            let essential = work * (1.0 - self.scenario.demands[kind].optional);
            self.database.start(attempt, essential, self.scenario);
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
        if self.goes_on(attempt) {
            return;
        }
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

    /// What is optional is a second query, on the same connection, if somebody waits for it.
    fn goes_on(&mut self, attempt: usize) -> bool {
        let entry = self.attempts[attempt];
        let State::Connected(since) = entry.state else { return false };
        let Customer { kind, work, .. } = self.customers[entry.customer];
        let optional = work * self.scenario.demands[kind].optional;
        if entry.dimmed || entry.statement != kind || optional == 0.0 {
            return false;
        }
        if entry.guarded {
            let passage = self.passage(attempt, since, Outcome::Success);
            self.doors[entry.instance].go_on(passage, kind + self.scenario.demands.len(), self.now);
        }
        let entry = &mut self.attempts[attempt];
        entry.statement = kind + self.scenario.demands.len();
        entry.state = State::Connected(self.now);
        self.database.start(attempt, optional, self.scenario);
        true
    }

    fn passage(&self, attempt: usize, since: f64, outcome: Outcome) -> Passage {
        let Attempt { admitted, statement, .. } = self.attempts[attempt];
        Passage { attempt, admitted, since, statement, outcome }
    }

    /// An answer reaches its customer.
    fn welcome(&mut self, attempt: usize, since: f64) {
        let Attempt { customer, instance, guarded, admitted, dimmed, .. } = self.attempts[attempt];
        self.customers[customer].over = true;
        let Customer { kind, work, phase, .. } = self.customers[customer];
        if guarded {
            let passage = self.passage(attempt, since, Outcome::Success);
            self.doors[instance].finish(passage, self.now);
        }
        let Demand { priority, needs_database, optional, .. } = self.scenario.demands[kind];
        if !needs_database {
            self.tallies[phase].answer_free();
            return;
        }
        let optional = optional * work;
        self.tallies[phase].answer(priority, self.now - admitted);
        self.tallies[phase].optional(optional, !dimmed);
        let work = if dimmed { work - optional } else { work };
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
        let Some(Attempt { instance, guarded, state, .. }) = self.attempts.get(attempt).copied()
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
                    let passage = self.passage(attempt, since, Outcome::Ignore);
                    self.doors[instance].cancel(passage, self.now);
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
        let Attempt { customer, instance, .. } = self.attempts[attempt];
        self.attempts[attempt].state = State::Over;
        let Customer { kind, phase, tries, .. } = self.customers[customer];
        let Demand { priority, needs_database, .. } = self.scenario.demands[kind];
        self.doors[instance].count_refused(priority);
        if tries == 0 && needs_database {
            self.tallies[phase].refuse_first(priority);
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
