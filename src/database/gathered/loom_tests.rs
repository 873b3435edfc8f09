//! No order of events loses what was noted, or shows an end before its start.

use loom::{sync::Arc, thread};

use super::*;
use crate::sync::model;

/// Queries that started, and that ended.
type Counts = (usize, usize);
type Trial = Arc<Gathered<Counts, Counts>>;

fn trial() -> Trial {
    Arc::new(Gathered::new((0, 0), || (0, 0)))
}

fn start(trial: &Trial) {
    trial.own().0 += 1;
}

fn end(trial: &Trial) {
    trial.own().1 += 1;
}

/// What was noted since the last time.
fn take(trial: &Trial) -> Counts {
    let mut figures = trial.all(|figures, notes| {
        let (started, ended) = std::mem::take(notes);
        *figures = (figures.0 + started, figures.1 + ended);
    });
    std::mem::take(&mut *figures)
}

fn spawn<R: 'static>(trial: &Trial, what: fn(&Trial) -> R) -> thread::JoinHandle<R> {
    let trial = trial.clone();
    thread::spawn(move || what(&trial))
}

fn joined<R>(thread: thread::JoinHandle<R>) -> R {
    thread.join().expect("it ends well")
}

#[test]
fn loom_the_end_of_a_query_is_never_seen_without_its_start() {
    model(|| {
        let trial = trial();
        let looks = spawn(&trial, take);
        // Started by one thread and ended by another, as by a task that moves.
        joined(spawn(&trial, start));
        let ends = spawn(&trial, end);
        let seen = joined(looks);
        assert!(seen.1 <= seen.0, "{seen:?}");
        joined(ends);
        let rest = take(&trial);
        assert_eq!((seen.0 + rest.0, seen.1 + rest.1), (1, 1));
    });
}

#[test]
fn loom_what_is_noted_while_it_is_gathered_is_in_this_time_or_the_next() {
    model(|| {
        let trial = trial();
        let writers = [0; 2].map(|_| {
            spawn(&trial, |trial| {
                start(trial);
                end(trial);
            })
        });
        let seen = take(&trial);
        assert!(seen.1 <= seen.0, "{seen:?}");
        writers.into_iter().for_each(joined);
        let rest = take(&trial);
        assert_eq!((seen.0 + rest.0, seen.1 + rest.1), (2, 2));
    });
}

#[test]
fn loom_who_hands_over_its_own_meets_who_gathers_all_and_nobody_waits_for_ever() {
    model(|| {
        let trial = trial();
        let hands_over = spawn(&trial, |trial| {
            start(trial);
            trial.take_over_own(|figures, notes| figures.0 += std::mem::take(&mut notes.0));
        });
        let tells = spawn(&trial, |trial| {
            let figures = trial.all(|_, _| ());
            trial.tell(&figures, |_, notes| notes.1 += 1);
        });
        joined(hands_over);
        joined(tells);
        assert_eq!(take(&trial), (1, 2), "each of the two notes was told");
    });
}
