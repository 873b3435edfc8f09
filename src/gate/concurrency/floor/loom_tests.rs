//! No order of events loses a place or a wake-up.
//!
//! `cargo rustc --lib --profile bench -- --cfg brownout_loom` builds the program that has them;
//! they are those with `loom` in their names.

use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::*;
use crate::{class::Priority, control::room::Headroom, sync::model};

/// A floor, and how many have been let in to it, at once or after a wait.
struct Trial {
    floor: Floor<()>,
    admitted: AtomicUsize,
    now: Instant,
}

impl Trial {
    fn new(limit: f64) -> Arc<Self> {
        let headroom = Headroom::new(0.0);
        let rules = Rules { headroom, queue: 9, max_wait: Duration::from_secs(1) };
        let (floor, admitted) = (Floor::new(limit, 0.0, rules), AtomicUsize::new(0));
        Arc::new(Self { floor, admitted, now: Instant::now() })
    }

    fn enter(&self, class: &Class) -> Option<Ticket> {
        if self.floor.admits_at_once(class) {
            self.count();
            return None;
        }
        match self.floor.enter(class, self.now, |_| ()) {
            Answer::Admitted => self.count(),
            Answer::Not(Entered::Waiting(ticket)) => return Some(ticket),
            Answer::Not(other) => panic!("there is room in the queue: {other:?}"),
        }
        None
    }

    fn count(&self) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    fn free(&self, cost: Cost) {
        let freed = match is_usual(cost) {
            true => self.floor.count.free(),
            false => self.floor.free_dear(cost),
        };
        if freed {
            self.admit_waiting();
        }
    }

    fn admit_waiting(&self) {
        while self.floor.admit_first(self.now).is_some() {
            self.count();
        }
    }

    /// Who has been let in, who is in flight, who waits.
    fn counts(&self) -> (usize, usize, usize) {
        let admitted = self.admitted.load(Ordering::Relaxed);
        (admitted, self.floor.in_flight(), self.floor.waiting())
    }
}

fn spawn<R>(
    trial: &Arc<Trial>,
    what: impl FnOnce(&Trial) -> R + Send + 'static,
) -> thread::JoinHandle<()> {
    let trial = trial.clone();
    thread::spawn(move || {
        let _ = what(&trial);
    })
}

fn all(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("it ends well"));
}

const NORMAL: Priority = Priority::Normal;

#[test]
fn loom_who_comes_while_one_leaves_is_let_in() {
    model(|| {
        let trial = Trial::new(1.0);
        assert!(trial.enter(&NORMAL.into()).is_none());
        all([
            spawn(&trial, |trial| trial.enter(&NORMAL.into())),
            spawn(&trial, |trial| trial.free(Cost::USUAL)),
        ]);
        assert_eq!(trial.counts(), (2, 1, 0));
        assert_eq!(trial.floor.take_usage().peak, 1);
    });
}

#[test]
fn loom_two_come_while_one_leaves_and_one_of_them_waits() {
    model(|| {
        let trial = Trial::new(1.0);
        assert!(trial.enter(&NORMAL.into()).is_none());
        all([
            spawn(&trial, |trial| trial.enter(&NORMAL.into())),
            spawn(&trial, |trial| trial.enter(&Priority::Bulk.into())),
            spawn(&trial, |trial| trial.free(Cost::USUAL)),
        ]);
        assert_eq!(trial.counts(), (2, 1, 1));
        trial.free(Cost::USUAL);
        assert_eq!(trial.counts(), (3, 1, 0));
    });
}

#[test]
fn loom_a_risen_limit_is_felt_by_all_who_come() {
    model(|| {
        let trial = Trial::new(0.0);
        all([
            spawn(&trial, |trial| trial.enter(&NORMAL.into())),
            spawn(&trial, |trial| trial.enter(&NORMAL.into())),
            spawn(&trial, |trial| {
                trial.floor.set_limit(2.0);
                trial.admit_waiting();
            }),
        ]);
        assert_eq!(trial.counts(), (2, 2, 0));
        assert_eq!(trial.floor.take_usage().peak, 2);
    });
}

#[test]
fn loom_a_fallen_limit_is_never_passed_by_who_comes_later() {
    model(|| {
        let trial = Trial::new(2.0);
        all([
            spawn(&trial, |trial| trial.enter(&NORMAL.into())),
            spawn(&trial, |trial| {
                trial.floor.set_limit(1.0);
                let ticket = trial.enter(&NORMAL.into());
                assert!(trial.floor.in_flight() == 1, "{ticket:?}");
            }),
        ]);
        let (admitted, in_flight, waiting) = trial.counts();
        assert_eq!((admitted, in_flight, admitted + waiting), (1, 1, 2));
    });
}

#[test]
fn loom_who_gives_up_leaves_nobody_stranded() {
    model(|| {
        let trial = Trial::new(1.0);
        assert!(trial.enter(&NORMAL.into()).is_none());
        let ticket = trial.enter(&NORMAL.into()).expect("there is no room");
        all([
            spawn(&trial, move |trial| {
                // Who was let in meanwhile hands the place on.
                if trial.floor.leave(ticket).is_none() {
                    trial.free(Cost::USUAL);
                }
            }),
            spawn(&trial, |trial| trial.free(Cost::USUAL)),
            spawn(&trial, |trial| trial.enter(&NORMAL.into())),
        ]);
        let (_, in_flight, waiting) = trial.counts();
        assert_eq!((in_flight, waiting), (1, 0), "who came last is in");
    });
}

#[test]
fn loom_a_dear_one_that_leaves_hands_on_its_place() {
    model(|| {
        let dear = Class::new(NORMAL).cost(8.0);
        let trial = Trial::new(1.0);
        assert!(trial.enter(&dear).is_none());
        all([
            spawn(&trial, |trial| trial.enter(&NORMAL.into())),
            spawn(&trial, move |trial| trial.free(dear.cost)),
        ]);
        assert_eq!(trial.counts(), (2, 1, 0));
    });
}

/// Who drains says so, and then looks who is there; who comes in looks after that.
fn drained_with(limit: f64) {
    model(move || {
        let (trial, drains) = (Trial::new(limit), Arc::new(AtomicBool::new(false)));
        let newcomer = {
            let (trial, drains) = (trial.clone(), drains.clone());
            thread::spawn(move || {
                trial.enter(&NORMAL.into());
                drains.load(Ordering::Relaxed)
            })
        };
        drains.store(true, Ordering::Relaxed);
        let is_idle = trial.floor.is_idle();
        let has_seen_it = newcomer.join().expect("it ends well");
        assert!(has_seen_it || !is_idle, "neither has seen the other");
    });
}

#[test]
fn loom_who_comes_in_past_a_drain_is_seen_by_it() {
    drained_with(1.0);
}

#[test]
fn loom_who_comes_to_wait_past_a_drain_is_seen_by_it() {
    drained_with(0.0);
}
