//! What settings do where they go.

use super::read;
use crate::{
    admission::Admission,
    class::{Class, Classify, Priority},
    database::Database,
    gate::{ConcurrencyLimit, Quota, RateLimit},
};

#[test]
fn each_database_has_its_limit_by_its_name() {
    let settings = read(
        r#"{"limit": {"min": 60, "max": 60}, "database": {"b": {"limit": {"min": 3, "max": 3}},
        "c": {"limit": {"min": 2, "max": 2}}}}"#,
    );
    let databases = ["a", "b", "c"].map(Database::new);
    let [a, b, c] = &databases;
    let builder = Admission::builder().settings(&settings.expect("it is valid"));
    let own = ConcurrencyLimit::new().max(7);
    let admission =
        builder.protect(a).protect(b).protect_with(c, own).build().expect("they are there");
    let limit = |database| admission.concurrency_of(database).expect("it is protected").limit();
    assert_eq!(databases.each_ref().map(limit), [60, 3, 2]);
    let code = admission.reload(&read(r#"{"limit": {"min": 9}}"#).expect("it is valid"));
    assert_eq!((code, databases.each_ref().map(limit)), (Ok(()), [9, 9, 9]));
}

#[test]
fn a_database_that_nobody_protects_is_a_fault() {
    let settings = read(r#"{"database": {"shop": {"limit": {"max": 3}}}}"#).expect("it is valid");
    let build =
        |name| Admission::builder().settings(&settings).protect(&Database::new(name)).build();
    let fault = build("shpo").expect_err("there is none").to_string();
    assert_eq!(fault, "`database` is shop, but must be one that is protected: shpo");
    let admission = build("shop").expect("there is one");
    let other = read(r#"{"database": {"stock": {}}}"#).expect("it is valid");
    assert!(admission.reload(&other).is_err());
}

#[test]
fn what_is_slow_is_said_by_the_name_of_the_database() {
    let settings = read(r#"{"database": {"shop": {"slow_after": "50ms"}}}"#).expect("it is valid");
    let told = |name| format!("{:?}", Database::builder(name).settings(&settings));
    assert!(told("shop").contains("50ms"), "{}", told("shop"));
    assert!(!told("stock").contains("50ms"), "{}", told("stock"));
}

#[test]
fn without_quotas_those_of_the_code_stay() {
    let code = || Admission::builder().rate(RateLimit::new(Quota::per_second(7)));
    let of = |json| format!("{:?}", code().settings(&read(json).expect("it is valid")));
    assert!(of("{}").contains("cells: 7"), "{}", of("{}"));
    assert!(of(r#"{"rate": {"quotas": [{"cells": 9}]}}"#).contains("cells: 9"));
}

#[cfg(feature = "http")]
#[test]
fn routes_are_classes_by_path() {
    let settings = read(
        r#"{"routes": {"/checkout": {"priority": "critical", "rank": 3}, "/": {"exempt": true},
        "/search": {"priority": "Sheddable", "cost": 8, "cells": 2}}}"#,
    );
    let routes = settings.expect("it is valid").routes();
    let class =
        |path: &str| routes.classify(&http::Request::get(path).body(()).expect("it is one"));
    let checkout = class("/checkout/pay");
    assert_eq!((checkout.priority, checkout.rank), (Priority::Critical, 3));
    let search = class("/search");
    assert_eq!((search.priority, search.cost.get(), search.cells), (Priority::Sheddable, 8.0, 2));
    assert!(class("/").exempt && !class("/other").exempt);
}

#[tokio::test]
async fn a_reload_changes_limits_and_quotas_and_names_the_rest() {
    let before = read(r#"{"limit": {"max": 3}, "rate": {"quotas": [{"cells": 1, "per": "1h"}]}}"#);
    let before = before.expect("it is valid");
    let db = Database::new("shop");
    let admission =
        Admission::builder().settings(&before).protect(&db).build().expect("it is valid");
    let after = read(
        r#"{"limit": {"min": 5, "max": 5}, "rate": {"quotas": [{"cells": 2, "per": "1h", "burst": 4}], "max_keys": 9},
        "breaker": {"probes": 4}, "dim_above": 0.7, "database": {"shop": {"slow_after": "2s"}},
        "routes": {"/a": {"exempt": true}}}"#,
    );
    let after = after.expect("it is valid");
    admission.reload(&after).expect("it can be");
    assert_eq!(admission.concurrency().limit(), 5);
    let quota = admission.rate().expect("there is one");
    let mut admitted = 0;
    while quota.acquire(&Class::default()).await.is_ok() {
        admitted += 1;
    }
    assert_eq!(admitted, 4);
    let restart = [
        "breaker.probes",
        "database.shop.slow_after",
        "database.shop.slow_times",
        "dim_above",
        "rate.max_keys",
    ];
    let told = before.takes_restart(&after);
    assert!(restart.iter().all(|path| told.iter().any(|own| own == path)), "{told:?}");
    assert!(told.iter().all(|path| !path.starts_with("limit") && !path.starts_with("rate.quotas")));
}

#[test]
fn a_reload_that_cannot_be_changes_nothing() {
    let plain = read(r#"{"limit": {"min": 3, "max": 3}}"#).expect("it is valid");
    let admission = Admission::builder().settings(&plain).build().expect("it is valid");
    let quotas = read(r#"{"limit": {"min": 9}, "rate": {"quotas": [{"cells": 1}]}}"#);
    let fault =
        admission.reload(&quotas.expect("it is valid")).expect_err("it has none").to_string();
    assert_eq!(fault, "`rate` is set, but must be left out, as when it was built");
    assert_eq!(admission.concurrency().limit(), 3);
}

#[test]
fn what_was_built_to_report_alone_goes_on_so_after_a_reload() {
    let quotas = r#""rate": {"quotas": [{"cells": 1}]}"#;
    let settings = read(&format!(r#"{{"report_only": true, {quotas}}}"#)).expect("it is valid");
    let admission = Admission::builder().settings(&settings).build().expect("it is valid");
    let enforced = read(&format!("{{{quotas}}}")).expect("it is valid");
    admission.reload(&enforced).expect("it can be");
    assert!(admission.snapshot().report_only);
}
