//! Whatever may be said comes back as it was.

use proptest::{collection::btree_map, prelude::*};

use super::super::{
    Settings,
    schema::{self, Known},
    tree::Tree,
};

/// A value that this setting may have.
fn value(row: &Known) -> BoxedStrategy<Tree> {
    let words: Vec<_> = row.range.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let is_number = row.default.is_some_and(|default| default.parse::<f64>().is_ok());
    match (row.path.rsplit('.').next().expect("it has one"), row.default) {
        ("headroom" | "enforced_for", _) => parts(0..1025),
        ("dim_above" | "trip_share", _) => parts(1..1025),
        ("slow_times" | "cost", _) => parts(2048..600_000),
        ("min", _) => (0_u64..100).prop_map(Tree::Count).boxed(),
        ("rank", _) => (0_u64..256).prop_map(Tree::Count).boxed(),
        ("cells" | "burst", _) => (1_u64..1000).prop_map(Tree::Count).boxed(),
        (_, Some("false")) => any::<bool>().prop_map(Tree::Flag).boxed(),
        _ if is_number => (100_u64..1_000_000).prop_map(Tree::Count).boxed(),
        ("priority" | "downgrade_to" | "unkeyed", _) => {
            prop::sample::select(words).prop_map(Tree::Text).boxed()
        }
        // In all ranges, and in order where two of them have to be.
        (name, _) => {
            let least = if name == "open_at_most" { 1_000_000_000_u64 } else { 100_000_000 };
            let time = move |nanos| {
                humantime::format_duration(std::time::Duration::from_nanos(least + nanos))
            };
            (0_u64..900_000_000).prop_map(move |nanos| Tree::Text(time(nanos).to_string())).boxed()
        }
    }
}

/// So many 1024ths, which each reader reads exactly.
fn parts(range: std::ops::Range<u32>) -> BoxedStrategy<Tree> {
    range.prop_map(|parts| Tree::Number(f64::from(parts) / 1024.0)).boxed()
}

/// Some settings of the table at this path.
fn table(path: &str) -> BoxedStrategy<Tree> {
    let is_there = |row: &Known| {
        let name = row.path.strip_prefix(path).map(|rest| rest.trim_start_matches('.'));
        name.is_some_and(|name| !name.is_empty() && !name.contains(['.', '[', '"']))
    };
    let each = schema::known().into_iter().filter(is_there).map(|row| {
        let name = row.path.rsplit('.').next().expect("it has one").to_owned();
        let has_to_be_said = name == "cells";
        let said = value(&row).prop_map(move |value| Some((name.clone(), value))).boxed();
        if has_to_be_said { said } else { prop_oneof![said, Just(None)].boxed() }
    });
    let each = each.collect::<Vec<_>>();
    each.prop_map(|said| Tree::Table(said.into_iter().flatten().collect())).boxed()
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{0,6}", any::<String>()]
}

fn named(
    name: impl Strategy<Value = String>,
    of: impl Strategy<Value = Tree>,
) -> impl Strategy<Value = Tree> {
    btree_map(name, of, 0..4).prop_map(|table| Tree::Table(table.into_iter().collect()))
}

fn with(table: Tree, more: impl IntoIterator<Item = (&'static str, Tree)>) -> Tree {
    let Tree::Table(mut table) = table else { unreachable!("it is one") };
    table.extend(more.into_iter().map(|(name, tree)| (name.to_owned(), tree)));
    Tree::Table(table)
}

fn rate() -> impl Strategy<Value = Tree> {
    let quotas = || prop::collection::vec(table("rate.quotas[]"), 1..=4).prop_map(Tree::List);
    // A few names, since a process knows no more than so many.
    let plans = named("[ab]", quotas());
    (table("rate"), quotas(), plans).prop_map(|(own, quotas, plans)| {
        let own = with(own, [("quotas", quotas), ("plans", plans)]);
        let Tree::Table(own) = own else { unreachable!("it is one") };
        let rest = own.into_iter().filter(|(name, _)| name != "per_key");
        Tree::Table(rest.chain([("per_key".to_owned(), Tree::Flag(true))]).collect())
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let limited = (table("database.NAME"), table("limit"));
    let database = limited.prop_map(|(own, limit)| with(own, [("limit", limit)]));
    let databases = named(names(), database);
    let routes = named(names().prop_map(|name| format!("/{name}")), table("routes.\"/PATH\""));
    let rate = prop::option::of(rate());
    let all = (table(""), table("limit"), table("breaker"), rate, databases, routes);
    all.prop_map(|(own, limit, breaker, rate, databases, routes)| {
        let rate = rate.map(|rate| ("rate", rate));
        let tables =
            [("limit", limit), ("breaker", breaker), ("database", databases), ("routes", routes)];
        Settings::read(with(own, tables.into_iter().chain(rate))).expect("it is in range")
    })
}

proptest! {
    #[test]
    fn settings_come_back_out_of_toml_as_they_were(settings in settings()) {
        prop_assert_eq!(Settings::from_toml(&settings.to_toml()), Ok(settings));
    }

    #[test]
    fn settings_come_back_out_of_json_as_they_were(settings in settings()) {
        let json = serde_json::to_string(&settings).expect("it can be written");
        prop_assert_eq!(serde_json::from_str::<Settings>(&json).ok(), Some(settings));
    }

    #[test]
    fn what_is_in_effect_is_the_same_as_what_was_said(settings in settings()) {
        let effective = settings.effective();
        prop_assert_eq!(&effective.effective(), &effective);
        prop_assert_eq!(Settings::from_toml(&effective.to_toml()), Ok(effective.clone()));
        prop_assert_eq!(format!("{:?}", effective.breaker()), format!("{:?}", settings.breaker()));
        prop_assert_eq!(format!("{:?}", effective.rate()), format!("{:?}", settings.rate()));
        for name in settings.databases.keys() {
            let of = |settings: &Settings| format!("{:?}", settings.limit_of(name));
            prop_assert_eq!(of(&effective), of(&settings));
        }
        prop_assert!(settings.takes_restart(&effective).is_empty());
    }
}
