//! The plan of a rehearsal, as it stands in a TOML file.
//!
//! `campaign.toml` is one with everything in it explained.

pub(crate) mod amount;
pub(crate) mod objective;
pub(crate) mod phase;
pub(crate) mod request;
pub(crate) mod rise;
pub(crate) mod template;

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use http::HeaderName;
use serde::Deserialize;

use self::amount::{read_time, shown};
use self::objective::{Objective, Want};
use self::phase::Phase;
use self::request::{Request, check_headers};
use self::rise::Rise;
use crate::terminal::failure::{Failure, Result};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// What is usual, in requests per second.
    pub(crate) base_rate: f64,
    /// How long a customer waits for the whole answer, from when he comes.
    #[serde(default = "two_seconds", deserialize_with = "read_time")]
    pub(crate) timeout: Duration,
    /// How late the generator may be with one request in a hundred of a phase.
    #[serde(default = "fifty_milliseconds", deserialize_with = "read_time")]
    pub(crate) max_lag: Duration,
    /// Requests, and so connections, at once.
    #[serde(default = "four_thousand")]
    pub(crate) max_in_flight: usize,
    /// Requests of the whole rehearsal.
    #[serde(default = "two_hundred_thousand")]
    pub(crate) max_requests: usize,
    /// The same seed, the same customers at the same moments.
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) priority_header: Option<String>,
    /// An answer with this header is a fallback's.
    pub(crate) fallback_header: Option<String>,
    /// Headers of every request.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) clients: Option<Clients>,
    #[serde(rename = "request", default)]
    pub(crate) requests: Vec<Request>,
    #[serde(rename = "phase", default)]
    pub(crate) phases: Vec<Phase>,
    #[serde(rename = "objective", default)]
    pub(crate) objectives: Vec<Objective>,
    #[serde(default)]
    pub(crate) knee: Rise,
}

/// Distinct clients, told apart by a header.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clients {
    pub(crate) header: String,
    pub(crate) count: u32,
    /// Begins the value; a number follows, from 1.
    #[serde(default)]
    pub(crate) prefix: String,
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

fn fifty_milliseconds() -> Duration {
    Duration::from_millis(50)
}

fn four_thousand() -> usize {
    4_000
}

fn two_hundred_thousand() -> usize {
    200_000
}

impl Plan {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let failed = |what: String| Failure::new(format!("--plan {}: {what}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&text).map_err(failed)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let plan: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start.min(text.len())]);
            format!("line {}: {}", before.matches('\n').count() + 1, error.message())
        })?;
        plan.check()?;
        Ok(plan)
    }

    /// The multiple of the base rate that a phase is at.
    pub(crate) fn times(&self, phase: &Phase) -> f64 {
        phase.rate(self.base_rate) / self.base_rate
    }

    fn check(&self) -> Result<(), String> {
        self.check_bounds()?;
        self.check_headers()?;
        if self.requests.is_empty() || self.phases.is_empty() {
            return Err("it needs at least one [[request]] and one [[phase]]".to_owned());
        }
        distinct("request", self.requests.iter().map(|request| &request.name))?;
        distinct("phase", self.phases.iter().map(|phase| &phase.name))?;
        self.requests.iter().try_for_each(Request::check)?;
        self.phases.iter().try_for_each(|phase| phase.check(self.base_rate))?;
        self.objectives.iter().try_for_each(|objective| self.check_objective(objective))?;
        self.knee.check(self.base_rate)
    }

    fn check_bounds(&self) -> Result<(), String> {
        let base = self.base_rate;
        if !(base > 0.0 && base <= phase::HIGHEST) {
            return Err(format!("`base_rate` is {base}, and may be up to {} /s", phase::HIGHEST));
        }
        let (least, most) = (Duration::from_millis(10), Duration::from_secs(60));
        if !(least..=most).contains(&self.timeout) {
            return Err(format!("`timeout` is {}, and may be 10ms to 60s", shown(self.timeout)));
        }
        within("max_in_flight", self.max_in_flight, MOST_IN_FLIGHT)?;
        within("max_requests", self.max_requests, MOST_REQUESTS)
    }

    fn check_headers(&self) -> Result<(), String> {
        check_headers(self.headers.iter().map(|(name, value)| (name, value.clone())))?;
        if let Some(clients) = &self.clients {
            within("clients.count", clients.count as usize, MOST_CLIENTS)?;
            check_headers([(&clients.header, clients.prefix.clone())].into_iter())?;
        }
        let priorities = self.requests.iter().filter_map(|request| request.priority.as_ref());
        match (&self.priority_header, priorities.clone().next()) {
            (Some(name), _) => check_headers(priorities.map(|value| (name, value.clone())))?,
            (None, Some(_)) => {
                return Err("a `priority` needs the name of a `priority_header`".to_owned());
            }
            (None, None) => {}
        }
        let read = self.priority_header.iter().chain(&self.fallback_header);
        read.into_iter().try_for_each(|name| {
            let valid = HeaderName::from_bytes(name.as_bytes());
            valid.map(drop).map_err(|_| format!("`{name}` is no name of a header"))
        })
    }

    fn check_objective(&self, objective: &Objective) -> Result<(), String> {
        let sentence = &objective.want;
        if let Some(name) = &objective.request {
            let known = self.requests.iter().any(|request| request.name == *name);
            known.then_some(()).ok_or(format!("objective `{sentence}`: no request is `{name}`"))?;
        }
        let at = match &objective.phase {
            None => None,
            Some(name) => {
                let at = self.phases.iter().position(|phase| phase.name == *name);
                Some(at.ok_or(format!("objective `{sentence}`: no phase is `{name}`"))?)
            }
        };
        let Want::Back { within } = objective.want else { return Ok(()) };
        let at = at.ok_or(format!("objective `{sentence}`: it needs a phase, after which"))?;
        let after = self.phases.get(at + 1).map_or(Duration::ZERO, |phase| phase.length);
        if after < within + OBSERVED {
            return Err(format!(
                "objective `{sentence}`: the phase after `{}` is {}, and {} are needed to see it",
                self.phases[at].name,
                shown(after),
                shown(within + OBSERVED)
            ));
        }
        Ok(())
    }
}

/// How long it has to be well, for one to believe it.
const OBSERVED: Duration = Duration::from_secs(1);
const MOST_IN_FLIGHT: usize = 30_000;
const MOST_REQUESTS: usize = 5_000_000;
const MOST_CLIENTS: usize = 10_000_000;

fn within(setting: &str, value: usize, most: usize) -> Result<(), String> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(format!("`{setting}` is {value}, and may be 1 to {most}"))
}

fn distinct<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut known = HashSet::new();
    for name in names {
        if name.is_empty() || !known.insert(name) {
            return Err(format!("{what} `{name}`: each needs a name of its own"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        base_rate = 10
        [[request]]
        name = "page"
        route = "/products/{id}"
        with = { id = { from = 1, to = 5 } }
        [[phase]]
        name = "calm"
        length = "2s"
        times = 1
        [[phase]]
        name = "after"
        length = "2s"
        rate = 5
    "#;

    /// What is said of the small plan with a part of it replaced.
    fn said(old: &str, new: &str) -> String {
        let text = SMALL.replacen(old, new, 1);
        assert_ne!(text, SMALL, "the part is there");
        Plan::parse(&text).unwrap_err()
    }

    #[test]
    fn the_plans_that_come_along_are_valid() {
        let campaign = Plan::parse(include_str!("../campaign.toml")).unwrap();
        assert!(campaign.objectives.len() >= 4 && campaign.phases.len() >= 3);
        assert!(campaign.clients.is_some() && campaign.priority_header.is_some());
        assert!(Plan::parse(include_str!("../short.toml")).is_ok());
        assert!(Plan::parse(SMALL).is_ok());
    }

    #[test]
    fn unknown_keys_are_errors_that_name_line_and_key() {
        let said = said("times = 1", "tims = 1");
        assert!(said.starts_with("line 10: ") && said.contains("tims"), "{said}");
        let places = ["name = \"page\"", "base_rate = 10", "id = { from = 1,"];
        for place in places {
            let text = SMALL.replacen(place, &format!("nobody = 1\n{place}"), 1);
            assert!(Plan::parse(&text).is_err(), "{place}");
        }
    }

    #[test]
    fn a_mistake_names_the_setting_and_what_it_may_be() {
        assert!(said("base_rate = 10", "base_rate = 0").contains("`base_rate` is 0"));
        assert!(said("times = 1", "").contains("phase `calm`: it needs either `rate`, or `times`"));
        assert!(said("times = 1", "times = 1\nrate = 4").contains("either"));
        assert!(said("\"after\"", "\"calm\"").contains("phase `calm`: each needs a name"));
        assert!(said("id = {", "other = {").contains("does not say what stands at {id}"));
        assert!(said("from = 1", "from = 9").contains("from = 9 is above to = 5"));
        assert!(said("/products", "products").contains("has to begin with /"));
        assert!(said("/products", "/prod ucts").contains("is no path"));
        assert!(said("rate = 5", "rate = 1e9").contains("may be 0 to 100000"));
        assert!(said("length = \"2s\"", "length = \"2\"").contains("`2` is no time"));
        assert!(said("rate = 5", "rate = 5\nevery = \"1s\"").contains("for the shape `burst`"));
    }

    #[test]
    fn what_would_break_the_framing_is_no_header() {
        let with = |headers: &str| said("[[phase]]", &format!("headers = {headers}\n[[phase]]"));
        assert!(with("{ Content-Length = \"5\" }").contains("by the connection itself"));
        assert!(with("{ \"a b\" = \"5\" }").contains("no name of a header"));
        assert!(with("{ a = \"5\\r\\nb: 6\" }").contains("cannot have the value"));
        let priority = said("[[phase]]", "priority = \"critical\"\n[[phase]]");
        assert!(priority.contains("priority_header"), "{priority}");
    }

    #[test]
    fn an_objective_is_of_something_that_is_there() {
        let with = |objective: &str| {
            let text = format!("{SMALL}[[objective]]\n{objective}");
            Plan::parse(&text).map(drop)
        };
        assert_eq!(with("want = \"p99 < 1 s\""), Ok(()));
        assert_eq!(with("phase = \"calm\"\nwant = \"back to normal within 1 s\""), Ok(()));
        let wrong = [
            ("request = \"pag\"\nwant = \"p99 < 1 s\"", "no request is `pag`"),
            ("phase = \"clam\"\nwant = \"p99 < 1 s\"", "no phase is `clam`"),
            ("want = \"back to normal within 1 s\"", "it needs a phase"),
            ("phase = \"calm\"\nwant = \"back to normal within 5 s\"", "is 2 s, and 6 s"),
            ("phase = \"after\"\nwant = \"back to normal within 1 s\"", "is 0 ms, and 2 s"),
        ];
        for (objective, words) in wrong {
            let said = with(objective).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }
}
