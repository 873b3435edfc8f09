//! The ratio of latencies: fast, common to all instances, and sometimes wrong.

use super::tally::View;

/// Pulls the limit towards the share of requests that a stretch stands for.
///
/// All instances that share a database feel the same stretch ρ. So each admits the share
///
/// ```text
/// φ = min(1, (ρ* / ρ)⁴)
/// ```
///
/// of what it is asked for, and thereby all the same, without a word between them. With
/// the share f that is admitted, in Δt seconds,
///
/// ```text
/// ln L ← ln L + T · Δt · clamp(ln(φ / f), −1, 1),   T = ((P − 0.02) / (P + 0.3))²
/// ```
///
/// where P is the doubt that the climb has left: whoever has seen what the database gives
/// at which limit needs no ratio. An instance that sees few queries a second is likely one
/// of several, and never pulled up.
///
/// ρ* is 1.85, about the stretch at the knee of a usual database. A ratio is wrong where
/// the baseline is, as on a slower disk. If the limit has halved and the work with it
/// (ρ fell by less than 0.4 of that), ρ* is what ρ is then; it returns with a time
/// constant of a minute, and at once when the database has room.
#[derive(Clone, Debug)]
pub(super) struct Ratio {
    reference: f64,
    /// ln ρ, averaged over some seconds.
    log_stretch: f64,
    /// The logarithms of the limit and the stretch at the last look back.
    anchor: Option<(f64, f64)>,
}

impl Default for Ratio {
    fn default() -> Self {
        Self { reference: REFERENCE, log_stretch: 0.0, anchor: None }
    }
}

impl Ratio {
    /// The database has room: the baselines are right.
    pub(super) fn trust(&mut self) {
        self.reference = REFERENCE;
    }

    /// This stretch is no reason for a lower limit.
    pub(super) fn accept(&mut self, stretch: f64) {
        self.reference = stretch.max(2.0);
    }

    /// The factor for the limit. `doubt` is the climb's, the variance P of ln L.
    pub(super) fn pull(&mut self, limit: f64, view: &View, doubt: f64) -> f64 {
        let back = (-view.span / MEMORY).exp();
        self.reference = REFERENCE + (self.reference - REFERENCE) * back;
        let due = (self.reference / view.stretch.max(self.reference)).powi(4);
        let most = if view.sees_much() { 1.0 } else { 0.0 };
        let off = (due / view.share()).ln().clamp(-1.0, most);
        let trust = ((doubt - SURE).max(0.0) / (doubt + MODEL)).powi(2);
        self.look_back(limit, view) * (trust * view.span * off).exp()
    }

    /// Has the stretch followed the limit? A factor that takes half of it back if not.
    fn look_back(&mut self, limit: f64, view: &View) -> f64 {
        let weight = (view.span / 3.0).min(1.0);
        self.log_stretch += weight * (view.stretch.max(LEAST).ln() - self.log_stretch);
        let here = (limit.ln(), self.log_stretch);
        let (limit_then, stretch_then) = *self.anchor.get_or_insert(here);
        let fell = limit_then - here.0;
        if (0.0..std::f64::consts::LN_2).contains(&fell) {
            return 1.0;
        }
        self.anchor = Some(here);
        if fell < 0.0 || stretch_then - here.1 > 0.4 * fell {
            return 1.0;
        }
        self.reference = self.reference.max(here.1.exp());
        std::f64::consts::SQRT_2
    }
}

/// The stretch at the knee of a usual database: 1.9 to 3.1 under the Universal
/// Scalability Law with 2 % contention and the knee at 5 to 60.
const REFERENCE: f64 = 1.85;
/// The time constant with which it returns, in seconds.
const MEMORY: f64 = 60.0;
/// A stretch that is as good as none, for its logarithm.
const LEAST: f64 = 0.01;
/// A doubt that needs no ratio.
const SURE: f64 = 0.02;
/// How sure a ratio is: the variance of ln L by it.
const MODEL: f64 = 0.3;

#[cfg(test)]
mod tests;
