//! Who comes when: drawn before anything is sent.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::plan::Plan;
use crate::plan::phase::Shape;
use crate::plan::request::Request;

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Due {
    /// From the start of the rehearsal.
    pub(crate) at: Duration,
    /// Which one of the mix.
    pub(crate) request: usize,
    /// Decides all that is drawn for it.
    pub(crate) ticket: u64,
}

/// A time with one way for customers to come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) name: String,
    pub(crate) start: Duration,
    pub(crate) end: Duration,
    /// Requests per second at its end; on average, for bursts.
    pub(crate) rate: f64,
    pub(crate) arrivals: Arrivals,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arrivals {
    /// Each by himself; the rate goes evenly from this one to the stretch's.
    Single { from: f64 },
    /// All of this time at once.
    Together { every: Duration },
}

/// How customers come in it.
impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.arrivals {
            Arrivals::Single { from } if from == self.rate => write!(f, "at {:.0}/s", from),
            Arrivals::Single { from } => write!(f, "from {from:.0} to {:.0}/s", self.rate),
            Arrivals::Together { .. } => write!(f, "at {:.0}/s in bursts", self.rate),
        }
    }
}

impl Stretch {
    pub(crate) fn steady(name: String, start: Duration, length: Duration, rate: f64) -> Self {
        Self { name, start, end: start + length, rate, arrivals: Arrivals::Single { from: rate } }
    }

    pub(crate) fn holds(&self, at: Duration) -> bool {
        (self.start..self.end).contains(&at)
    }

    pub(crate) fn length(&self) -> Duration {
        self.end - self.start
    }

    /// How many come on average.
    pub(crate) fn expected(&self) -> f64 {
        let rate = match self.arrivals {
            Arrivals::Single { from } => (from + self.rate) / 2.0,
            Arrivals::Together { .. } => self.rate,
        };
        rate * self.length().as_secs_f64()
    }

    fn moments(&self, rng: &mut impl Rng) -> Vec<Duration> {
        match self.arrivals {
            Arrivals::Single { from } => self.singles(from, rng),
            Arrivals::Together { every } => self.bursts(every),
        }
    }

    /// A Poisson process whose rate changes evenly: one of rate 1, in the time in which
    /// customers are expected and not in that of the clock.
    fn singles(&self, from: f64, rng: &mut impl Rng) -> Vec<Duration> {
        let length = self.length().as_secs_f64();
        let expected = self.expected();
        let mut moments = Vec::with_capacity(expected as usize);
        let mut come = pause(rng);
        while come < expected {
            // So many are expected after t: from t + (rate - from) t² / 2 length. Solved for t
            // in the form that also stands a rate that stays.
            let bend = (self.rate - from) / length;
            let root = (from * from + 2.0 * bend * come).max(0.0).sqrt();
            let at = 2.0 * come / (from + root);
            moments.push(self.start + Duration::from_secs_f64(at.min(length)));
            come += pause(rng);
        }
        moments
    }

    fn bursts(&self, every: Duration) -> Vec<Duration> {
        let (mut moments, mut at, mut owed) = (Vec::new(), self.start, 0.0);
        while at < self.end {
            // What a burst has of a request is left to the next one.
            owed += self.rate * every.min(self.end - at).as_secs_f64();
            let now = (owed + ROUNDING).floor();
            moments.extend(std::iter::repeat_n(at, now as usize));
            owed -= now;
            at += every;
        }
        moments
    }
}

/// So that ten times a tenth is one.
const ROUNDING: f64 = 1e-9;

fn pause(rng: &mut impl Rng) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

/// The plan's phases, one after the other.
pub(crate) fn stretches(plan: &Plan) -> Vec<Stretch> {
    let (mut start, mut before) = (Duration::ZERO, 0.0);
    let mut stretches = Vec::new();
    for phase in &plan.phases {
        let (rate, end) = (phase.rate(plan.base_rate), start + phase.length);
        let arrivals = match phase.shape {
            Shape::Steady => Arrivals::Single { from: rate },
            Shape::Ramp => Arrivals::Single { from: before },
            Shape::Burst => Arrivals::Together { every: phase.every() },
        };
        stretches.push(Stretch { name: phase.name.clone(), start, end, rate, arrivals });
        (start, before) = (end, rate);
    }
    stretches
}

/// Draws who comes, in the order of the time.
#[derive(Debug)]
pub(crate) struct Draw {
    rng: StdRng,
    /// The weights of all requests up to each.
    cumulative: Vec<f64>,
}

impl Draw {
    pub(crate) fn new(requests: &[Request], seed: u64) -> Self {
        let weights = requests.iter().scan(0.0, |sum, request| {
            *sum += request.weight;
            Some(*sum)
        });
        Self { rng: StdRng::seed_from_u64(seed), cumulative: weights.collect() }
    }

    pub(crate) fn stretch(&mut self, stretch: &Stretch) -> Vec<Due> {
        let moments = stretch.moments(&mut self.rng);
        moments.into_iter().map(|at| self.due(at)).collect()
    }

    fn due(&mut self, at: Duration) -> Due {
        let whole = self.cumulative.last().copied().unwrap_or_default();
        let lot = self.rng.random::<f64>() * whole;
        let request = self.cumulative.partition_point(|sum| *sum <= lot);
        // A sum of floats may be a little less than its parts.
        let request = request.min(self.cumulative.len() - 1);
        Due { at, request, ticket: self.rng.random() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn plan(phases: &str) -> Plan {
        let mix = "base_rate = 100\n\
                   [[request]]\nname = \"a\"\nroute = \"/a\"\nweight = 3\n\
                   [[request]]\nname = \"b\"\nroute = \"/b\"\nweight = 1\n";
        Plan::parse(&format!("{mix}{phases}")).unwrap()
    }

    fn phase(name: &str, rest: &str) -> String {
        format!("[[phase]]\nname = \"{name}\"\nlength = \"100s\"\n{rest}\n")
    }

    fn drawn(stretch: &Stretch) -> Vec<Due> {
        Draw::new(&plan(&phase("any", "times = 1")).requests, 1).stretch(stretch)
    }

    #[test]
    fn phases_follow_each_other_and_ramps_begin_where_the_one_before_ended() {
        let ramp = phase("up", "times = 5\nshape = \"ramp\"");
        let down = phase("down", "rate = 0\nshape = \"ramp\"");
        let plan = plan(&[phase("calm", "times = 1"), ramp, down].concat());
        let stretches = stretches(&plan);
        let single = |from| Arrivals::Single { from };
        let arrivals: Vec<_> = stretches.iter().map(|own| (own.arrivals, own.rate)).collect();
        assert_eq!(
            arrivals,
            [(single(100.0), 100.0), (single(100.0), 500.0), (single(500.0), 0.0)]
        );
        assert!(stretches.windows(2).all(|pair| pair[0].end == pair[1].start));
        let expected: Vec<_> = stretches.iter().map(Stretch::expected).collect();
        assert_eq!(expected, [10_000.0, 30_000.0, 25_000.0]);
    }

    #[test]
    fn a_steady_stretch_has_its_rate_throughout() {
        let stretch = Stretch::steady("s".to_owned(), 5 * SECOND, 100 * SECOND, 100.0);
        let dues = drawn(&stretch);
        assert!(
            dues.is_sorted_by_key(|due| due.at) && dues.iter().all(|due| stretch.holds(due.at))
        );
        let early = dues.iter().filter(|due| due.at < 55 * SECOND).count();
        assert!((9_700..10_300).contains(&dues.len()) && (4_800..5_200).contains(&early));
    }

    #[test]
    fn a_ramp_has_a_quarter_of_its_customers_in_its_first_half() {
        for (from, to, early) in [(0.0, 200.0, 0.25), (200.0, 0.0, 0.75)] {
            let arrivals = Arrivals::Single { from };
            let steady = Stretch::steady("s".to_owned(), SECOND, 100 * SECOND, to);
            let stretch = Stretch { arrivals, ..steady };
            let dues = drawn(&stretch);
            let seen = dues.iter().filter(|due| due.at < 51 * SECOND).count() as f64;
            assert!((9_700..10_300).contains(&dues.len()), "{}", dues.len());
            assert!((seen / dues.len() as f64 - early).abs() < 0.02, "{seen}");
            assert!(dues.iter().all(|due| due.at >= stretch.start && due.at <= stretch.end));
        }
    }

    #[test]
    fn bursts_come_all_at_once_and_lose_nothing() {
        let arrivals = Arrivals::Together { every: SECOND / 10 };
        let steady = Stretch::steady("s".to_owned(), SECOND, 10 * SECOND, 25.0);
        let dues = drawn(&Stretch { arrivals, ..steady });
        assert_eq!(dues.len(), 250);
        let at = |at| dues.iter().filter(|due| due.at == at).count();
        assert_eq!((at(SECOND), at(SECOND + SECOND / 10), at(SECOND + SECOND / 20)), (2, 3, 0));
    }

    #[test]
    fn the_mix_follows_the_weights_and_the_seed() {
        let stretch = Stretch::steady("s".to_owned(), Duration::ZERO, 100 * SECOND, 100.0);
        let dues = drawn(&stretch);
        let share = dues.iter().filter(|due| due.request == 0).count() as f64 / dues.len() as f64;
        assert!((share - 0.75).abs() < 0.02, "{share}");
        assert_eq!(dues, drawn(&stretch));
    }

    #[test]
    fn nobody_comes_at_rate_zero() {
        let stretch = Stretch::steady("s".to_owned(), Duration::ZERO, SECOND, 0.0);
        assert_eq!(drawn(&stretch), []);
    }
}
