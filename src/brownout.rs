//! How degraded the service is, as one request sees it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::class::Key;

/// How degraded the service is, for one request: what is optional goes before anything is
/// refused, so that the rest is done in time (Klein et al., *Brownout: Building More Robust
/// Cloud Applications*, ICSE 2014).
///
/// ```
/// use brownout::{Brownout, Optional};
///
/// const RELATED: Optional = Optional::nth(1, 2); // goes first
/// const REVIEWS: Optional = Optional::nth(2, 2);
///
/// async fn product(brownout: Brownout) -> String {
///     let mut page = "a kettle".to_owned();
///     if brownout.serves(REVIEWS) {
///         page += ", reviewed";
///     }
///     if brownout.serves(RELATED) {
///         page += ", and what goes with it";
///     }
///     page
/// }
/// # let _ = product(Brownout::default());
/// ```
///
/// # Where it is
///
/// Behind an [`AdmissionLayer`](crate::AdmissionLayer):
///
/// | | |
/// |---|---|
/// | axum | an extractor that never fails, as above (feature `axum`) |
/// | any service of HTTP | in the extensions of the request, while the level is above 0: `request.extensions().get::<Brownout>().copied().unwrap_or_default()` |
/// | deep code, and Tower without HTTP | [`Brownout::current()`](Self::current), also while the body streams, and in tasks that are [`attributed`](crate::attributed) |
///
/// ```
/// # #[cfg(feature = "http")] {
/// # use brownout::{Brownout, Optional};
/// # const RELATED: Optional = Optional::nth(1, 1);
/// async fn handle(request: http::Request<()>) -> http::Response<&'static str> {
///     let brownout = request.extensions().get::<Brownout>().copied().unwrap_or_default();
///     let page = if brownout.serves(RELATED) { "a kettle, and more" } else { "a kettle" };
///     http::Response::new(page)
/// }
/// # let _ = handle(http::Request::new(()));
/// # }
/// ```
///
/// # Which level it is
///
/// That of the moment in which the request was admitted, after its wait if it had to wait, and
/// it stays for all of the request. It is the worst of the databases that the request needs; of
/// all that are protected where it needs none, or is exempt.
///
/// # Where nobody asks
///
/// Nothing can be left out before somebody in this process has asked a `Brownout`, by
/// [`serves`](Self::serves) or [`level`](Self::level). Until then the level is 0, whatever the
/// databases do, unless a circuit is open (that is level 1) or it is
/// [forced](crate::Admission::force_level). Everybody who can leave something out should
/// ask each time, not only when the service is degraded.
///
/// # Whose it is
///
/// One client gets the same at the same level, so that a page does not flicker: by
/// [`Class::key`](crate::Class::key), such as with
/// [`GateLayer::key`](crate::GateLayer::key). On several machines it does where
/// [`Key::seed_with`] is told the same. Requests without a key are decided each for
/// itself, but all of one request alike.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Brownout {
    level: f32,
    client: Client,
}

/// Where a client stands among all: who is further down loses what is optional earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Client {
    /// Nobody asked, since nothing is left out.
    #[default]
    Unknown,
    /// By chance, for one request.
    Drawn(u32),
    /// By its key.
    Keyed(u32),
}

impl Client {
    pub(crate) fn of(key: Key) -> Self {
        Self::Keyed((key.get() >> 32) as u32)
    }

    /// From 0 to less than 1.
    fn place(self) -> f32 {
        match self {
            Self::Unknown => 0.0,
            Self::Drawn(place) | Self::Keyed(place) => (place >> 8) as f32 / STEPS,
        }
    }

    /// A key tells more than chance, and that more than nothing.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Keyed(_), _) | (Self::Drawn(_), Self::Drawn(_) | Self::Unknown) => self,
            _ => other,
        }
    }
}

impl Brownout {
    pub(crate) fn new(level: f32, client: Client) -> Self {
        Self { level: level.clamp(0.0, 1.0), client }
    }

    /// How degraded: 0 is not at all, and at 1 nothing optional is served. To the nearest
    /// millionth.
    #[must_use]
    pub fn level(self) -> f64 {
        ask();
        self.told()
    }

    /// The level for whoever only shows it, and can leave nothing out.
    pub(crate) fn told(self) -> f64 {
        // Mostly there is nothing to round.
        if self.is_dim() { (f64::from(self.level) * 1e6).round() / 1e6 } else { 0.0 }
    }

    /// Whether anything is to be left out.
    pub(crate) fn is_dim(self) -> bool {
        self.level > 0.0
    }

    /// Whether to serve this. At level 0 everything is, at 1 nothing.
    #[must_use]
    pub fn serves(self, what: Optional) -> bool {
        ask();
        let until = what.first + self.client.place() * (what.last - what.first);
        self.level <= until && self.level < what.last
    }

    /// The worse of both, for the client of this one, if it is known.
    #[must_use]
    pub(crate) fn worse(self, outer: Self) -> Self {
        Self { level: self.level.max(outer.level), client: self.client.or(outer.client) }
    }
}

fn ask() {
    if !ASKED.load(Ordering::Relaxed) {
        ASKED.store(true, Ordering::Relaxed);
    }
}

/// Whether anybody has asked so far: where nobody does, nothing is left out.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// How much is left out at this level, from 0 to 1.
#[cfg(feature = "tower")]
pub(crate) fn left_out(level: f64) -> f64 {
    if is_asked() { level } else { 0.0 }
}

/// A request knows nothing of the gates that admitted it, so this is for all of them.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Something that a request can do without, and how soon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optional {
    /// The levels from which the first client loses it, and the last.
    first: f32,
    last: f32,
}

impl Optional {
    /// The one that goes as the `nth` of so many, from 1. Each goes for the first client
    /// when the one before has gone for the last.
    ///
    /// # Panics
    ///
    /// If it is none of them; in a `const`, that is an error of the compiler.
    #[must_use]
    pub const fn nth(nth: u8, of: u8) -> Self {
        assert!(nth >= 1 && nth <= of, "`nth` is from 1 to `of`");
        let of = of as f32;
        Self { first: (nth - 1) as f32 / of, last: nth as f32 / of }
    }
}

/// As many places as an `f32` tells apart below 1.
const STEPS: f32 = (1 << 24) as f32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(level: f32, place: u32) -> Brownout {
        Brownout::new(level, Client::Keyed(place))
    }

    proptest! {
        #[test]
        fn everything_is_served_at_0_and_nothing_at_1(
            place: u32, of in 1..=255_u8, nth in 1..=255_u8,
        ) {
            let what = Optional::nth(nth.min(of), of);
            prop_assert!(at(0.0, place).serves(what));
            prop_assert!(!at(1.0, place).serves(what));
        }

        #[test]
        fn what_is_gone_at_a_level_is_gone_at_a_higher_one_with_all_that_goes_before(
            level in 0.0..=1.0_f32, more in 0.0..=1.0_f32, place: u32,
        ) {
            let serves = |level, nth| at(level, place).serves(Optional::nth(nth, 3));
            for nth in 1..=3 {
                prop_assert!(serves(level, nth) || !serves(level + more, nth));
                prop_assert!(nth == 3 || serves(level, nth + 1) || !serves(level, nth));
            }
        }

        #[test]
        fn nobody_loses_the_next_before_all_have_lost_the_one_before(
            level in 0.0..=1.0_f32, places: [u32; 2],
        ) {
            let [one, other] = places.map(|place| at(level, place));
            let lost_second = !one.serves(Optional::nth(2, 3));
            prop_assert!(!lost_second || !other.serves(Optional::nth(1, 3)));
        }

        #[test]
        fn of_two_layers_the_worse_level_holds_for_the_client_that_is_known(
            levels in (0.0..=1.0_f32, 0.0..=1.0_f32), place: u32, chance: u32,
        ) {
            let (inner, outer) = levels;
            let worse = at(inner.max(outer), place);
            let drawn = Client::Drawn(chance);
            for client in [Client::Unknown, drawn, Client::Keyed(chance)] {
                prop_assert_eq!(at(inner, place).worse(Brownout::new(outer, client)), worse);
            }
            for client in [Client::Unknown, drawn] {
                prop_assert_eq!(Brownout::new(inner, client).worse(at(outer, place)), worse);
            }
        }
    }

    #[test]
    fn as_many_clients_lose_it_as_the_level_says() {
        let share = |level| {
            let clients = (0..1_000_u32).map(|client| at(level, client * (u32::MAX / 1_000)));
            clients.filter(|client| client.serves(Optional::nth(1, 2))).count() as f64 / 1_000.0
        };
        assert!((share(0.25) - 0.5).abs() < 0.01, "half of the first band");
        assert!((share(0.1) - 0.8).abs() < 0.01);
        assert!(share(0.5) < 0.01);
    }
}
