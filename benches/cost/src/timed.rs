//! What the other program of this package measures: its clock is the system's.

use std::{collections::HashMap, path::Path, process::Command};

use crate::callgrind::executable;

/// In nanoseconds a call, by the name of the case.
#[derive(Default)]
pub struct Times {
    pub calls: HashMap<String, f64>,
    /// With one worker, and with two.
    pub workers: [HashMap<String, f64>; 2],
}

pub fn measure() -> Result<Times, String> {
    let program = executable();
    let target = program.ancestors().nth(2).unwrap_or(Path::new("target"));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    // Whoever runs the one has not built the other.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--release", "--manifest-path", manifest, "--bin", "time"]);
    let ran = cargo.arg("--target-dir").arg(target).output();
    let ran = ran.map_err(|why| format!("cargo: {why}"))?;
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
    }
    let mut times = Times::default();
    for line in String::from_utf8_lossy(&ran.stdout).lines() {
        let (measured, name) = line.split_once("  ").unwrap_or_default();
        let (kind, time) = measured.rsplit_once(' ').unwrap_or_default();
        let time = time.parse().map_err(|_| format!("what is {line:?}?"))?;
        let of_kind = match kind {
            "workers 1" => &mut times.workers[0],
            "workers 2" => &mut times.workers[1],
            _ => &mut times.calls,
        };
        of_kind.insert(name.to_owned(), time);
    }
    Ok(times)
}
