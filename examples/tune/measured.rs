//! What is known of the database.

use std::{fmt, fs, path::Path};

use brownout::simulate::Scenario;
use serde_json::Value;

use crate::args::Args;

/// A database as the model needs it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// Of each instance.
    pub(crate) connections: usize,
    /// What a request takes alone, in seconds.
    pub(crate) service: f64,
    /// Requests a second, at the knee.
    pub(crate) capacity: f64,
    /// Queries at once.
    pub(crate) knee: f64,
    /// Of customers, in seconds.
    pub(crate) patience: f64,
    pub(crate) surge: f64,
    pub(crate) instances: usize,
}

impl Measured {
    pub(crate) fn of(args: &Args) -> Result<Self, String> {
        let (capacity, service, knee) = match &args.from {
            Some(path) => sustained(path)?,
            None => (args.capacity, args.service.as_secs_f64(), args.knee),
        };
        let work = capacity * service;
        if !(0.1..=2_000.0).contains(&work) {
            return Err(format!(
                "{capacity} requests a second of {:.1} ms are {work:.2} at once, but must be from 0.1 to 2000",
                1e3 * service
            ));
        }
        let knee = knee.unwrap_or_else(|| fewest(work));
        if !(1.0..=10_000.0).contains(&knee) || knee < 0.95 * work {
            return Err(format!(
                "--knee is {knee}, but must be from {:.0} to 10000",
                work.max(1.0)
            ));
        }
        if !(1.0..=20.0).contains(&args.surge) {
            return Err(format!("--surge is {}, but must be from 1 to 20", args.surge));
        }
        let (connections, instances) = (args.connections as usize, args.instances as usize);
        let patience = args.patience.as_secs_f64();
        Ok(Self { connections, service, capacity, knee, patience, surge: args.surge, instances })
    }

    /// The model of it, without any phase yet.
    pub(crate) fn scenario(&self) -> Scenario {
        let mut scenario = Scenario::new("tune");
        let shares = scenario.demands.iter().map(|demand| demand.share * demand.seconds);
        let usual: f64 = shares.sum();
        for demand in &mut scenario.demands {
            demand.seconds *= self.service / usual;
        }
        scenario.knee = self.knee.max(1.0);
        scenario.contention = contention(self.knee, self.capacity * self.service);
        scenario.pool = self.connections;
        scenario.timeout = self.patience;
        scenario.instances = self.instances;
        scenario
    }
}

/// The share of a query that runs alone with which so many at once do this work, by the model's
/// law: knee / work = 1 + (knee − 1)(σ + (1 − σ) / knee).
fn contention(knee: f64, work: f64) -> f64 {
    if knee <= 1.0 {
        return 0.0;
    }
    let each = (knee / work - 1.0) / (knee - 1.0);
    ((each - 1.0 / knee) / (1.0 - 1.0 / knee)).clamp(0.0, 1.0)
}

/// How many queries at once it takes for this work, with the usual contention.
fn fewest(work: f64) -> f64 {
    let done = |knee: f64| knee / (1.0 + (knee - 1.0) * (USUAL + (1.0 - USUAL) / knee));
    (1..10_000).map(f64::from).find(|knee| done(*knee) >= work).unwrap_or(2.5 * work)
}

/// Capacity, service time and knee, from a report.
fn sustained(path: &Path) -> Result<(f64, f64, Option<f64>), String> {
    let fault = |fault: String| format!("--from {}: {fault}", path.display());
    let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| fault(error.to_string()))?;
    let number = |place: &str| report.pointer(place).and_then(Value::as_f64);
    let of = |place| number(place).ok_or_else(|| fault(format!("there is no number at {place}")));
    let (queries, work) = (of("/sustained/best/queries")?, of("/sustained/best/work")?);
    if queries <= 0.0 {
        return Err(fault("it did nothing yet".into()));
    }
    Ok((queries, work / queries, Some(of("/sustained/knee")?.max(work).max(1.0))))
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, service, capacity, knee, patience, surge, instances } = self;
        let service = 1e3 * service;
        write!(
            f,
            "{instances} × {connections} connections, {capacity:.0} requests/s of {service:.1} ms at \
             {knee:.0} at once, customers who wait {patience:.1} s, {surge} times that in the surge"
        )
    }
}

/// That of `Scenario::new`.
const USUAL: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn measured(args: &[&str]) -> Result<Measured, String> {
        Measured::of(&Args::parse_from(["tune"].iter().chain(args)))
    }

    #[test]
    fn the_model_does_what_was_measured() {
        for (knee, work) in [(16.0, 6.4), (40.0, 12.0), (5.0, 2.5)] {
            let sigma = contention(knee, work);
            let speed = 1.0 + (knee - 1.0) * (sigma + (1.0 - sigma) / knee);
            assert!((knee / speed - work).abs() < 0.01 * work, "{knee} {work}: {sigma}");
        }
    }

    #[test]
    fn what_cannot_be_is_named() {
        let fault = |args: &[&str]| measured(args).expect_err("it cannot be");
        assert!(fault(&["--capacity", "0"]).contains("at once, but must be"));
        assert!(fault(&["--knee", "2"]).contains("--knee is 2, but must be from"));
        assert!(fault(&["--surge", "99"]).contains("--surge is 99"));
        assert!(fault(&["--from", "/nonexistent"]).starts_with("--from /nonexistent: "));
    }

    #[test]
    fn a_report_is_read() {
        let file = tempfile::NamedTempFile::new().expect("there is room");
        let path = file.path().to_str().expect("it is text");
        let json = r#"{"sustained": {"best": {"queries": 800.0, "work": 8.0}, "knee": 20.0}}"#;
        fs::write(path, json).expect("there is room");
        let read = measured(&["--from", path]).expect("it is one");
        assert_eq!((read.capacity, read.service, read.knee), (800.0, 0.01, 20.0));
        fs::write(path, r#"{"sustained": null}"#).expect("there is room");
        assert!(measured(&["--from", path]).expect_err("it is none").contains("/sustained/best"));
    }
}
