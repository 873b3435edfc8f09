//! What many want, and what hardly anybody has wanted before.
//!
//! The popular pages are asked for about as often as their rank is high (Zipf's law, with
//! exponent 1). They have all been asked for in the hours before a run, so a shop that keeps
//! copies has theirs. One request in ten is for something else, drawn from so many pages
//! that in a run nearly all of these are the first of their kind.

use rand::Rng;

use crate::seed::WORDS;

/// Products of the campaign.
pub(crate) const POPULAR_PRODUCTS: usize = 200;
/// Every single word, and some pairs.
pub(crate) const POPULAR_SEARCHES: usize = 64;
/// The share of requests that are for none of the popular pages.
const RARE: f64 = 0.1;

/// How often each of so many pages is wanted.
#[derive(Debug)]
pub(crate) struct Popularity {
    /// The weights of all pages up to each.
    cumulative: Vec<f64>,
}

impl Popularity {
    pub(crate) fn among(pages: usize) -> Self {
        let weights = (1..=pages).map(|rank| 1.0 / rank as f64);
        let cumulative = weights.scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { cumulative: cumulative.collect() }
    }

    /// One of the popular pages, from 0; or `None`, for a rare one.
    pub(crate) fn draw(&self, rng: &mut impl Rng) -> Option<usize> {
        if rng.random_bool(RARE) {
            return None;
        }
        let all = self.cumulative.last().copied().unwrap_or_default();
        let ticket = rng.random::<f64>() * all;
        Some(self.cumulative.partition_point(|sum| *sum <= ticket))
    }
}

/// What the popular searches are for.
pub(crate) fn phrase(nth: usize) -> String {
    let all = WORDS.len();
    match nth.checked_sub(all) {
        None => WORDS[nth].to_owned(),
        // Neighbours first, then those one further apart, and so on.
        Some(pair) => {
            let (first, apart) = (pair % all, pair / all + 1);
            format!("{} {}", WORDS[first], WORDS[(first + apart) % all])
        }
    }
}

/// Three words: one of some thousand phrases.
pub(crate) fn rare_phrase(rng: &mut impl Rng) -> String {
    let mut word = || WORDS[rng.random_range(0..WORDS.len())];
    format!("{} {} {}", word(), word(), word())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn popular_searches_are_all_different() {
        let phrases: HashSet<_> = (0..POPULAR_SEARCHES).map(phrase).collect();
        assert_eq!(phrases.len(), POPULAR_SEARCHES);
    }

    #[test]
    fn the_first_is_wanted_twice_as_often_as_the_second_and_a_tenth_is_rare() {
        let mut rng = StdRng::seed_from_u64(5);
        let popularity = Popularity::among(POPULAR_SEARCHES);
        let drawn: Vec<_> = (0..100_000).map(|_| popularity.draw(&mut rng)).collect();
        let count = |wanted| drawn.iter().filter(|nth| **nth == wanted).count() as f64;
        assert!((count(Some(0)) / count(Some(1)) - 2.0).abs() < 0.1);
        assert!((count(None) - 10_000.0).abs() < 500.0);
        assert!(drawn.iter().flatten().all(|nth| *nth < POPULAR_SEARCHES));
    }

    #[test]
    fn most_rare_searches_of_a_surge_are_the_first_of_their_kind() {
        let mut rng = StdRng::seed_from_u64(5);
        let phrases: HashSet<_> = (0..200).map(|_| rare_phrase(&mut rng)).collect();
        assert!(phrases.len() > 180);
    }
}
