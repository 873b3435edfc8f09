//! What one customer wants and when: drawn before a run begins.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::seed::{FIRST_ROWS, WORDS};

/// A route of the shop that customers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Health,
    Home,
    Product,
    Search,
    Checkout,
}

impl Route {
    pub(crate) fn needs_database(self) -> bool {
        !matches!(self, Self::Health | Self::Home)
    }

    /// One route of the whole mix: 10 % health, 20 % home, 35 % products, 15 % searches
    /// and 20 % checkouts.
    fn draw(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..100) {
            0..10 => Self::Health,
            10..30 => Self::Home,
            30..65 => Self::Product,
            65..80 => Self::Search,
            _ => Self::Checkout,
        }
    }
}

/// One customer's request, the same over its retries.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    /// Intended arrival, counted from the start of the run.
    pub(crate) at: Duration,
    pub(crate) route: Route,
    pub(crate) path: String,
    /// The client-made id of a checkout.
    pub(crate) order: Option<String>,
}

/// What was asked for before the run: enough of each page for a guard to know whether it
/// needs the database. A shop that something happens to has been open for a while.
pub(crate) fn quiet_hours() -> Vec<Errand> {
    let mut rng = StdRng::seed_from_u64(2);
    let pages = [Route::Health, Route::Home, Route::Product].into_iter();
    let pages = pages.flat_map(|page| [page; 60]);
    let errand = |route| {
        let path = path(route, &mut rng);
        Errand { at: Duration::ZERO, route, path, order: None }
    };
    pages.map(errand).collect()
}

/// Poisson arrivals at `rate` per second until `end`; the same for every run of a name
/// but for its order ids.
pub(crate) fn schedule(run: &str, rate: f64, end: Duration) -> Vec<Errand> {
    arrivals(run, rate).take_while(|errand| errand.at < end).collect()
}

/// The same without an end, for those who have no room for all of them.
pub(crate) fn arrivals(run: &str, rate: f64) -> impl Iterator<Item = Errand> + use<> {
    let mut rng = StdRng::seed_from_u64(1);
    let run = run.to_owned();
    let mut at = Duration::ZERO;
    (0_usize..).map(move |number| {
        at += pause(&mut rng, rate);
        let route = Route::draw(&mut rng);
        let path = path(route, &mut rng);
        let order = (route == Route::Checkout).then(|| format!("{run}-{number}"));
        Errand { at, route, path, order }
    })
}

fn path(route: Route, rng: &mut impl Rng) -> String {
    match route {
        Route::Health => "/health".to_owned(),
        Route::Home => "/".to_owned(),
        Route::Product => format!("/product/{}", rng.random_range(1..=FIRST_ROWS)),
        Route::Search => format!("/search?q={}", WORDS[rng.random_range(0..WORDS.len())]),
        Route::Checkout => "/checkout".to_owned(),
    }
}

fn pause(rng: &mut impl Rng, rate: f64) -> Duration {
    let uniform: f64 = rng.random();
    Duration::from_secs_f64(-(1.0 - uniform).ln() / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_come_in_order_at_the_rate_and_each_checkout_has_an_id_of_its_own() {
        let errands = schedule("run", 200.0, Duration::from_secs(100));
        assert!(errands.is_sorted_by_key(|errand| errand.at));
        assert!((19_000..21_000).contains(&errands.len()));
        let ids: Vec<_> = errands.iter().filter_map(|errand| errand.order.as_deref()).collect();
        assert!((3_700..4_300).contains(&ids.len()));
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }
}
