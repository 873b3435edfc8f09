//! How much of what is optional is left out.
//!
//! After Klein et al., *Brownout: Building More Robust Cloud Applications* (ICSE 2014): the
//! dimmer θ, the share of optional work that is done, moves so that a measure of the load
//! comes to a set-point. There it is a response time t, and θ moves by (1 − p)/α of the
//! error, with α ≈ t/θ learned. With that α put in, θ moves in proportion to itself, which is
//! how it is written here, with a part that follows at once:
//!
//! ```text
//! x = ln(strain), smoothed over 0.3 s, from −ln 4 to ln 4
//! e = what of x is beyond −0.3 or 0.3
//! −ln θ = S + P e,    dS/dt = K e |e|,    S ≥ 0,    K = 1/s, P = 0.3
//! ```
//!
//! So the elasticity of the work to θ is less than one, however much of the work is
//! optional, and nothing has to be learned. What arrives beyond what is done adds up in the
//! queue, which integrates; a second integral alone would swing for ever, hence P. Within a
//! third of the set-point most of what is seen is chance, so there it stays where it is: in a
//! steady overload, 5 to 15 % of the clients see their page change each second. The square makes
//! it slow near that, and fast far off: from all to nothing in three to four seconds.
//!
//! The limit bounds latency here, so what is measured is the pressure on it:
//!
//! ```text
//! pressure = wanted / (1.4 L + 0.022 s · μ) / share of the important that is served
//! strain = max(pressure / set-point, ill share / 0.1)
//! ```
//!
//! with μ admitted a second. At the usual set-point of 0.8 that is the limit L, an eighth of
//! it and what is done in 18 ms: *a short queue*. Less would be wrong: a limit that nobody waits
//! for is not tested, and one that starts at 8 is no measure of what the database can do. So
//! the level keeps a limit in use while that seeks its best, and whoever feeds the limit says
//! that something is left out ([`Usage::leaving_out`](super::limit::Usage)). Without that,
//! the level would hide the very refusals that make a limit grow.
//!
//! It leaves 0 only when the strain has been above 0.8 for 0.4 s: a burst fills a queue, and
//! only one that stands is a sign of overload (CoDel: Nichols and Jacobson, 2012). An open
//! circuit is level 1 at once.
//!
//! # What it does not handle
//!
//! * Bursts that take more than 0.4 s to work off are seen as what they are for that long.
//! * Where instances share a database, each has a level of its own. With a limit of a few
//!   places each, they may stand as far apart as 0 and 1, so that a client who goes from
//!   one to the other sees a change.
//! * It keeps a queue, in which the less important wait longest: with three fifths of the work
//!   optional and 1.5 times what can be done, a tenth of the sheddable is refused all the same.
//! * Between two signals nothing moves: after a pause, who comes first has to bring one.
//! * Near the capacity queues stand now and then by chance, and for those moments it dims: at
//!   0.95 of it 0.06 on average, and where eight instances share it 0.15.

use std::time::Instant;

use crate::event::Circuit;

/// What a database has to bear, since the last time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strain {
    /// Requests that may be in flight at once.
    pub(crate) limit: f64,
    /// Those that are in flight or wait, without the bulk.
    pub(crate) wanted: f64,
    /// Requests that were admitted.
    pub(crate) admitted: u64,
    /// Those of normal priority and above that were refused for load.
    pub(crate) refused: u64,
    /// Queries that came back.
    pub(crate) finished: u64,
    /// Those of them that were too slow, or failed for load.
    pub(crate) ill: u64,
    pub(crate) circuit: Circuit,
}

/// The level of one database: 0 leaves out nothing that is optional, 1 all.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// S, from 0 to `MOST`.
    sum: f64,
    /// −ln θ, from 0 to `MOST`.
    dimmed: f64,
    recent: Recent,
    /// The logarithm of the strain, smoothed.
    off: f64,
    /// For how long the strain has been high, in seconds.
    stood: f64,
    at: Instant,
}

/// What happened within the last half second or so.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    seconds: f64,
    admitted: f64,
    refused: f64,
    finished: f64,
    ill: f64,
}

impl Level {
    pub(crate) fn new(now: Instant) -> Self {
        let recent = Recent::default();
        Self { sum: 0.0, dimmed: 0.0, recent, off: -FAR, stood: 0.0, at: now }
    }

    /// From 0 to 1.
    pub(crate) fn get(&self) -> f64 {
        (1.0 - (-self.dimmed).exp()) / (1.0 - (-MOST).exp())
    }

    /// Moves it, about ten times a second. `set_point` is the pressure that is aimed at.
    pub(crate) fn update(&mut self, strain: &Strain, set_point: f64, now: Instant) -> f64 {
        let span = now.saturating_duration_since(self.at).as_secs_f64().max(LEAST_SPAN);
        self.at = now;
        self.recent.add(strain, span);
        let over = self.recent.over(strain, set_point);
        self.off += (1.0 - (-span / SMOOTHING).exp()) * (over.ln() - self.off);
        // A signal that spans a pause is one sample all the same.
        self.stood = if over > STANDS { self.stood + span.min(STANDS_FOR / 3.0) } else { 0.0 };
        if strain.circuit == Circuit::Open {
            (self.sum, self.dimmed) = (MOST, MOST);
        } else if self.dimmed > 0.0 || self.stood >= STANDS_FOR {
            self.follow(span);
        }
        self.get()
    }

    fn follow(&mut self, span: f64) {
        // Who was idle may come down at once, and has nothing to go up for.
        let span = if self.off > 0.0 { span.min(LONGEST_RISE) } else { span };
        let beyond = self.off - self.off.clamp(-BAND, BAND);
        let at_once = AT_ONCE * beyond;
        let most = (MOST - at_once).max(0.0);
        self.sum = (self.sum + GAIN * beyond * beyond.abs() * span).clamp(0.0, most);
        self.dimmed = (self.sum + at_once).clamp(0.0, MOST);
    }
}

impl Recent {
    fn add(&mut self, strain: &Strain, span: f64) {
        let keep = (-span / MEMORY).exp();
        let add = |sum: &mut f64, new: f64| *sum = *sum * keep + new;
        add(&mut self.seconds, span);
        add(&mut self.admitted, strain.admitted as f64);
        add(&mut self.refused, strain.refused as f64);
        add(&mut self.finished, strain.finished as f64);
        add(&mut self.ill, strain.ill as f64);
    }

    /// The strain: how far the worse of the two is over its set-point.
    fn over(&self, strain: &Strain, set_point: f64) -> f64 {
        let served = (self.admitted + 1.0) / (self.admitted + 1.0 + self.refused);
        let room = room(strain.limit, self.admitted / self.seconds);
        let pressure = strain.wanted / (room * served) / set_point.max(0.01);
        // A few that fail where hardly any come are no share.
        let ill = self.ill / (self.finished + FEW) / ILL;
        pressure.max(ill).max((-FAR).exp()).min(FAR.exp())
    }
}

/// What may be wanted at a pressure of 1, where so many are admitted a second.
pub(super) fn room(limit: f64, per_second: f64) -> f64 {
    PLACES * limit.max(1.0) + QUEUE * per_second
}

/// The gain K, per second.
const GAIN: f64 = 1.0;
/// The part P that follows at once.
const AT_ONCE: f64 = 0.3;
/// So near to its set-point, as a logarithm, a strain moves nothing.
const BAND: f64 = 0.3;
/// The farthest that a strain is seen to be off: ln 4.
const FAR: f64 = 1.386_294_361_119_890_6;
/// −ln θ at level 1: ln 16.
const MOST: f64 = 2.0 * FAR;
/// Over which the strain is smoothed, and how long what was counted is remembered, in
/// seconds.
const SMOOTHING: f64 = 0.3;
const MEMORY: f64 = 0.5;
/// The strain that has to last so long, in seconds, for the level to leave 0.
const STANDS: f64 = 0.8;
const STANDS_FOR: f64 = 0.4;
/// At a pressure of 1 so many times the limit is wanted, and what is done in this time, in
/// seconds.
const PLACES: f64 = 1.4;
const QUEUE: f64 = 0.022;
/// The share of slow and failed queries that is aimed at, with so many good ones put in.
pub(super) const ILL: f64 = 0.1;
const FEW: f64 = 5.0;
/// In seconds.
const LONGEST_RISE: f64 = 0.3;
const LEAST_SPAN: f64 = 1e-3;

#[cfg(test)]
mod tests;
