//! What it costs to build the crate, beside others: how many crates come with it, whether one
//! comes twice, and how long a clean build takes.
//!
//! `cargo run --release --manifest-path benches/growth/Cargo.toml --bin compile [-- ROUNDS]`.
//! Each round builds each of them anew, one after the other, in a folder that is deleted
//! afterwards. Default: 1 round; with 0 it only counts. The time on the processor is that of all
//! compilers together, and says more where the machine has other work.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// A name, and what a manifest asks for.
const PACKAGES: [(&str, &[&str]); 7] = [
    ("brownout, default features", &["brownout = { path = \"CRATE\" }"]),
    ("brownout, with `axum`", &["brownout = { path = \"CRATE\", features = [\"axum\"] }"]),
    ("tower_governor 0.8", &["tower_governor = \"=0.8.0\""]),
    ("tower-acc 0.1", &["tower-acc = \"=0.1.1\""]),
    ("tower-resilience-adaptive 0.14", &["tower-resilience-adaptive = \"=0.14.0\""]),
    (
        "tower-resilience 0.14, adaptive, breaker and rate limit",
        &[
            "tower-resilience-adaptive = \"=0.14.0\"",
            "tower-resilience-circuitbreaker = \"=0.14.0\"",
            "tower-resilience-ratelimiter = \"=0.14.0\"",
        ],
    ),
    (
        "tower_governor, tower-resilience's breaker and tower-acc",
        &[
            "tower_governor = \"=0.8.0\"",
            "tower-resilience-circuitbreaker = \"=0.14.0\"",
            "tower-acc = \"=0.1.1\"",
        ],
    ),
];

fn main() {
    let rounds = env::args().nth(1).map_or(1, |text| text.parse().expect("it is a number"));
    let folder = env::temp_dir().join(format!("brownout-compile-{}", std::process::id()));
    println!("| | crates | twice | s | s of CPU |\n|---|---:|---:|---:|---:|");
    for (name, dependencies) in PACKAGES {
        let package = Package::new(&folder, dependencies);
        let (crates, twice) = (package.crates(), package.twice());
        let built: Vec<_> = (0..rounds).map(|_| package.build()).collect();
        let median = |of: fn(&(f64, f64)) -> f64| {
            let mut values: Vec<_> = built.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).map_or("–".into(), |value| format!("{value:.1}"))
        };
        let (took, cpu) = (median(|own| own.0), median(|own| own.1));
        println!("| {name} | {crates} | {twice} | {took} | {cpu} |");
    }
    fs::remove_dir_all(folder).expect("it was made");
}

/// A package with nothing but dependencies.
struct Package(PathBuf);

impl Package {
    fn new(folder: &Path, dependencies: &[&str]) -> Self {
        let own = folder.join("package");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = fs::canonicalize(root).expect("the crate is there");
        let root = root.to_str().expect("its path is text");
        let dependencies = dependencies.join("\n").replace("CRATE", root);
        let manifest = format!(
            "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n[dependencies]\n{dependencies}\n"
        );
        let _ = fs::remove_dir_all(&own);
        fs::create_dir_all(own.join("src")).expect("it can be made");
        fs::write(own.join("src/lib.rs"), "").expect("it can be written");
        fs::write(own.join("Cargo.toml"), manifest).expect("it can be written");
        Self(own)
    }

    /// All that are compiled for this target to be linked, itself not counted.
    fn crates(&self) -> usize {
        self.tree(&["--edges", "normal"]).len() - 1
    }

    /// Those of which there are several versions.
    fn twice(&self) -> usize {
        let versions = self.tree(&["--edges", "normal", "--duplicates", "--depth", "0"]);
        let name = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        versions.iter().map(name).filter(|name| !name.is_empty()).collect::<BTreeSet<_>>().len()
    }

    fn tree(&self, arguments: &[&str]) -> BTreeSet<String> {
        let mut cargo = self.cargo("tree");
        cargo.args(["--prefix", "none", "--format", "{p}"]).args(arguments);
        let output = cargo.output().expect("cargo is there");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// Seconds by the clock, and of all processors.
    fn build(&self) -> (f64, f64) {
        let _ = fs::remove_dir_all(self.0.join("target"));
        assert!(self.cargo("fetch").status().expect("cargo is there").success());
        let (start, before) = (Instant::now(), seconds_of_children());
        assert!(self.cargo("build").status().expect("cargo is there").success());
        (start.elapsed().as_secs_f64(), seconds_of_children() - before)
    }

    fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.arg(command).current_dir(&self.0).stderr(Stdio::piped());
        cargo.env("CARGO_TARGET_DIR", self.0.join("target"));
        // What a build script is told of the package that runs this is not for these.
        cargo.env_remove("RUSTFLAGS");
        cargo
    }
}

/// The time on the processor of all processes that this one has waited for, and theirs.
fn seconds_of_children() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let (_, after_name) = text.rsplit_once(") ").expect("the name is in brackets");
    // The 16th and 17th of all, in hundredths: user and kernel.
    let fields = after_name.split(' ').skip(13).take(2);
    fields.map(|field| field.parse::<f64>().expect("it is a number") / 100.0).sum()
}
