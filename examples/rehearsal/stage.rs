//! A rehearsal from the first request to the last answer.

use std::sync::Arc;
use std::time::Duration;

use crate::knee::{Finding, Step};
use crate::load::{Load, Stop};
use crate::plan::Plan;
use crate::programme::{Climb, Programme};
use crate::schedule::{Draw, Due};
use crate::shown::Shown;
use crate::tally::{Seen, Tally};
use crate::target::Target;

/// A plan and whom it is for.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) plan: Arc<Plan>,
    pub(crate) target: Target,
    pub(crate) stop: Stop,
}

impl Stage {
    /// Sends all of a programme.
    pub(crate) async fn perform(&self, programme: Programme) -> Seen {
        let (load, tally) = self.begin();
        let shown = Shown::begin(&load, &tally, "rehearsing", &programme.stretches);
        let end = programme.length();
        let mut interrupted = load.send(programme.dues).await;
        if interrupted.is_none() {
            interrupted = load.wait_until(end).await;
        }
        load.settle().await;
        shown.end().await;
        Seen::new(programme.stretches, tally.after(0), interrupted)
    }

    /// Raises the rate from step to step until the service does not keep up.
    pub(crate) async fn climb(&self, climb: &Climb) -> (Seen, Finding) {
        let (load, tally) = self.begin();
        let shown = Shown::begin(&load, &tally, "the knee", &climb.whole());
        let mut draw = Draw::new(&self.plan.requests, self.plan.seed);
        let (mut stretches, mut offered) = (vec![climb.warm_up.clone()], Vec::new());
        let warm_up = draw.stretch(&climb.warm_up);
        let mut interrupted = send_until(&load, warm_up, climb.warm_up.end).await;
        for stretch in &climb.steps {
            if interrupted.is_some() {
                break;
            }
            let dues = draw.stretch(stretch);
            let come = dues.len();
            stretches.push(stretch.clone());
            offered.push(come);
            interrupted = send_until(&load, dues, stretch.end).await;
            if !Step::of(stretch, come, &tally.after(0)).keeps_up() {
                break;
            }
        }
        if interrupted.is_none() {
            let recovery = climb.recovery_after(stretches.last());
            interrupted = send_until(&load, draw.stretch(&recovery), recovery.end).await;
            stretches.push(recovery);
        }
        load.settle().await;
        shown.end().await;
        let seen = Seen::new(stretches, tally.after(0), interrupted);
        let steps = seen.stretches.iter().skip(1).zip(offered);
        let steps = steps.map(|(stretch, offered)| Step::of(stretch, offered, &seen.exchanges));
        let finding = Finding::of(&self.plan, &seen, steps.collect());
        (seen, finding)
    }

    fn begin(&self) -> (Load, Tally) {
        let tally = Tally::default();
        let (plan, target) = (Arc::clone(&self.plan), self.target.clone());
        (Load::start(plan, target, tally.clone(), self.stop.clone()), tally)
    }
}

async fn send_until(load: &Load, dues: Vec<Due>, end: Duration) -> Option<Duration> {
    match load.send(dues).await {
        None => load.wait_until(end).await,
        stopped => stopped,
    }
}
