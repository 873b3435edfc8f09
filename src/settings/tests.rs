//! What is declared holds.

mod applied;
mod declared;
mod documents;
mod faults;
mod round_trip;

use super::{InvalidSettings, Settings, tree::Tree};

fn read(json: &str) -> Result<Settings, InvalidSettings> {
    let tree: Tree = serde_json::from_str(json).expect("it is JSON");
    Settings::read(tree)
}

fn fault(json: &str) -> String {
    read(json).expect_err(json).to_string()
}

#[test]
fn nothing_said_is_the_default_of_everything() {
    let settings = read("{}").expect("nothing is wrong");
    assert_eq!(settings, Settings::default());
    assert!(settings.rate().is_none());
}

#[test]
fn what_is_said_of_one_database_is_laid_over_the_limit_of_all() {
    let settings =
        read(r#"{"limit": {"max": 60, "queue": 5}, "database": {"a": {"limit": {"max": 7}}}}"#);
    let settings = settings.expect("it is valid");
    let of = |name| format!("{:?}", settings.limit_of(name));
    assert!(of("a").contains("max: 7") && of("a").contains("queue: 5"), "{}", of("a"));
    assert!(of("b").contains("max: 60"), "{}", of("b"));
}
