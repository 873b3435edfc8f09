//! What one customer wants and when: drawn before a run begins.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use crate::mix::Route;
use crate::popularity::{POPULAR_PRODUCTS, POPULAR_SEARCHES, Popularity, phrase, rare_phrase};
use crate::timeline::{Phase, Timeline};

/// One customer's request, the same over its retries.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    /// Intended arrival, counted from the start of the run.
    pub(crate) at: Duration,
    pub(crate) route: Route,
    pub(crate) path: String,
    /// The client-made id of a checkout.
    pub(crate) order: Option<String>,
    /// Factors of the waits before the retries.
    pub(crate) jitter: [f64; 2],
}

/// Draws errands: what, from how many products, for which run.
#[derive(Debug)]
pub(crate) struct Errands {
    rng: StdRng,
    products: i64,
    wanted_products: Popularity,
    wanted_searches: Popularity,
    /// Begins every order id, so that no two runs share one.
    run: String,
    drawn: u64,
}

impl Errands {
    pub(crate) fn new(rng: StdRng, products: i64, run: impl Into<String>) -> Self {
        Self {
            rng,
            products,
            wanted_products: Popularity::among(POPULAR_PRODUCTS),
            wanted_searches: Popularity::among(POPULAR_SEARCHES),
            run: run.into(),
            drawn: 0,
        }
    }

    /// One errand to a given route.
    pub(crate) fn to(&mut self, route: Route, at: Duration) -> Errand {
        let path = match route {
            Route::Health => "/health".to_owned(),
            Route::Home => "/".to_owned(),
            Route::Product => product_page(self.product()),
            Route::Search => search_page(&self.search()),
            Route::Checkout => "/checkout".to_owned(),
            Route::Review => format!("/reviews/{}", self.product()),
            Route::View => format!("/views/{}", self.product()),
        };
        self.errand(route, path, at)
    }

    /// Each page that many want, once.
    pub(crate) fn popular(&mut self) -> Vec<Errand> {
        let products = (1..=POPULAR_PRODUCTS as i64).map(|id| (Route::Product, product_page(id)));
        let searches = (0..POPULAR_SEARCHES).map(|nth| (Route::Search, search_page(&phrase(nth))));
        let pages = products.chain(searches);
        pages.map(|(route, path)| self.errand(route, path, Duration::ZERO)).collect()
    }

    fn product(&mut self) -> i64 {
        match self.wanted_products.draw(&mut self.rng) {
            Some(nth) => nth as i64 + 1,
            None => self.rng.random_range(1..=self.products),
        }
    }

    fn search(&mut self) -> String {
        match self.wanted_searches.draw(&mut self.rng) {
            Some(nth) => phrase(nth),
            None => rare_phrase(&mut self.rng),
        }
    }

    fn errand(&mut self, route: Route, path: String, at: Duration) -> Errand {
        self.drawn += 1;
        let order = (route == Route::Checkout).then(|| format!("{}-{}", self.run, self.drawn));
        Errand {
            at,
            route,
            path,
            order,
            jitter: [self.rng.random_range(0.5..1.5), self.rng.random_range(0.5..1.5)],
        }
    }

    /// Poisson arrivals of a whole run; `sustained` is in requests per second.
    pub(crate) fn schedule(&mut self, timeline: &Timeline, sustained: f64) -> Vec<Errand> {
        let mut errands = Vec::new();
        for phase in Phase::ALL {
            let (start, end) = timeline.span(phase);
            let rate = sustained * timeline.factor(phase);
            let mut at = start + self.pause(rate);
            // Without memory, so each phase may draw its first arrival anew.
            while at < end {
                let route = Route::draw(&mut self.rng);
                errands.push(self.to(route, at));
                at += self.pause(rate);
            }
        }
        errands
    }

    pub(crate) fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    fn pause(&mut self, rate: f64) -> Duration {
        let uniform: f64 = self.rng.random();
        Duration::from_secs_f64(-(1.0 - uniform).ln() / rate)
    }
}

fn product_page(id: i64) -> String {
    format!("/products/{id}")
}

fn search_page(words: &str) -> String {
    format!("/search?q={}", words.replace(' ', "+"))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn arrivals_follow_the_rates_in_order() {
        let timeline = Timeline {
            calm: Duration::from_secs(100),
            surge: Duration::from_secs(100),
            recovery: Duration::from_secs(100),
            surge_factor: 5.0,
        };
        let schedule = Errands::new(StdRng::seed_from_u64(3), 10, "r").schedule(&timeline, 40.0);
        let count = |phase| schedule.iter().filter(|e| timeline.phase(e.at) == phase).count();
        assert!(schedule.is_sorted_by_key(|errand| errand.at));
        assert!((1_800..2_200).contains(&count(Phase::Calm)));
        assert!((19_000..21_000).contains(&count(Phase::Surge)));
        assert!((1_800..2_200).contains(&count(Phase::Recovery)));
    }

    #[test]
    fn every_checkout_has_an_id_of_its_own() {
        let mut errands = Errands::new(StdRng::seed_from_u64(3), 10, "r");
        let first = errands.to(Route::Checkout, Duration::ZERO).order;
        let second = errands.to(Route::Checkout, Duration::ZERO).order;
        assert!(first.is_some() && first != second);
        assert_eq!(errands.to(Route::Search, Duration::ZERO).order, None);
    }
}
