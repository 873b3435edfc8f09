//! The gate on paused time, against the two lists of
//! [`Plain`](crate::control::occupancy::model::Plain): whoever waits and has room goes in at
//! once, whatever made the room.

mod step;

use std::{collections::BTreeMap, sync::Mutex};

use proptest::prelude::*;

use super::{moving::signal, *};
use crate::{
    control::{
        occupancy::model::{Came, Flies, Plain},
        patience::is_late,
        queue::model::classes,
    },
    event::{Event, Observe, Subject},
};
use step::{Step, steps};

/// No wait ends at the end of one: those end at a half.
const TICK: Duration = Duration::from_millis(10);
const HALF: Duration = Duration::from_millis(5);

/// A limit that the test sets, and what the gate tells: usage, and that it moved.
#[derive(Clone, Debug, Default)]
struct Noting {
    limit: Arc<AtomicUsize>,
    usage: Arc<Mutex<Usage>>,
    moves: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl Limit for Noting {
    fn limit(&self) -> f64 {
        self.limit.load(Ordering::Relaxed) as f64
    }

    fn update(&mut self, _signal: &Signal, usage: &Usage) {
        *self.usage.lock().expect("nobody panicked") = *usage;
    }
}

impl Observe for Noting {
    fn observe(&self, event: &Event) {
        if let Event::Limit { from, to, .. } = event {
            self.moves.lock().expect("nobody panicked").push((*from, *to));
        }
    }
}

/// The gate and its model, with what both hold.
struct Trial {
    gate: ConcurrencyGate,
    noting: Noting,
    plain: Plain,
    report_only: bool,
    max_wait: Duration,
    permits: BTreeMap<usize, Permit>,
    waits: BTreeMap<usize, Waiting>,
}

struct Waiting {
    wait: task::Spawn<Wait>,
    until: tokio::time::Instant,
    late: Reason,
    /// How many had been let in when it came.
    after: u64,
    evicted: bool,
}

impl Trial {
    fn new(limit: usize, queue: usize) -> Self {
        let noting = Noting { limit: Arc::new(AtomicUsize::new(limit)), ..Noting::default() };
        let settings = ConcurrencyLimit::new().algorithm(noting.clone()).queue(queue);
        let gate = settings.observed_gate(Subject::default(), Arc::new(noting.clone()));
        let gate = gate.expect("it is valid");
        let max_wait = Duration::from_millis(400);
        let plain = Plain::new(4 * limit as u64, 0, (10, queue, max_wait));
        let (permits, waits) = Default::default();
        Self { gate, noting, plain, report_only: false, max_wait, permits, waits }
    }

    async fn step(&mut self, name: usize, step: Step) {
        match step {
            Step::Pass(ticks) => {
                for _ in 0..ticks {
                    advance(TICK).await;
                    self.poll();
                }
            }
            Step::Poll => self.poll(),
            Step::Come(class, ticks) => {
                let third = |ticks: u32| clock::now() + 3 * (ticks * TICK + HALF);
                self.come(name, ticks.map_or(class, |ticks| class.deadline(third(ticks))));
            }
            Step::Occupy => {
                self.permits.insert(name, self.gate.occupy());
                let class = Class::default();
                self.plain.in_flight.push(Flies { name, class, unbound: false });
                self.plain.fly();
            }
            Step::Done(which) => {
                let name = self.permits.keys().copied().cycle().nth(which);
                if let Some(name) = name {
                    self.permits.remove(&name);
                    self.leave_flight(name);
                }
            }
            Step::GiveUp(which) => {
                let name = self.waits.keys().copied().cycle().nth(which);
                if let Some(name) = name {
                    let gone = self.waits.remove(&name).expect("it waits");
                    // Or it was let in and does not know it yet.
                    if self.plain.list.remove(name).is_none() && !gone.evicted {
                        self.leave_flight(name);
                    }
                }
            }
            Step::Limit(limit) => self.move_to(limit),
            Step::Reload { headroom, queue, max_wait, report_only } => {
                self.reload(headroom, queue, max_wait, report_only);
            }
        }
    }

    fn move_to(&mut self, limit: usize) {
        let before = self.noting.limit.swap(limit, Ordering::Relaxed);
        let _ = self.gate.listener().on_signal(&signal());
        let usage = *self.noting.usage.lock().expect("nobody panicked");
        assert_eq!(usage, self.plain.take_usage());
        let moves = std::mem::take(&mut *self.noting.moves.lock().expect("nobody panicked"));
        let expected = (before != limit).then_some((before, limit));
        assert_eq!(moves, expected.into_iter().collect::<Vec<_>>());
        self.plain.set_limit(4 * limit as u64);
        self.go_on();
    }

    fn reload(&mut self, headroom: u64, queue: usize, max_wait: u32, report_only: bool) {
        // With a wait of no time nobody waits.
        let (max_wait, places) = match max_wait {
            0 => (Duration::ZERO, 0),
            ticks => (ticks * TICK + HALF, queue),
        };
        let settings = ConcurrencyLimit::new().queue(queue).max_wait(max_wait);
        let settings = settings.headroom(headroom as f64 / 100.0);
        let settings = if report_only { settings.report_only() } else { settings };
        self.gate.reload(settings).expect("it is valid");
        (self.report_only, self.max_wait) = (report_only, max_wait);
        self.plain.set_rules((headroom, places, max_wait));
        self.go_on();
    }

    fn come(&mut self, name: usize, class: Class) {
        let (now, after) = (clock::now(), self.plain.admitted);
        let entry = self.gate.enter(&class, now);
        if self.report_only {
            let Entry::Admitted(permit) = entry else { panic!("it only reports: {entry:?}") };
            let refused = self.plain.come_anyway(name, class);
            let late = is_late(&class, now).then_some(Reason::Deadline);
            assert_eq!(permit.would_refuse(), late.or(refused));
            self.permits.insert(name, permit);
            return;
        }
        if is_late(&class, now) {
            let Entry::Refused(refused) = entry else { panic!("it is too late: {entry:?}") };
            assert_eq!(refused.reason(), Reason::Deadline);
            return;
        }
        match (entry, self.plain.come(name, class, now)) {
            (Entry::Admitted(permit), Came::In) => {
                self.permits.insert(name, permit);
            }
            (Entry::Waiting(wait), Came::Waits { instead_of }) => {
                if let Some(gone) = instead_of {
                    self.waits.get_mut(&gone).expect("it waits").evicted = true;
                    self.plain.usage.refused += 1;
                }
                let third = class.deadline.map(|deadline| (deadline - now) / 3);
                let late = third.is_some_and(|third| third < self.max_wait);
                let late = if late { Reason::Deadline } else { Reason::QueueTimeout };
                let longest = third.unwrap_or(self.max_wait).min(self.max_wait);
                let until = tokio::time::Instant::from_std(now + longest);
                let mut wait = task::spawn(wait);
                assert_pending!(wait.poll());
                self.waits.insert(name, Waiting { wait, until, late, after, evicted: false });
            }
            (Entry::Refused(refused), Came::Full) => {
                assert_eq!(refused.reason(), Reason::QueueFull);
            }
            (entry, came) => panic!("{entry:?} and not {came:?}"),
        }
    }

    /// All who wait look what became of them, by age.
    fn poll(&mut self) {
        let now = tokio::time::Instant::now();
        let names: Vec<usize> = self.waits.keys().copied().collect();
        for name in names {
            let mut waiting = self.waits.remove(&name).expect("it waits");
            let is_in = |plain: &Plain| plain.in_flight.iter().any(|each| each.name == name);
            let expected = if is_in(&self.plain) {
                Some(Ok(()))
            } else if waiting.evicted {
                Some(Err(Reason::Evicted))
            } else if waiting.until <= now {
                self.plain.overdue(waiting.after, now.into_std());
                if is_in(&self.plain) {
                    Some(Ok(()))
                } else {
                    self.plain.list.remove(name);
                    self.plain.usage.refused += 1;
                    Some(Err(waiting.late))
                }
            } else {
                None
            };
            match (waiting.wait.poll(), expected) {
                (std::task::Poll::Ready(Ok(permit)), Some(Ok(()))) => {
                    self.permits.insert(name, permit);
                }
                (std::task::Poll::Ready(Err(refused)), Some(Err(reason))) => {
                    assert_eq!(refused.reason(), reason);
                }
                (std::task::Poll::Pending, None) => {
                    self.waits.insert(name, waiting);
                }
                (polled, expected) => panic!("{name}: {polled:?} and not {expected:?}"),
            }
        }
    }

    fn leave_flight(&mut self, name: usize) {
        let at = self.plain.in_flight.iter().position(|each| each.name == name);
        self.plain.in_flight.remove(at.expect("it is in flight"));
        self.go_on();
    }

    fn go_on(&mut self) {
        while self.plain.next(clock::now()).is_some() {}
    }

    fn check(&self) {
        let (gate, plain) = (&self.gate, &self.plain);
        assert_eq!(gate.limit() as u64, plain.limit());
        assert_eq!(gate.in_flight(), plain.in_flight.len());
        assert_eq!(gate.waiting(), plain.list.waiting.len());
        for priority in Priority::ALL {
            assert_eq!(gate.waiting_from(priority), plain.list.len_from(priority));
        }
        assert_eq!(gate.is_idle(), plain.in_flight.is_empty() && plain.list.waiting.is_empty());
        assert_eq!(gate.only_reports(), self.report_only);
        let full = gate.waiting() > 0 || gate.in_flight() >= gate.limit();
        assert_eq!(gate.is_full(), full);
        let snapshot = gate.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.waiting), (gate.in_flight(), gate.waiting()));
        // What is said of all this, in one line: room and somebody for it never meet.
        assert!(plain.list.waiting.iter().all(|each| !plain.has_room(&each.class)));
    }
}

proptest! {
    #[test]
    fn the_gate_is_its_two_lists_and_whoever_waits_and_has_room_goes_in(
        limit in 0..6_usize,
        queue in 0..6_usize,
        steps in steps(),
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        runtime.expect("a runtime is to be had").block_on(async {
            let mut trial = Trial::new(limit, queue);
            for (name, step) in steps.into_iter().enumerate() {
                trial.step(name, step).await;
                trial.check();
            }
            trial.waits.clear();
            trial.permits.clear();
            assert!(trial.gate.is_idle());
        });
    }
}
