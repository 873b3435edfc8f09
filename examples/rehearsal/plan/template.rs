//! Text with places that are filled anew for each request: `/products/{id}`.

use std::collections::BTreeMap;

use rand::Rng;
use serde::Deserialize;

/// What may stand at a place.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "must be { from = 1, to = 9 }, a list of texts, or \"unique\"")]
pub(crate) enum Values {
    Range(Range),
    OneOf(Vec<String>),
    Unique(Unique),
}

/// Any number of these, each as likely.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// One that no other request has, also of another rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unique {
    Unique,
}

impl Values {
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Range(Range { from, to }) if from > to => {
                Err(format!("from = {from} is above to = {to}"))
            }
            Self::OneOf(values) if values.is_empty() => Err("the list is empty".to_owned()),
            _ => Ok(()),
        }
    }

    /// How many have to be looked at to know all that may go wrong.
    pub(super) fn count(&self) -> usize {
        if let Self::OneOf(values) = self { values.len() } else { 1 }
    }

    /// One of those, the first ones again after the last.
    pub(super) fn nth(&self, nth: usize) -> String {
        match self {
            Self::OneOf(values) => values[nth % values.len()].clone(),
            Self::Range(Range { to, .. }) => to.to_string(),
            Self::Unique(_) => "0".repeat(32),
        }
    }

    fn draw(&self, rng: &mut impl Rng) -> String {
        match self {
            Self::Range(Range { from, to }) => rng.random_range(*from..=*to).to_string(),
            Self::OneOf(values) => values[rng.random_range(0..values.len())].clone(),
            Self::Unique(_) => format!("{:032x}", rand::rng().random::<u128>()),
        }
    }
}

/// The names of the places in `text`, as far as they are such: `{id}`, but not `{ "a": 1 }`.
pub(crate) fn places(text: &str) -> impl Iterator<Item = &str> {
    let after_brace = text.split('{').skip(1);
    after_brace.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).filter(|name| {
        !name.is_empty()
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

/// Draws a value for each place; the same one wherever it stands.
pub(crate) fn draw(with: &BTreeMap<String, Values>, rng: &mut impl Rng) -> Vec<(String, String)> {
    with.iter().map(|(name, values)| (format!("{{{name}}}"), values.draw(rng))).collect()
}

/// `text` with these values at its places.
pub(crate) fn fill(text: &str, values: &[(String, String)]) -> String {
    let mut filled = text.to_owned();
    if filled.contains('{') {
        for (place, value) in values {
            filled = filled.replace(place, value);
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn with(name: &str, values: Values) -> BTreeMap<String, Values> {
        BTreeMap::from([(name.to_owned(), values)])
    }

    #[test]
    fn a_place_is_filled_from_its_range() {
        let with = with("id", Values::Range(Range { from: 7, to: 9 }));
        let mut rng = StdRng::seed_from_u64(1);
        let mut seen: Vec<_> =
            (0..100).map(|_| fill("/products/{id}", &draw(&with, &mut rng))).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, ["/products/7", "/products/8", "/products/9"]);
    }

    #[test]
    fn what_is_no_place_stays_as_it_is() {
        let with = with("id", Values::OneOf(vec!["7".to_owned()]));
        let values = draw(&with, &mut StdRng::seed_from_u64(1));
        assert_eq!(fill(r#"{"item": {id}}"#, &values), r#"{"item": 7}"#);
        assert_eq!(
            places(r#"{"item": 7} /a/{id}/{other_1}"#).collect::<Vec<_>>(),
            ["id", "other_1"]
        );
    }

    #[test]
    fn a_unique_value_is_the_same_in_one_request_and_another_in_the_next() {
        let with = with("order", Values::Unique(Unique::Unique));
        let mut rng = StdRng::seed_from_u64(1);
        let (first, second) = (draw(&with, &mut rng), draw(&with, &mut rng));
        let text = fill("{order} {order}", &first);
        let (one, other) = text.split_once(' ').unwrap();
        assert_eq!(one, other);
        assert_ne!(text, fill("{order} {order}", &second));
    }
}
