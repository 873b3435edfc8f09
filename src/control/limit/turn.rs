//! Sudden turns: what to do before it is known what happened.

use std::time::{Duration, Instant};

use super::tally::View;

/// Cuts the limit when queries suddenly take much longer than usual, and looks whether
/// that was right.
///
/// With the stretch ρ, its relative standard error s, and the share o of queries that fail
/// by overload or whose callers give up:
///
/// ```text
/// ρ / (1 + 2s) > max(3 × the usual ρ, 2)    L ← L · max(½, 2/ρ), or max(0.3, …) if little is seen
/// o > max(10 %, 3 × the usual o)            L ← 0.7 L
/// ```
///
/// while somebody waits or nearly has to, then nothing for one latency. L is what was in
/// flight at most, if that is less than the limit. What is usual follows by at most 5 % a
/// window. With the work per second W and in flight N before and after, the response of
/// the cut is
///
/// ```text
/// e = ln(W₀/W) / ln(N₀/N)
/// ```
///
/// Well above 0.3, work went with the limit: the slowness is not of our making, and the
/// cut is undone. Below 0.3 with ρ still above 3, the next cut follows.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    usual_stretch: f64,
    usual_failed: f64,
    /// The mean latency, in seconds.
    usual_latency: f64,
    stalled: bool,
    cut: Option<Cut>,
    hold_until: Option<Instant>,
}

/// What was before a cut.
#[derive(Clone, Copy, Debug)]
struct Cut {
    limit: f64,
    view: View,
}

/// What a window says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// Nothing comes back.
    Stalled,
    /// Something comes back again; what this window tells is of the stall.
    Revived,
    /// The limit has to fall to this.
    Cut(f64),
    /// The last cut was wrong: back to this limit, at which the stretch was so much.
    Undo { limit: f64, stretch: f64 },
    /// The last cut was enough. A stretch, if the latency would not follow further.
    Enough(Option<f64>),
    /// All as usual.
    Usual,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            usual_stretch: 1.0,
            usual_failed: 0.0,
            usual_latency: 0.0,
            stalled: false,
            cut: None,
            hold_until: None,
        }
    }
}

impl Turn {
    /// The last cut has no effect yet.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.hold_until.is_some_and(|until| now < until)
    }

    /// The effect of a cut is being looked at.
    pub(super) fn is_on(&self) -> bool {
        self.cut.is_some()
    }

    /// A cut, and all the more the verdict on one, takes more than other decisions.
    pub(super) fn knows_enough(&self, limit: f64, view: &View) -> bool {
        match self.cut {
            Some(_) => view.error < 0.1 || view.span >= 2.0,
            None if self.is_sudden(limit, view) => view.error < 0.13 || view.span >= 1.0,
            None => true,
        }
    }

    pub(super) fn decide(&mut self, now: Instant, limit: f64, view: &View) -> Verdict {
        let verdict = self.verdict(now, limit, view);
        if view.count > 0 {
            self.usual_latency += 0.2 * (view.latency - self.usual_latency);
        }
        verdict
    }

    fn verdict(&mut self, now: Instant, limit: f64, view: &View) -> Verdict {
        let was_stalled = self.stalled;
        self.stalled = self.is_stalled(view);
        if self.stalled {
            self.cut = None;
            return Verdict::Stalled;
        }
        if was_stalled {
            self.usual_stretch = 1.0;
            return Verdict::Revived;
        }
        if self.fails_more_than_usual(view) && view.is_in_use(limit) {
            return self.cut(now, limit, view, 0.7);
        }
        if let Some(cut) = self.cut.take() {
            return self.judge(now, limit, view, &cut);
        }
        if self.is_sudden(limit, view) {
            return self.cut(now, limit, view, factor(view));
        }
        self.usual_stretch = view.stretch.clamp(1.0, 1.05 * self.usual_stretch);
        Verdict::Usual
    }

    /// Whether so much time has gone into queries that some should have come back, and
    /// none has.
    fn is_stalled(&self, view: &View) -> bool {
        view.finished == 0.0 && view.in_flight * view.span > SILENCE * self.usual_latency.max(0.1)
    }

    fn is_sudden(&self, limit: f64, view: &View) -> bool {
        let doubt = 1.0 + 2.0 * view.error;
        view.is_in_use(limit) && view.stretch > (SUDDEN * self.usual_stretch).max(TWICE) * doubt
    }

    /// A share of failures that stays, whatever the limit, is not of its making.
    fn fails_more_than_usual(&mut self, view: &View) -> bool {
        let usual = self.usual_failed;
        self.usual_failed += 0.05 * (view.failed - usual);
        view.failed > FAILED.max(SUDDEN * usual)
    }

    fn cut(&mut self, now: Instant, limit: f64, view: &View, factor: f64) -> Verdict {
        self.cut = Some(Cut { limit, view: *view });
        let latency = view.in_flight * view.span / view.finished.max(1.0);
        self.hold_until = Some(now + Duration::from_secs_f64(latency.min(1.0)));
        Verdict::Cut(limit.min(view.usage.peak as f64) * factor)
    }

    fn judge(&mut self, now: Instant, limit: f64, view: &View, cut: &Cut) -> Verdict {
        let fell = (cut.view.in_flight / view.in_flight.max(1e-3)).ln().max(0.1);
        let response = (cut.view.rate / view.rate.max(1e-9)).ln() / fell;
        let doubt = 2.0 * view.error.hypot(cut.view.error) / fell;
        let sure = doubt < 0.6;
        self.usual_stretch = view.stretch.max(1.0);
        if sure && response - doubt > FOLLOWS {
            self.usual_stretch = cut.view.stretch.max(1.0);
            Verdict::Undo { limit: cut.limit, stretch: cut.view.stretch }
        } else if response < FOLLOWS && view.stretch > 1.5 * TWICE && !(sure && response > 0.2) {
            self.cut(now, limit, view, factor(view))
        } else {
            let follows = sure && view.sees_much() && response > 0.2;
            Verdict::Enough(follows.then_some(view.stretch))
        }
    }
}

/// One that sees little takes long to see what a cut did, so it has to be a large one.
fn factor(view: &View) -> f64 {
    (TWICE / view.stretch).max(if view.sees_much() { 0.5 } else { 0.3 })
}

/// Queries that should have come back before their silence is a stall.
const SILENCE: f64 = 10.0;
/// Times the usual that are a sudden turn.
const SUDDEN: f64 = 3.0;
/// A stretch that no turn is below.
const TWICE: f64 = 2.0;
const FAILED: f64 = 0.1;
/// The response above which work follows the limit.
const FOLLOWS: f64 = 0.3;

#[cfg(test)]
mod tests;
