//! What the customers ask for, and how much each answer matters.

use rand::Rng;

/// A route of the shop that customers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Route {
    Health,
    Home,
    Product,
    Search,
    Checkout,
    /// What a customer thinks of a product: a write that can be done without.
    Review,
    /// That a page was looked at, for the statistics: a write that nobody waits for.
    View,
}

impl Route {
    pub(crate) const ALL: [Self; 7] = [
        Self::Checkout,
        Self::Product,
        Self::Search,
        Self::Review,
        Self::View,
        Self::Home,
        Self::Health,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Home => "home",
            Self::Product => "product",
            Self::Search => "search",
            Self::Checkout => "checkout",
            Self::Review => "review",
            Self::View => "view",
        }
    }

    /// Its share of all requests, in per cent.
    pub(crate) fn share(self) -> u32 {
        match self {
            Self::Health => 4,
            Self::Home => 12,
            Self::Product => 35,
            Self::Search => 35,
            Self::Checkout => 10,
            Self::Review | Self::View => 2,
        }
    }

    /// What the protected run sheds last, and what first.
    pub(crate) fn priority(self) -> &'static str {
        match self {
            // Of normal priority, if it ever came to that.
            Self::Health | Self::Home => "no database",
            Self::Product => "normal",
            Self::Search | Self::Review => "sheddable",
            Self::Checkout => "critical",
            Self::View => "bulk",
        }
    }

    pub(crate) fn needs_database(self) -> bool {
        !matches!(self, Self::Health | Self::Home)
    }

    /// Whether the protected run may refuse it in the end.
    pub(crate) fn gives_way(self) -> bool {
        matches!(self, Self::Search | Self::Review | Self::View)
    }

    /// One route of the whole mix, by its share.
    pub(crate) fn draw(rng: &mut impl Rng) -> Self {
        let mut ticket = rng.random_range(0..100);
        for route in Self::ALL {
            if ticket < route.share() {
                return route;
            }
            ticket -= route.share();
        }
        unreachable!("the shares add up to 100")
    }
}

/// The database's part of the mix in its exact proportions, each route spread evenly.
///
/// Searches cost so much more than the rest that drawing each route by itself
/// would blur a short measurement.
pub(crate) fn database_deck(rng: &mut impl Rng) -> Vec<Route> {
    let mut deck = Vec::new();
    for route in Route::ALL.into_iter().filter(|route| route.needs_database()) {
        let share = route.share();
        let places =
            (0..share).map(|card| (f64::from(card) + rng.random::<f64>()) / f64::from(share));
        deck.extend(places.map(|place| (place, route)));
    }
    deck.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    deck.into_iter().map(|(_, route)| route).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn shares_add_up_to_the_whole() {
        assert_eq!(Route::ALL.iter().map(|route| route.share()).sum::<u32>(), 100);
    }

    #[test]
    fn draws_follow_the_shares() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut counts = std::collections::HashMap::new();
        for _ in 0..100_000 {
            *counts.entry(Route::draw(&mut rng)).or_insert(0_i64) += 1;
        }
        for route in Route::ALL {
            assert!((counts[&route] - i64::from(route.share()) * 1_000).abs() < 1_000);
        }
    }

    #[test]
    fn the_deck_keeps_the_proportions_and_leaves_out_what_needs_no_database() {
        let deck = database_deck(&mut StdRng::seed_from_u64(7));
        let count = |wanted| deck.iter().filter(|route| **route == wanted).count();
        assert_eq!(count(Route::Search), count(Route::Product));
        assert_eq!(count(Route::Search) * 2, count(Route::Checkout) * 7);
        assert_eq!(count(Route::Search), 35 * count(Route::View) / 2);
        assert_eq!(count(Route::Home) + count(Route::Health), 0);
    }

    #[test]
    fn half_a_deck_has_half_of_the_searches() {
        let deck = database_deck(&mut StdRng::seed_from_u64(7));
        let half = &deck[..deck.len() / 2];
        let searches = half.iter().filter(|route| **route == Route::Search).count();
        assert!((16..=19).contains(&searches), "{searches}");
    }
}
