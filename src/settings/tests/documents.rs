//! The documents are those of the code. `BLESS=1 cargo test --lib settings` writes the table anew.

use std::{env, fs, path::PathBuf};

use super::super::{
    Settings,
    schema::{self, Known},
};

const TABLE: &str = include_str!("../table.md");
const EXAMPLE: &str = include_str!("../brownout.toml");

fn row(known: &Known) -> String {
    let Known { path, default, range, about } = known;
    let default = default.map_or("–".to_owned(), |default| format!("`{default}`"));
    format!("| `{path}` | {about} | {default} | {range} |\n")
}

#[test]
fn the_table_is_that_of_the_code() {
    let rows: String = schema::known().iter().map(row).collect();
    let expected = format!("| setting | | default | may be |\n|---|---|---|---|\n{rows}");
    if env::var_os("BLESS").is_some() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/settings/table.md");
        fs::write(path, expected).expect("it can be written");
    } else {
        assert!(TABLE == expected, "it is not: run this with BLESS=1");
    }
}

#[test]
fn the_example_has_every_setting_in_it() {
    let settings = Settings::from_toml(EXAMPLE).expect("it is valid");
    for row in schema::known() {
        let name = row.path.rsplit('.').next().expect("it has one");
        let is_said = |line: &str| line.contains(&format!("{name} = "));
        assert!(EXAMPLE.lines().any(is_said), "{}", row.path);
    }
    assert!(settings.rate().is_some());
}

#[test]
fn where_the_example_says_nothing_else_it_says_the_defaults() {
    let mut settings = Settings::from_toml(EXAMPLE).expect("it is valid");
    let default = Settings::default().effective();
    settings.databases.values_mut().for_each(|of| of.limit.clear());
    assert_eq!((&settings.own, &settings.limit), (&default.own, &default.limit));
    assert_eq!(settings.breaker, default.breaker);
    let shop = settings.databases["shop"].clone();
    assert_eq!(shop.filled(), shop);
}
