//! The default limit: seeks the knee of the database's throughput.

use std::time::{Duration, Instant};

use super::{
    Insight, Limit, Usage,
    climb::{Climb, Seen},
    demand::Demand,
    ratio::Ratio,
    start::{ROOM, Start},
    tally::{Tally, View},
    target::Target,
    turn::{Turn, Verdict},
};
use crate::{config::InvalidConfig, control::baseline::Baselines, signal::Signal};

/// Lets in as much at once as gives more work done, and no more.
///
/// It asks two questions, one that cannot be fooled and one that is fast, and has a
/// reflex.
///
/// **Does more concurrency give more work?** While requests are refused, the limit L swings
/// a fifth up and a fifth down, and follows the elasticity of the work W per second:
///
/// ```text
/// e = ln(W₊/W₋) / ln(L₊/L₋),    ln L ← ln L + K (e − w) / 0.7,    w = 0.02 + 0.03 ln(L/2)
/// ```
///
/// with the gain K of a Kalman filter: large while little is known, small once the best
/// limit is; then it rests for three periods of four. Work is the sum of the finished
/// queries' baselines, so that a shift of the mix is not taken for a change of speed.
///
/// **How much longer do queries take than alone?** For the queries that came back, the
/// *stretch* ρ is the sum of their latencies over the sum of their baselines: 1 for an idle
/// database, about 2 at the knee of a usual one. All instances that share a database feel
/// the same, so until the first question is answered each admits the share (1.85/ρ)⁴ of
/// what it is asked for. A stretch that does not follow the limit is not believed.
///
/// **The reflex.** Queries that suddenly take three times what is usual, or fail, or are
/// given up while the limit is in use, cut it to 0.3 to 0.7 of what was in flight at most.
/// The next window undoes that if work fell with the limit.
///
/// It starts at 8 and doubles with every window that gives 1.4 times the work, once a
/// hundred queries have shown the baselines. While nobody waits it falls by a fifth a
/// second towards twice what is used, not below 2. Under load it may go down to ¼: below
/// one, requests take turns, and what overstays its turn is taken off.
///
/// Baselines rise only while the database has room (nothing is refused, hardly anybody
/// waits, less than 80 % of the limit is used at a stretch below 2), so an overload in
/// which requests are refused, however long, never becomes the normal. They fall
/// whenever queries are faster.
///
/// Windows last 250 ms and twice the latency of the longer queries, with 40 queries, or
/// else 2 s. Half a swing is 0.8 s, or four times that as often as it takes to be four
/// latencies, by the wall clock.
///
/// # What it does not handle well
///
/// * An instance that sees fewer than some hundred queries a second is taken for one of
///   many: alone, it finds its limit in a minute rather than in seconds.
/// * Instances whose wall clocks differ by more than a tenth of a second take from each
///   other. One that starts in the middle of an overload knows no baseline, and can hold
///   too large a share for minutes.
/// * A fleet whose database loses most of its speed keeps too low a limit until the
///   stretch is seen not to follow.
/// * Behind a hard pool, more concurrency costs no work, only latency: set
///   `ConcurrencyLimit::max` to the pool's size, or a [`target`](Self::target).
/// * It was tried with one query per request.
/// * A partial stall, as of one locked table, shows only when those queries come back.
///
/// # Sources
///
/// Gunther, *Universal Scalability Law* (1993), for the knee; Krstić and Wang (2000) for
/// extremum seeking; Kalman (1960) for the gain; Brakmo and Peterson, *TCP Vegas* (1995),
/// for the baseline. The question is that of Cho et al., *Protego* (2023).
#[derive(Clone, Debug)]
pub struct Knee {
    limit: f64,
    target: Target,
    baselines: Baselines,
    window: Tally,
    climb: Climb,
    ratio: Ratio,
    turn: Turn,
    start: Start,
    demand: Demand,
    /// Refused since the last step of the climb.
    refused: u64,
    /// That of the last window.
    stretch: Option<f64>,
    decision: &'static str,
}

impl Default for Knee {
    fn default() -> Self {
        Self {
            limit: START,
            target: Target::default(),
            baselines: Baselines::default(),
            window: Tally::default(),
            climb: Climb::default(),
            ratio: Ratio::default(),
            turn: Turn::default(),
            start: Start::default(),
            demand: Demand::default(),
            refused: 0,
            stretch: None,
            decision: "starts",
        }
    }
}

impl Knee {
    /// A latency that the mean query shall not exceed: while requests are refused, each
    /// step takes the limit towards what keeps it, as long as less concurrency costs little
    /// work. Default: none, for what a database does best may take longer than you would
    /// think. Set it well above the latency alone.
    ///
    /// ```
    /// use std::time::Duration;
    /// use brownout::{ConcurrencyLimit, limit::Knee};
    ///
    /// let limit = Knee::default().target(Duration::from_millis(200))?;
    /// let gate = ConcurrencyLimit::new().algorithm(limit).gate()?;
    /// # let _ = gate;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] unless it is from 1 µs to 1 h.
    pub fn target(self, latency: Duration) -> Result<Self, InvalidConfig> {
        Ok(Self { target: Target::new(latency)?, ..self })
    }
}

impl Limit for Knee {
    fn limit(&self) -> f64 {
        (self.meant() - self.demand.spill()).max(0.0)
    }

    fn update(&mut self, signal: &Signal, usage: &Usage) {
        self.demand.notice(signal, usage);
        if self.turn.holds(signal.at) {
            return;
        }
        let meant = self.meant();
        self.demand.follow_spill(signal, usage, meant);
        self.climb(signal, usage);
        self.window.add(signal, usage);
        let (least, queries) = if self.start.is_on() { self.at_start() } else { USUAL };
        if self.window.is_complete(least, queries) {
            self.close(signal.at);
        }
    }

    fn insight(&self) -> Insight {
        Insight {
            decision: self.decision,
            stretch: self.stretch,
            elasticity: self.climb.elasticity(),
            baselines: self.baselines.all().collect(),
        }
    }
}

impl Knee {
    fn meant(&self) -> f64 {
        if self.swings() { self.climb.swing(self.limit) } else { self.limit }
    }

    fn swings(&self) -> bool {
        !self.start.is_on() && self.demand.is_bound() && !self.turn.is_on()
    }

    fn at_start(&self) -> (Duration, f64) {
        (Duration::from_millis(100), (2.0 * self.limit).min(USUAL.1))
    }

    fn climb(&mut self, signal: &Signal, usage: &Usage) {
        if !self.swings() {
            self.climb.restart();
            return;
        }
        let work = self.baselines.work(&signal.statements);
        let binds = usage.waited + usage.refused > 0;
        self.refused += usage.refused;
        let seen = Seen { wall: signal.wall, span: signal.span, work, binds };
        let Some(next) = self.climb.add(self.limit, &seen) else { return };
        if std::mem::take(&mut self.refused) == 0 {
            // A limit that refuses nobody was not tested.
            self.climb.doubt();
            self.start.again();
        } else {
            let most = self.target.most(self.limit, self.climb.elasticity());
            self.set(next.min(most), "follows the work that it gives");
        }
    }

    /// The window is over, unless more is needed to be sure.
    fn close(&mut self, now: Instant) {
        let work = self.baselines.work(self.window.statements());
        let view = self.window.view(&work);
        if !self.turn.knows_enough(self.limit, &view) {
            return;
        }
        self.stretch = (view.count > 0).then_some(view.stretch);
        match self.turn.decide(now, self.limit, &view) {
            Verdict::Stalled => self.set(self.limit.min(FEW), "nothing comes back"),
            Verdict::Revived => self.start.again(),
            Verdict::Cut(limit) => self.cut(limit),
            Verdict::Undo { limit, stretch } => {
                self.climb.doubt();
                self.ratio.accept(stretch);
                self.set(limit, "undoes a cut that cost work");
            }
            Verdict::Enough(stretch) => {
                self.climb.doubt();
                stretch.into_iter().for_each(|stretch| self.ratio.accept(stretch));
            }
            Verdict::Usual => self.adjust(&view),
        }
        self.learn(&view);
        self.window = Tally::default();
    }

    fn cut(&mut self, limit: f64) {
        self.start.stop();
        self.climb.doubt();
        self.set(limit, "cuts: queries are suddenly slow or fail");
    }

    fn adjust(&mut self, view: &View) {
        self.target.notice(view);
        if view.usage.refused > 0 && self.start.is_on() {
            self.go_on_starting(view);
        } else if view.waits() {
            let idle = view.stretch < UNLOADED && view.usage.refused > 0;
            let factor = match (self.baselines.are_known(), idle) {
                (true, true) => 1.25 * self.pull(view),
                (true, false) => self.pull(view),
                (false, true) if self.limit < START => 1.5,
                (false, _) => 1.0,
            };
            if factor != 1.0 {
                self.set(self.limit * factor, "follows the stretch of the latency");
            }
        } else if !self.demand.is_bound() {
            self.follow_need(view);
        }
    }

    fn pull(&mut self, view: &View) -> f64 {
        self.ratio.pull(self.limit, view, self.climb.doubt_left())
    }

    fn go_on_starting(&mut self, view: &View) {
        self.climb.restart();
        let knows = !self.target.is_missed() && (self.baselines.are_known() || self.limit < START);
        if self.start.doubles(view, knows) {
            self.set(2.0 * self.limit, "starts");
        }
    }

    fn follow_need(&mut self, view: &View) {
        self.ratio.trust();
        let enough = self.demand.twice().max(FEW);
        let slowly = self.limit * 0.8_f64.powf(view.span);
        let least = if view.stretch < ROOM { FEW } else { FLOOR };
        self.set(self.limit.min(slowly.max(enough)).max(least), "follows what is used");
    }

    fn set(&mut self, limit: f64, decision: &'static str) {
        self.limit = limit.clamp(FLOOR, CEILING);
        self.decision = decision;
    }

    fn learn(&mut self, view: &View) {
        let calm = view.usage.refused == 0 && 10.0 * view.usage.waited as f64 <= view.admitted();
        let unloaded = view.stretch < ROOM * (1.0 + 2.0 * view.error);
        let room = calm && unloaded && view.requests_in_flight() < 0.8 * self.limit;
        if room {
            self.baselines.follow(self.window.statements());
        } else {
            self.baselines.drop_to(self.window.statements());
        }
    }
}

const START: f64 = 8.0;
/// The limit in a stall, and the least of an idle service.
const FEW: f64 = 2.0;
const FLOOR: f64 = 0.25;
/// Far above any database; the gate has its own bounds.
const CEILING: f64 = 100_000.0;
/// The stretch below which a database certainly has room.
const UNLOADED: f64 = 1.3;
/// The least length of a window and the queries in it.
const USUAL: (Duration, f64) = (Duration::from_millis(250), 40.0);

#[cfg(test)]
mod equation_tests;
#[cfg(test)]
mod tests;
