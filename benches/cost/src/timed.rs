//! What the other program of this package measures: its clock is the system's.

use std::{collections::HashMap, process::Command};

use crate::callgrind::executable;

/// In nanoseconds a call, by the name of the case.
#[derive(Default)]
pub struct Times {
    pub calls: HashMap<String, f64>,
    /// With one worker, and with two.
    pub workers: [HashMap<String, f64>; 2],
}

pub fn measure() -> Result<Times, String> {
    let program = executable().with_file_name("time");
    let ran = Command::new(&program).output();
    let ran = ran.map_err(|why| format!("{}: {why}", program.display()))?;
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
