//! The rules of the house: which room may use which, and what stands where.

mod support {
    pub(crate) mod source;
}

use std::{fs, path::Path};

use support::source::Source;

/// The rooms from the top: an import goes only from a later row to an earlier one, or
/// stays at home. Rooms that share a row but not a group do not know each other.
const ROOMS: [&[&[&str]]; 8] = [
    &[&[
        "brownout",
        "class",
        "outcome",
        "rejection",
        "signal",
        "standing",
        "event",
        "config",
        "serial",
    ]],
    &[&["control"]],
    &[
        &["gate"],
        &["database"],
        &["journal"],
        &["clock"],
        &["lock"],
        &["striped"],
        &["sync"],
        &["number"],
    ],
    &[&["admission", "fallback", "incident"]],
    &[&["overview"]],
    &[
        &["http", "client"],
        &["console"],
        &["redis"],
        &["stale"],
        &["sqlx"],
        &["simulate"],
        &["tracing"],
    ],
    &[&["metrics"], &["settings"]],
    &[&["guide"]],
];

/// The longest that a file may be before its tests, in lines.
const LONGEST: usize = 300;

fn place(room: &str) -> Option<(usize, usize)> {
    ROOMS.iter().enumerate().find_map(|(row, groups)| {
        let group = groups.iter().position(|group| group.contains(&room))?;
        Some((row, group))
    })
}

fn may_use(user: &str, used: &str) -> bool {
    let (Some(user), Some(place)) = (place(user), place(used)) else { return false };
    // These are for the whole row.
    let tool = matches!(used, "clock" | "lock" | "striped" | "sync");
    user.0 > place.0 || user == place || (tool && user.0 == place.0)
}

fn wrong_imports(source: &Source) -> Vec<String> {
    let user = source.room();
    let wrong = source.imports().into_iter().filter(|(_, used)| !may_use(user, used));
    wrong.map(|(line, used)| source.fault(line, format!("`{user}` uses `{used}`"))).collect()
}

/// What in the crate's root is neither a module nor a re-export.
fn furniture_in_the_root(source: &Source) -> Vec<String> {
    let allowed =
        |item: &&str| ["mod ", "pub mod ", "pub use "].iter().any(|start| item.starts_with(start));
    let items: Vec<_> = source.code().map(|(_, line)| line.trim()).collect();
    let items: Vec<_> = items.into_iter().filter(|line| !line.starts_with('#')).collect();
    let items = items.join(" ");
    let items = items.split(';').map(str::trim).filter(|item| !item.is_empty());
    items.filter(|item| !allowed(item)).map(|item| format!("{}: {item}", source.path)).collect()
}

/// Features that are asked for inside of something. Whole items may depend on one.
fn features_in_bodies(source: &Source) -> Vec<String> {
    let asks = |line: &str| line.contains("cfg(feature") || line.contains("cfg!(feature");
    let inside = source.code().filter(|(_, line)| line.starts_with(' ') && asks(line));
    inside.map(|(line, text)| source.fault(line, text.trim())).collect()
}

/// Locks of std that a panic in another thread would break. Who locks while it awaits uses tokio's,
/// which no panic breaks.
fn breakable_locks(source: &Source) -> Vec<String> {
    let code: Vec<_> = source.code().collect();
    let locks =
        |line: &str| [".lock()", ".read()", ".write()"].iter().any(|own| line.contains(own));
    let mends = |line: &str| line.contains("PoisonError::into_inner") || line.contains(".await");
    let broken = code.iter().enumerate().filter(|(index, (_, line))| {
        locks(line) && !code[*index..].iter().take(2).any(|(_, line)| mends(line))
    });
    broken.map(|(_, (line, text))| source.fault(*line, text.trim())).collect()
}

fn too_long(source: &Source) -> Vec<String> {
    let length = source.lines.len();
    if length <= LONGEST { Vec::new() } else { vec![source.fault(length, "it is too long")] }
}

/// All source files of the crate but those that are tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("it can be read").path();
            let inside = path.strip_prefix(&root).expect("it is inside");
            let name = inside.to_str().expect("it is text").replace('\\', "/");
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                sources.push(Source::new(&name, &fs::read_to_string(&path).expect("it is text")));
            }
        }
    }
    assert!(sources.len() > 30, "only {} files were found", sources.len());
    sources
}

fn all(check: impl Fn(&Source) -> Vec<String>, of: impl Fn(&Source) -> bool) -> Vec<String> {
    sources().iter().filter(|source| of(source)).flat_map(check).collect()
}

#[test]
fn imports_go_only_up() {
    assert_eq!(all(wrong_imports, |source| !source.is_root()), [""; 0]);
}

#[test]
fn the_root_only_lists_the_rooms() {
    assert_eq!(all(furniture_in_the_root, Source::is_root), [""; 0]);
}

#[test]
fn features_choose_items_and_not_lines_of_code() {
    let elsewhere = |source: &Source| source.room() != "http";
    assert_eq!(all(features_in_bodies, elsewhere), [""; 0]);
}

#[test]
fn no_lock_is_taken_so_that_a_panic_breaks_it() {
    assert_eq!(all(breakable_locks, |_| true), [""; 0]);
}

#[test]
fn no_file_is_too_long_to_read() {
    assert_eq!(all(too_long, |_| true), [""; 0]);
}

#[test]
fn an_import_downwards_or_next_door_is_found() {
    let count = |path, text| wrong_imports(&Source::new(path, text)).len();
    assert_eq!(count("gate/rate.rs", "use crate::{class::{Class, Key}, clock, lock::lock};"), 0);
    assert_eq!(count("gate/rate.rs", "use crate::database::Database;"), 1);
    assert_eq!(count("database/handle.rs", "use crate::gate::Gate;"), 1);
    assert_eq!(count("control/queue.rs", "use crate::clock;"), 1);
    assert_eq!(count("class.rs", "use crate::{\n    outcome::Sample,\n    gate::Gate,\n};"), 1);
    assert_eq!(count("admission/mod.rs", "use crate::{class::{Class, Key}, http::Routes};"), 1);
    assert_eq!(count("control/limit/mod.rs", "fn f(db: &crate::database::Database) {}"), 1);
    assert_eq!(count("gate/mod.rs", "use super::database::Database;"), 1);
    assert_eq!(count("gate/rate.rs", "use super::Gate;"), 0, "that is its own room");
    assert_eq!(count("gate/mod.rs", "use crate::Database;"), 1, "a room is named as such");
}

#[test]
fn an_import_for_tests_or_documentation_is_none() {
    let count = |path, text| wrong_imports(&Source::new(path, text)).len();
    let text = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::http::Routes;\n}\n";
    assert_eq!(count("class.rs", text), 0);
    let text = "#[cfg(test)]\nuse crate::http::Routes;\nuse crate::http::Timeout;\n";
    assert_eq!(count("class.rs", text), 2, "only a module of tests is left out");
    assert_eq!(count("class.rs", "/// See [`crate::http`].\nfn f() {}"), 0);
}

#[test]
fn furniture_in_the_root_is_found() {
    let count = |text| furniture_in_the_root(&Source::new("lib.rs", text)).len();
    assert_eq!(
        count("//! Docs.\n#![cfg(x)]\nmod a;\npub use self::{\n    a::A,\n    a::B,\n};"),
        0
    );
    assert_eq!(count("mod a;\nfn f() {}"), 1);
    assert_eq!(count("pub struct Handle;\nmod a;"), 1);
    assert_eq!(count("use std::fmt;"), 1, "a private import serves code");
}

#[test]
fn a_feature_inside_a_body_is_found() {
    let count = |text| features_in_bodies(&Source::new("gate/rate.rs", text)).len();
    assert_eq!(count("#[cfg(feature = \"http\")]\nmod a;"), 0);
    assert_eq!(count("fn f() {\n    #[cfg(feature = \"http\")]\n    g();\n}"), 1);
    assert_eq!(count("fn f() {\n    if cfg!(feature = \"http\") {}\n}"), 1);
}

#[test]
fn a_lock_that_a_panic_breaks_is_found() {
    let count = |text| breakable_locks(&Source::new("gate/rate.rs", text)).len();
    assert_eq!(count("let state = self.state.lock().unwrap();"), 1);
    assert_eq!(count("let state = self.state.read().expect(\"it is whole\");"), 1);
    assert_eq!(count("let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);"), 0);
    assert_eq!(count("let state = lock(&self.state);"), 0);
    assert_eq!(count("let state = self.state.lock().await;"), 0);
}

#[test]
fn a_file_that_is_too_long_is_found_and_its_tests_do_not_count() {
    let count = |text: &str| too_long(&Source::new("class.rs", text)).len();
    assert_eq!(count(&"\n".repeat(LONGEST)), 0);
    assert_eq!(count(&"\n".repeat(LONGEST + 1)), 1);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}", "\n".repeat(LONGEST));
    assert_eq!(count(&tests), 0);
}
