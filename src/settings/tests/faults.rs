//! Faults say what, where, and what it may be.

use super::{super::Settings, fault, read};

#[test]
fn what_is_no_setting_names_the_nearest_at_any_depth() {
    for (json, said) in [
        (r#"{"dim_abov": 0.5}"#, "`dim_abov` is not a setting; did you mean `dim_above`?"),
        (r#"{"limits": {}}"#, "`limits` is not a setting; did you mean `limit`?"),
        (
            r#"{"limit": {"max_wiat": "1s"}}"#,
            "`limit.max_wiat` is not a setting; did you mean `limit.max_wait`?",
        ),
        (r#"{"max_wait": "1s"}"#, "`max_wait` is not a setting; did you mean `limit.max_wait`?"),
        (
            r#"{"rate": {"quota": []}}"#,
            "`rate.quota` is not a setting; did you mean `rate.quotas`?",
        ),
        (
            r#"{"rate": {"quotas": [{"cells": 1}, {"cell": 1}]}}"#,
            "`rate.quotas[1].cell` is not a setting; did you mean `rate.quotas[1].cells`?",
        ),
        (
            r#"{"rate": {"plans": {"pro": [{"cells": 1, "brust": 2}]}}}"#,
            "`rate.plans.pro[0].brust` is not a setting; did you mean `rate.plans.pro[0].burst`?",
        ),
        (
            r#"{"database": {"shop": {"slow_time": 3}}}"#,
            "`database.shop.slow_time` is not a setting; did you mean `database.shop.slow_times`?",
        ),
        (
            r#"{"database": {"shop": {"limit": {"maxx": 3}}}}"#,
            "`database.shop.limit.maxx` is not a setting; did you mean `database.shop.limit.max`?",
        ),
        (
            r#"{"routes": {"/search": {"prio": "bulk"}}}"#,
            "`routes.\"/search\".prio` is not a setting; there are `routes.\"/search\".priority`, \
             `routes.\"/search\".rank`, `routes.\"/search\".cost`, `routes.\"/search\".cells`, \
             `routes.\"/search\".exempt`",
        ),
    ] {
        assert_eq!(fault(json), said);
    }
}

#[test]
fn a_value_of_another_kind_is_named_with_what_it_may_be() {
    for (json, said) in [
        (r#"{"limit": []}"#, "`limit` is a list, but must be a table"),
        (
            r#"{"limit": {"max": "9"}}"#,
            "`limit.max` is \"9\", but must be a whole number from 0 to 9223372036854775807",
        ),
        (
            r#"{"limit": {"max": -9}}"#,
            "`limit.max` is -9, but must be a whole number from 0 to 9223372036854775807",
        ),
        (
            r#"{"limit": {"max": null}}"#,
            "`limit.max` is nothing, but must be a whole number from 0 to 9223372036854775807",
        ),
        (
            r#"{"limit": {"max_wait": 400}}"#,
            "`limit.max_wait` is 400, but must be a duration such as \"400ms\" or \"1m 30s\"",
        ),
        (
            r#"{"routes": {"/": {"priority": "high"}}}"#,
            "`routes.\"/\".priority` is \"high\", but must be one of critical, normal, sheddable, bulk",
        ),
        (
            r#"{"breaker": {"probes": 5000000000}}"#,
            "`breaker.probes` is 5000000000, but must be a whole number from 0 to 4294967295",
        ),
        (r#"{"report_only": 1}"#, "`report_only` is 1, but must be true or false"),
    ] {
        assert_eq!(fault(json), said);
    }
}

#[test]
fn quotas_tell_which_of_them_is_wrong() {
    for (json, said) in [
        (r#"{"rate": {"per_key": true}}"#, "`rate.quotas` is not said, or empty"),
        (r#"{"rate": {"quotas": [{"per": "1s"}]}}"#, "`rate.quotas[0].cells` is not said"),
        (
            r#"{"rate": {"quotas": [{"cells": 1}, {"cells": 0}]}}"#,
            "`rate.quotas[1]` is 0, but must be at least 1",
        ),
        (
            r#"{"rate": {"quotas": [{"cells": 1, "burst": 0}]}}"#,
            "`rate.quotas[0].burst` is 0, but must be from 1 to 4294967295",
        ),
        (
            r#"{"rate": {"per_key": true, "quotas": [{"cells": 1}], "plans": {"pro": []}}}"#,
            "`rate.plans.pro` is empty, but must be from 1 to 4, as many as may hold together",
        ),
        (
            r#"{"rate": {"quotas": [{"cells": 1}], "plans": {"pro": [{"cells": 2}]}}}"#,
            "`rate.plan` is pro, but must be of a limit `per_key`",
        ),
        (
            r#"{"rate": {"quotas": [{"cells": 1}, {"cells": 1}, {"cells": 1}, {"cells": 1}, {"cells": 1}]}}"#,
            "`rate.quotas` is 5, but must be from 1 to 4",
        ),
    ] {
        assert_eq!(fault(json), said);
    }
}

#[test]
fn what_is_said_twice_is_a_fault() {
    assert_eq!(fault(r#"{"limit": {"max": 1, "max": 2}}"#), "`limit.max` is said twice");
    assert_eq!(fault(r#"{"limit": {"max": 1}, "limit": {}}"#), "`limit` is said twice");
    let twice = r#"{"routes": {"/a": {}, "/a": {}}}"#;
    assert_eq!(fault(twice), "`routes.\"/a\"` is said twice");
    let twice = r#"{"rate": {"quotas": [{"cells": 1}], "quotas": [{"cells": 1}]}}"#;
    assert_eq!(fault(twice), "`rate.quotas` is said twice");
}

#[test]
fn a_route_is_a_path() {
    assert_eq!(
        fault(r#"{"routes": {"search": {}}}"#),
        "`routes.search` is \"search\", but must be a path, from `/` on"
    );
}

#[test]
fn variables_say_the_same_as_a_file() {
    let vars = [
        ("BROWNOUT_LIMIT_MAX_WAIT", "250ms"),
        ("BROWNOUT_LIMIT_HEADROOM", "0.2"),
        ("BROWNOUT_BREAKER_MIN_CALLS", "20"),
        ("BROWNOUT_REPORT_ONLY", "true"),
        ("PATH", "/bin"),
    ];
    let said = Settings::default().with_vars("BROWNOUT_", vars);
    let file = r#"{"limit": {"max_wait": "250ms", "headroom": 0.2}, "breaker": {"min_calls": 20},
        "report_only": true}"#;
    assert_eq!(said, read(file));
}

#[test]
fn variables_go_over_what_a_file_says() {
    let file = read(r#"{"limit": {"max": 50, "queue": 5}}"#).expect("it is valid");
    let both = file.with_vars("", [("LIMIT_MAX", "60")]);
    assert_eq!(both, read(r#"{"limit": {"max": 60, "queue": 5}}"#));
}

#[test]
fn a_variable_that_is_wrong_is_named_as_such() {
    let fault = |name, value| {
        let said = Settings::default().with_vars("BROWNOUT_", [(name, value)]);
        said.expect_err(name).to_string()
    };
    assert_eq!(
        fault("BROWNOUT_LIMIT_MAX_WIAT", "1s"),
        "`BROWNOUT_LIMIT_MAX_WIAT` is not a setting; did you mean `BROWNOUT_LIMIT_MAX_WAIT`?"
    );
    assert_eq!(
        fault("BROWNOUT_LIMIT_MAX", "many"),
        "`BROWNOUT_LIMIT_MAX` is \"many\", but must be a whole number from 0 to 9223372036854775807"
    );
    assert_eq!(fault("BROWNOUT_LIMIT_MAX", "0"), "`limit.max` is 0, but must be at least 1");
    assert!(fault("BROWNOUT_DATABASE_SHOP_SLOW_AFTER", "1s").contains("is not a setting"));
}
