//! Defaults and ranges are those of who takes the settings.

use std::fmt::Debug;

use super::{
    super::{
        schema::{self, Known},
        setting::Declared,
        values::Values,
    },
    Settings,
};
use crate::{
    admission::Admission,
    class::Class,
    database::Database,
    gate::{CircuitBreaker, ConcurrencyLimit, Quota, RateLimit},
};

/// With all defaults applied, it is as it was made.
fn holds<B: Declared + Debug>(make: impl Fn() -> B) {
    let filled = Values::default().filled::<B>().apply(make());
    assert_eq!(format!("{filled:?}"), format!("{:?}", make()));
}

#[test]
fn defaults_are_those_of_the_code() {
    holds(Admission::builder);
    holds(ConcurrencyLimit::new);
    holds(CircuitBreaker::new);
    holds(|| RateLimit::new(Quota::per_second(1)));
    holds(|| Database::builder("shop"));
    holds(Class::default);
}

#[test]
fn each_default_is_of_the_kind_of_its_setting() {
    fn check<B: Declared>() {
        for setting in B::SETTINGS {
            assert_eq!(setting.default.is_some(), setting.default().is_some(), "{}", setting.name);
        }
    }
    check::<crate::admission::AdmissionBuilder>();
    check::<ConcurrencyLimit>();
    check::<CircuitBreaker>();
    check::<RateLimit>();
    check::<crate::database::DatabaseBuilder>();
    check::<Class>();
    check::<super::super::quota::Said>();
}

/// The settings that have this one alone, and what it cannot be without; as JSON.
fn with(path: &str, value: &str) -> String {
    let needed = match path {
        "breaker.open_for" => "\"open_at_most\": \"1day\", ",
        "breaker.open_at_most" => "\"open_for\": \"1ms\", ",
        "rate.quotas[].per" => "\"cells\": 1, ",
        "rate.quotas[].burst" => "\"per\": \"1s\", \"cells\": 1000, ",
        _ if path.starts_with("rate.") && !path.contains('[') => "\"quotas\": [{\"cells\": 1}], ",
        _ => "",
    };
    let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
    let own = format!("{{{needed}\"{name}\": {value}}}");
    match table {
        "" => own,
        "rate.quotas[]" => format!("{{\"rate\": {{\"quotas\": [{own}]}}}}"),
        "database.NAME" => format!("{{\"database\": {{\"a\": {own}}}}}"),
        "routes.\"/PATH\"" => format!("{{\"routes\": {{\"/a\": {own}}}}}"),
        _ => format!("{{\"{table}\": {own}}}"),
    }
}

/// What may be and what may not, at the ends of a range such as `1ms to 1h` or `at least 1`.
fn ends(row: &Known) -> Option<(Vec<String>, Vec<String>)> {
    let range = row.range.split_once(',').map_or(row.range, |(range, _)| range);
    let (least, most) = match range.split_once(" to ") {
        Some((least, most)) => (least, Some(most)),
        None if range.starts_with("more than 0") => {
            return Some((vec!["1e-9".into(), "1".into()], vec!["0".into(), "1.000001".into()]));
        }
        None => (range.strip_prefix("at least ")?, None),
    };
    // The period is measured in the cells.
    let least = if least.starts_with("1ns") { "1ns" } else { least };
    let good = std::iter::once(least).chain(most).map(quoted).collect();
    let below =
        Some(least).filter(|least| !matches!(*least, "0" | "0s")).map(|least| beyond(least, -1.0));
    Some((good, below.into_iter().chain(most.map(|most| beyond(most, 1.0))).collect()))
}

fn quoted(value: &str) -> String {
    let is_duration = value.ends_with(char::is_alphabetic);
    if is_duration { format!("\"{value}\"") } else { value.to_owned() }
}

/// A little less, or more.
fn beyond(value: &str, by: f64) -> String {
    if let Ok(duration) = humantime::parse_duration(value) {
        let nanosecond = std::time::Duration::from_nanos(1);
        let beyond = if by < 0.0 { duration - nanosecond } else { duration + nanosecond };
        return format!("\"{}\"", humantime::format_duration(beyond));
    }
    match value.parse::<u64>() {
        Ok(count) => count.saturating_add_signed(by as i64).to_string(),
        Err(_) => (value.parse::<f64>().expect(value) + by * 1e-6).to_string(),
    }
}

#[test]
fn ranges_are_those_that_are_checked() {
    let mut tried = 0;
    for row in schema::known() {
        // The same as those of `limit` and `quotas`.
        let again = row.path.contains("plans") || row.path.starts_with("database.NAME.limit");
        let Some((good, bad)) = ends(&row).filter(|_| !again) else { continue };
        let read = |value: &String| super::read(&with(&row.path, value));
        for value in &good {
            assert!(read(value).is_ok(), "{} = {value}: {:?}", row.path, read(value));
        }
        for value in &bad {
            let fault = read(value).expect_err(&format!("{} = {value}", row.path)).to_string();
            let name = row.path.rsplit('.').next().expect("it has one");
            assert!(fault.contains(name) || row.path.contains("[]"), "{}: {fault}", row.path);
        }
        tried += bad.len();
    }
    assert!(tried > 30, "only {tried} ends");
}

#[test]
fn settings_that_hang_together_are_checked_together() {
    assert_eq!(
        super::fault(r#"{"limit": {"min": 9, "max": 8}}"#),
        "`limit.min` is 9, but must be at most `max`, which is 8"
    );
    assert_eq!(
        super::fault(r#"{"limit": {"min": 9}, "database": {"a b": {"limit": {"max": 8}}}}"#),
        "`database.\"a b\".limit.min` is 9, but must be at most `max`, which is 8"
    );
    assert_eq!(
        super::fault(r#"{"breaker": {"open_for": "11s"}}"#),
        "`breaker.open_for` is 11s, but must be at most `open_at_most`, which is 10s"
    );
}

#[test]
fn quotas_of_any_periods_hold_together() {
    let json = r#"{"rate": {"quotas": [{"cells": 9, "per": "10s"}, {"cells": 90, "per": "5m"},
        {"cells": 900, "per": "1h"}, {"cells": 1000, "per": "1h", "burst": 1}]}}"#;
    let gate = super::read(json).expect("they are four").rate().expect("there are").gate();
    assert!(gate.is_ok(), "{gate:?}");
}

/// Another value that may be.
fn other(row: &Known) -> String {
    let words = row.range.strip_prefix('`').and_then(|words| words.split('`').next());
    match (row.default, words) {
        (Some("false"), _) => "true".to_owned(),
        (Some("1"), _) => "0.5".to_owned(),
        (default, Some(word)) if default != Some(word) => format!("\"{word}\""),
        (Some("share"), _) => "\"refuse\"".to_owned(),
        (Some(default), _) => match default.parse::<f64>() {
            Ok(number) if number >= 1.0 || number == 0.0 => (number + 1.0).to_string(),
            Ok(share) => (share / 2.0).to_string(),
            Err(_) => {
                let half = humantime::parse_duration(default).expect(default) / 2;
                format!("\"{}\"", humantime::format_duration(half))
            }
        },
        (None, _) => panic!("{} has no default", row.path),
    }
}

#[test]
fn each_setting_is_heard() {
    let built = |settings: &Settings| format!("{:?}", Admission::builder().settings(settings));
    let quota = super::read(r#"{"rate": {"quotas": [{"cells": 1}]}}"#).expect("it is valid");
    let rows = schema::known();
    let plain: Vec<_> = rows.iter().filter(|row| !row.path.contains(['[', '"', 'N'])).collect();
    assert!(plain.len() > 20, "only {}", plain.len());
    for row in plain {
        let settings = super::read(&with(&row.path, &other(row))).expect(&row.path);
        let base = if row.path.starts_with("rate.") { &quota } else { &Settings::default() };
        assert_ne!(built(&settings), built(base), "{}", row.path);
    }
}
