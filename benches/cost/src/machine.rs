//! Where it was measured, and of what.

use std::fs;

pub fn machine(compiler: &str) -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("On {cores} cores of {model}, with {compiler}.\n\n{}.", versions())
}

fn versions() -> String {
    let lock = include_str!("../Cargo.lock").split("[[package]]");
    let field = |package: &'static str, name| {
        package
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim_matches('"'))
    };
    let version = |package| {
        let (name, version) = (field(package, "name = ")?, field(package, "version = ")?);
        let peer = PEERS.contains(&name) && version != OLD_TOWER;
        peer.then(|| format!("{name} {version}"))
    };
    lock.filter_map(version).collect::<Vec<_>>().join(", ")
}

const PEERS: [&str; 12] = [
    "brownout",
    "congestion-limiter",
    "failsafe",
    "governor",
    "little-loadshedder",
    "recloser",
    "tower",
    "tower-acc",
    "tower-resilience-adaptive",
    "tower-resilience-circuitbreaker",
    "tower-resilience-ratelimiter",
    "tower_governor",
];
/// Some depend on it.
const OLD_TOWER: &str = "0.4.13";
