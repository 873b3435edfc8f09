//! The documents name what is told. `BLESS=1 cargo test --test metrics` writes the table anew.

use std::{env, fs, path::PathBuf};

use brownout::metrics::{METRICS, Metric};

use super::{
    exercised::exercised,
    scrape::{Scrape, Scraper},
};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("docs/{name}: {error}"))
}

const BEGIN: &str = "<!-- the table, from the code -->\n";
const END: &str = "<!-- its end -->\n";

fn row(metric: &Metric) -> String {
    let Metric { name, kind, unit, labels, description, .. } = metric;
    let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
    let labels = labels.join(", ");
    format!("| `{name}` | {} | `{unit}` | {labels} | {description} |\n", kind.as_str())
}

#[test]
fn the_list_of_metrics_is_that_of_the_code() {
    let document = read("metrics.md");
    let (before, rest) = document.split_once(BEGIN).expect("the table begins");
    let (_, after) = rest.split_once(END).expect("the table ends");
    let rows: String = METRICS.iter().map(row).collect();
    let table = format!("\n| name | kind | unit | labels | |\n|---|---|---|---|---|\n{rows}\n");
    let expected = format!("{before}{BEGIN}{table}{END}{after}");
    if env::var_os("BLESS").is_some() {
        fs::write(path("metrics.md"), expected).expect("it can be written");
    } else {
        assert!(document == expected, "it is not: run this with BLESS=1");
    }
}

/// What in a text is asked of which metric: its name, and the labels that have to match.
fn asked(text: &str) -> Vec<(&str, &str)> {
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let starts = text.match_indices("brownout_").map(|(at, _)| &text[at..]);
    let asked = starts.map(|rest| {
        let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let labels = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        (name, labels.map_or("", |(labels, _)| labels))
    });
    asked.collect()
}

/// One of `a="1",b!~"2|3"`.
struct Matcher<'t> {
    label: &'t str,
    operator: &'t str,
    value: &'t str,
}

fn matchers(labels: &str) -> impl Iterator<Item = Matcher<'_>> {
    let is_operator = |letter| matches!(letter, '=' | '!' | '~');
    labels.split("\",").filter(|own| !own.is_empty()).map(move |own| {
        let (label, rest) = own.split_at(own.find(is_operator).expect("there is an operator"));
        let (operator, value) = rest.split_once('"').expect("there is a value");
        Matcher { label: label.trim(), operator, value: value.trim_end_matches('"') }
    })
}

const PROMETHEUS_ADDS: [&str; 2] = ["instance", "job"];

/// What is wrong with what a document asks for.
fn faults(text: &str, told: &Scrape) -> Vec<String> {
    let (known, mut faults) = (told.labels(), Vec::new());
    for (name, labels) in asked(text) {
        let Some(own) = known.get(name) else {
            faults.push(format!("{name} is not told"));
            continue;
        };
        for Matcher { label, operator, value } in matchers(labels) {
            match own.get(label) {
                None if PROMETHEUS_ADDS.contains(&label) => {}
                None => faults.push(format!("{name} has no label {label}")),
                Some(values) if operator == "=" && !values.contains(value) => {
                    faults.push(format!("{name} has no {label} {value}"));
                }
                Some(_) => {}
            }
        }
    }
    faults
}

#[tokio::test]
async fn dashboard_and_alerts_ask_for_what_is_told() {
    let service = exercised().await;
    let told = Scraper::new().scrape(&service.metrics);
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("grafana/brownout.json")).expect("it is JSON");
    let mut asked_for = Vec::new();
    queries(&dashboard, &mut asked_for);
    assert!(asked_for.len() > 15, "{asked_for:?}");
    let (alerts, document) = (read("alerts.yml"), read("metrics.md"));
    assert!(asked(&alerts).len() > 5, "there are some");
    let texts = asked_for.iter().map(String::as_str).chain([&*alerts, &*document]);
    let wrong: Vec<_> = texts.flat_map(|text| faults(text, &told)).collect();
    assert_eq!(wrong, [""; 0]);
}

/// The texts of a dashboard in which metrics are named.
fn queries(json: &serde_json::Value, into: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) if text.contains("brownout_") => into.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| queries(item, into)),
        serde_json::Value::Object(fields) => fields.values().for_each(|own| queries(own, into)),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_not_told_is_found() {
    let service = exercised().await;
    let told = Scraper::new().scrape(&service.metrics);
    let faults = |text| faults(text, &told).len();
    assert_eq!(faults("sum(brownout_requests{decision=\"refused\",reason!~\"quota|fleet\"})"), 0);
    assert_eq!(faults("brownout_requests_total > 0"), 1);
    assert_eq!(faults("brownout_requests{decision=\"denied\"}"), 1);
    assert_eq!(faults("brownout_requests{route=\"GET /\"} / brownout_limits"), 2);
}
