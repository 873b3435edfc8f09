//! The mix of a log as a plan in TOML.

use std::fmt::Write as _;

use super::fold::place;
use super::gather::{Gather, Place, Route};

/// Routes that a plan keeps; more are no plan that a person reads.
const MOST: usize = 50;

pub(super) fn write(gathered: &Gather) -> String {
    let routes = gathered.routes();
    let (kept, rest) = routes.split_at(routes.len().min(MOST));
    let mut plan = head(gathered, rest);
    for route in kept {
        plan += &request(route);
    }
    plan + PHASES
}

fn head(gathered: &Gather, rest: &[&Route]) -> String {
    let (second, minute) = gathered.peaks();
    // The busiest minute is what the service is known to take.
    let base = (minute as f64 / 60.0).ceil();
    let mut head = format!(
        "# From an access log; {}.\n\
         # On average over its minutes {:.2} requests/s; in its busiest minute {:.2}/s, in its\n\
         # busiest second {second} requests.\n",
        gathered.left_out(),
        gathered.average(),
        minute as f64 / 60.0,
    );
    if !rest.is_empty() {
        let requests: u64 = rest.iter().map(|route| route.count).sum();
        let count = rest.len();
        add(&mut head, format_args!("# Not here: {count} routes with {requests} requests.\n"));
    }
    if gathered.queries() > 0 {
        let queries = gathered.queries();
        add(
            &mut head,
            format_args!(
                "# {queries} with a query, of which a log may hold secrets: it is not here. Say it\n\
                 # as route = \"/search?q={{q}}\", with = {{ q = [\"tea\", \"kettle\"] }}.\n"
            ),
        );
    }
    add(&mut head, format_args!("base_rate = {base:.0}\n"));
    head
}

fn request(route: &Route) -> String {
    let name = quoted(&format!("{} {}", route.method, route.route));
    let mut text = format!(
        "\n[[request]]\nname = {name}\nmethod = {}\nroute = {}\nweight = {}\n",
        quoted(&route.method),
        quoted(&route.route),
        route.count
    );
    if !route.places.is_empty() {
        let places = route.places.iter().enumerate();
        let places = places.map(|(nth, own)| format!("{} = {}", place(nth + 1), values(own)));
        let places = places.collect::<Vec<_>>().join(", ");
        add(&mut text, format_args!("with = {{ {places} }}\n"));
    }
    if route.places.iter().any(|place| !place.opaque.is_empty()) {
        text += "# These ids are from the log: look at them before others do.\n";
    }
    if BODIED.contains(&route.method.as_str()) {
        text += "# body = '…' and headers = { content-type = \"…\" }, which no log has.\n";
    }
    text
}

const BODIED: [&str; 3] = ["POST", "PUT", "PATCH"];

/// Numbers as their range; where there are others, too, some of all.
fn values(place: &Place) -> String {
    match (place.numbers, place.opaque.as_slice()) {
        (Some((from, to)), []) => format!("{{ from = {from}, to = {to} }}"),
        (numbers, opaque) => {
            let numbers = numbers.map(|(from, to)| [from.to_string(), to.to_string()]);
            let numbers = numbers.into_iter().flatten();
            let values = numbers.chain(opaque.iter().cloned()).map(|value| quoted(&value));
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        }
    }
}

/// As a text of TOML. What was read has no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a string takes any text");
}

/// To begin with.
const PHASES: &str = r#"
[[phase]]
name = "calm"
length = "10s"
times = 1

[[phase]]
name = "surge"
length = "20s"
times = 5

[[phase]]
name = "after"
length = "15s"
times = 1

[[objective]]
phase = "calm"
want = "success >= 99.9 %"

[[objective]]
phase = "surge"
want = "back to normal within 1 s"
"#;
