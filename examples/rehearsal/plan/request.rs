//! One kind of request of the mix.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method, Uri};
use rand::Rng;
use serde::Deserialize;

use super::template::{Values, draw, fill, places};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) name: String,
    #[serde(default = "get")]
    pub(crate) method: String,
    /// The path, and a query if there is one; `{places}` are filled from `with`.
    pub(crate) route: String,
    /// Its share of the mix, relative to the others'.
    #[serde(default = "one")]
    pub(crate) weight: f64,
    #[serde(default)]
    pub(crate) with: BTreeMap<String, Values>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
    /// For the plan's `priority_header`.
    pub(crate) priority: Option<String>,
    /// Statuses that are good answers, in place of all 2xx and 3xx.
    #[serde(default)]
    pub(crate) expect: Vec<u16>,
}

fn get() -> String {
    "GET".to_owned()
}

fn one() -> f64 {
    1.0
}

/// A request as it is sent.
#[derive(Debug, PartialEq)]
pub(crate) struct Filled {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// Draws what stands at its places.
    pub(crate) fn fill(&self, rng: &mut impl Rng) -> Filled {
        let values = draw(&self.with, rng);
        let headers = self.headers.iter();
        Filled {
            path: fill(&self.route, &values),
            headers: headers.map(|(name, value)| (name.clone(), fill(value, &values))).collect(),
            body: self.body.as_deref().map(|body| fill(body, &values)).unwrap_or_default(),
        }
    }

    /// Whether an answer with this status is what was asked for.
    pub(crate) fn expects(&self, status: u16) -> bool {
        match self.expect.is_empty() {
            true => (200..400).contains(&status),
            false => self.expect.contains(&status),
        }
    }

    /// What is wrong with it, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = |what: String| Err(format!("request `{}`: {what}", self.name));
        if !self.route.starts_with('/') {
            return wrong(format!("`route` is `{}`, and has to begin with /", self.route));
        }
        if let Some(place) = places(&self.route).find(|place| !self.with.contains_key(*place)) {
            return wrong(format!("`with` does not say what stands at {{{place}}}"));
        }
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return wrong(format!("`weight` is {}, and has to be above 0", self.weight));
        }
        if Method::from_bytes(self.method.as_bytes()).is_err() {
            return wrong(format!("`method` is `{}`, which is none", self.method));
        }
        if let Some(status) = self.expect.iter().find(|status| !(100..600).contains(*status)) {
            return wrong(format!("`expect` has {status}, and a status is 100 to 599"));
        }
        for (place, values) in &self.with {
            if let Err(what) = values.check() {
                return wrong(format!("`with`, {place}: {what}"));
            }
        }
        self.check_filled().or_else(wrong)
    }

    /// All values have to be such that they can be sent.
    fn check_filled(&self) -> Result<(), String> {
        let longest = self.with.values().map(Values::count).max().unwrap_or(1);
        for nth in 0..longest {
            let values: Vec<_> =
                self.with.iter().map(|(name, of)| (format!("{{{name}}}"), of.nth(nth))).collect();
            let path = fill(&self.route, &values);
            if path.parse::<Uri>().is_err() {
                return Err(format!("`{path}` is no path (a space is %20)"));
            }
            check_headers(self.headers.iter().map(|(name, of)| (name, fill(of, &values))))?;
        }
        Ok(())
    }
}

/// Whether these can be sent.
pub(super) fn check_headers<'a>(
    headers: impl Iterator<Item = (&'a String, String)>,
) -> Result<(), String> {
    for (name, value) in headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(format!("`{name}` is no name of a header"));
        }
        if HeaderValue::from_str(&value).is_err() {
            return Err(format!("header `{name}` cannot have the value `{value}`"));
        }
        if FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
            return Err(format!("header `{name}` is written by the connection itself"));
        }
    }
    Ok(())
}

/// With these, an answer would not be the one to its request.
const FRAMING: [&str; 5] =
    ["connection", "content-length", "expect", "transfer-encoding", "upgrade"];
