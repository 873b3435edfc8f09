//! What the crate depends on: as it is listed, from the registry, under licences that allow it.

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Command};

/// Each asks for no more than to be named.
const LICENCES: [&str; 9] = [
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A package of which users of the crate build something, with all features.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    licence: String,
    /// Where it is from, if not from the registry.
    from: Option<String>,
}

impl Package {
    /// From a line such as `name v1.0.0 (where)|licence`.
    fn read(line: &str) -> Self {
        let (package, licence) = line.split_once('|').expect("it was asked for so");
        let package = package.replace("(proc-macro)", "");
        let from = package.split_once('(').map(|(_, from)| from.trim_end_matches([')', ' ']));
        Self {
            name: package.split(' ').next().unwrap_or_default().to_owned(),
            licence: licence.trim_end_matches("(*)").trim().to_owned(),
            from: from.map(str::to_owned),
        }
    }
}

/// What cargo knows of the tree to this depth, without asking anybody.
fn tree(depth: &str) -> BTreeSet<Package> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["tree", "--offline", "--all-features", "--edges=normal,build"]);
    cargo.args(["--prefix=none", "--format={p}|{l}", "--depth", depth]);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("it is text");
    let packages = text.lines().filter(|line| !line.is_empty()).map(Package::read);
    packages.filter(|package| package.name != "brownout").collect()
}

/// Whether one of the ways to take it is allowed: `A OR B`, `A AND B`, `A/B`, with brackets.
fn is_allowed(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ");
    // Those in the crates here are either flat, or have brackets around an `OR`.
    let (inside, rest) = match licence.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((inside, rest)) => (inside, rest.trim().trim_start_matches("AND ").to_owned()),
        None => ("", licence.clone()),
    };
    let any = |own: &str| own.split(" OR ").any(|own| own.split(" AND ").all(one));
    any(&rest) && (inside.is_empty() || any(inside))
}

fn one(licence: &str) -> bool {
    LICENCES.contains(&licence.trim())
}

#[test]
fn each_is_from_the_registry_and_may_be_used() {
    let packages = tree("99");
    assert!(packages.len() > 100, "only {} were found", packages.len());
    let is_foreign = |own: &&Package| own.from.is_some() || !is_allowed(&own.licence);
    let faults: Vec<_> = packages.iter().filter(is_foreign).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn each_is_reviewed_and_nothing_else() {
    let wanted: BTreeSet<_> = tree("1").into_iter().map(|own| own.name).collect();
    let page = fs::read_to_string(root().join("src/threats.rs")).expect("it is there");
    let (_, table) = page.split_once("| crate | for |").expect("there is a table");
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("//! | "));
    let named = rows.filter_map(|row| row.split(" | ").next());
    let named = named.flat_map(|names| names.split('`').skip(1).step_by(2));
    assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), wanted);
}

#[test]
fn a_licence_that_asks_for_more_is_found() {
    for allowed in [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "MIT AND BSD-3-Clause",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
    ] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for other in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0", "(GPL-3.0) AND MIT"]
    {
        assert!(!is_allowed(other), "{other}");
    }
}

#[test]
fn a_package_from_elsewhere_is_found() {
    let read = |line| Package::read(line).from;
    assert_eq!(read("serde v1.0.0|MIT"), None);
    assert_eq!(read("serde_derive v1.0.0 (proc-macro)|MIT (*)"), None);
    let from = read("serde v1.0.0 (https://example.org/serde#0a1b)|MIT");
    assert_eq!(from.as_deref(), Some("https://example.org/serde#0a1b"));
    assert_eq!(Package::read("a v1.0.0|MIT OR Apache-2.0 (*)").licence, "MIT OR Apache-2.0");
}
