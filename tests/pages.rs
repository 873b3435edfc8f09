//! The pages of promises: each names its tests, and each of those is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const PAGES: [&str; 2] = ["guarantees", "threats"];

/// Where nothing is promised.
const LAST: &str = "# What is not";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    let text = fs::read_to_string(root().join("src").join(name).with_extension("rs"));
    let text = text.unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines = text.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim_start);
    lines.collect::<Vec<_>>().join("\n")
}

/// The tests that a text names: `file::test`, or `lib::room::test`.
fn named(text: &str) -> Vec<&str> {
    let is_path = |own: &&str| {
        let is_name = |part: &str| {
            let is_letter =
                |letter: char| letter.is_ascii_lowercase() || "_0123456789".contains(letter);
            !part.is_empty() && part.chars().all(is_letter)
        };
        own.contains("::") && own.split("::").all(is_name)
    };
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(is_path)
        .filter(|own| !own.starts_with("http::"))
        .collect()
}

/// What a page promises: what is under a point, to the next one.
fn promises(page: &str) -> Vec<String> {
    let (promised, _) = page.split_once(LAST).expect("it says what is not promised");
    let mut promises = Vec::new();
    for line in promised.lines() {
        match (line.strip_prefix("* "), promises.last_mut()) {
            (Some(begun), _) => promises.push(begun.to_owned()),
            (None, Some(last)) if !line.is_empty() && !line.starts_with('#') => {
                *last += " ";
                *last += line;
            }
            _ => {}
        }
    }
    promises
}

/// All tests below a folder, as `name of the file or folder::test`.
fn tests_in(folder: &Path, as_room: Option<&str>, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("it is text").to_owned();
        if path.is_dir() {
            tests_in(&path, Some(as_room.unwrap_or(&stem)), into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).expect("it is text");
            for test in tests_of(&text) {
                into.insert(format!("{}::{test}", as_room.unwrap_or(&stem)));
                into.insert(format!("{stem}::{test}"));
            }
        }
    }
}

/// The functions that follow a `#[test]`.
fn tests_of(text: &str) -> Vec<&str> {
    let attributes = ["#[test]", "#[tokio::test"];
    let mut tests = Vec::new();
    let mut lines = text.lines().map(str::trim_start);
    while let Some(line) = lines.next() {
        if attributes.iter().any(|attribute| line.starts_with(attribute)) {
            let function = lines.find_map(|line| line.split_once("fn ").map(|(_, rest)| rest));
            let name = function.and_then(|rest| rest.split('(').next());
            tests.extend(name);
        }
    }
    tests
}

fn all_tests() -> BTreeSet<String> {
    let mut inside = BTreeSet::new();
    tests_in(&root().join("src"), None, &mut inside);
    let mut tests: BTreeSet<_> = inside.into_iter().map(|test| format!("lib::{test}")).collect();
    tests_in(&root().join("tests"), None, &mut tests);
    tests
}

#[test]
fn each_promise_names_a_test_and_each_test_is_there() {
    let tests = all_tests();
    assert!(tests.len() > 1_000, "only {} were found", tests.len());
    let mut faults = Vec::new();
    for name in PAGES {
        let promises = promises(&page(name));
        assert!(promises.len() > 10, "{name} promises little: {promises:?}");
        for promise in promises {
            if named(&promise).is_empty() {
                faults.push(format!("{name}: no test for: {promise}"));
            }
            let missing = named(&promise).into_iter().filter(|own| !tests.contains(*own));
            faults.extend(missing.map(|own| format!("{name}: there is no {own}")));
        }
    }
    assert_eq!(faults, [""; 0]);
}

#[test]
fn a_promise_without_a_test_is_found() {
    let page =
        "# One\n\n* it is so: `storm::a`,\n  `lib::gate::b`\n* it is said\n\n# What is not\n\n* no";
    let promises = promises(page);
    assert_eq!(promises.len(), 2);
    assert_eq!(named(&promises[0]), ["storm::a", "lib::gate::b"]);
    assert_eq!(named(&promises[1]), [""; 0]);
    assert_eq!(named("`db.sqlx(pool)`, `Admission::drain` and `http::key`"), [""; 0]);
    let text = "#[test]\n#[ignore]\nfn a() {\n    fn b() {}\n}\n\n#[tokio::test(x)]\nasync fn c(";
    assert_eq!(tests_of(text), ["a", "c"]);
}

#[test]
fn each_example_is_listed_and_nothing_else() {
    let page = fs::read_to_string(root().join("src/guide/examples.md")).expect("it is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let entries = fs::read_dir(root().join("examples")).expect("they are there");
    let names = entries.filter_map(|entry| {
        let path = entry.expect("it can be read").path();
        let is_program = path.is_file() || path.join("main.rs").exists(); // others are parts of several
        is_program.then(|| path.file_stem().expect("it has a name").to_string_lossy().into_owned())
    });
    let listed: BTreeSet<_> = rows.map(str::to_owned).collect();
    assert_eq!(listed, names.collect::<BTreeSet<_>>());
}
