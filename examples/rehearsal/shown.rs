//! How it goes, at the terminal.

use std::time::Duration;

use tokio::sync::oneshot::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::load::Load;
use crate::schedule::Stretch;
use crate::tally::Tally;
use crate::watching::progress::Progress;

/// A bar that moves until it is ended.
#[derive(Debug)]
pub(crate) struct Shown {
    over: Sender<()>,
    task: JoinHandle<()>,
}

const REFRESH: Duration = Duration::from_millis(200);

impl Shown {
    pub(crate) fn begin(load: &Load, tally: &Tally, what: &str, stretches: &[Stretch]) -> Self {
        let length = stretches.last().map_or(Duration::ZERO, |last| last.end);
        let progress = Progress::begin(what, length);
        let (over, ended) = channel();
        let task =
            tokio::spawn(show(progress, load.clone(), tally.clone(), stretches.to_vec(), ended));
        Self { over, task }
    }

    pub(crate) async fn end(self) {
        // If it ended by a panic, that is no reason to lose what was measured.
        let _ = self.over.send(());
        let _ = self.task.await;
    }
}

async fn show(
    mut progress: Progress,
    load: Load,
    tally: Tally,
    stretches: Vec<Stretch>,
    mut ended: Receiver<()>,
) {
    let (mut known, mut refresh) = (0, interval(REFRESH));
    refresh.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = refresh.tick() => {}
            _ = &mut ended => break,
        }
        let fresh = tally.after(known);
        known += fresh.len();
        fresh.iter().for_each(|exchange| progress.note(exchange.kind.is_useful()));
        let at = load.elapsed();
        let now = stretches.iter().find(|stretch| stretch.holds(at));
        progress.tick(at, now.map_or("the rest", |stretch| stretch.name.as_str()));
    }
    progress.end();
}
