//! The facade `metrics`, and nothing of it elsewhere.

use ::metrics::{Label, Unit, counter, describe_counter, describe_gauge, gauge};

use super::{Kind, METRICS, Metric};

/// Tells the recorder what all of them are.
pub(super) fn describe() {
    METRICS.iter().for_each(Metric::describe);
}

impl Metric {
    /// The counter with these values of its labels is at `count`.
    pub(super) fn count<const N: usize>(&self, values: [&str; N], count: u64) {
        debug_assert_eq!(self.kind, Kind::Counter, "{}", self.name);
        counter!(target: TARGET, self.name, self.labels(&values)).absolute(count);
    }

    /// The gauge with these values of its labels is at `value`.
    pub(super) fn set<const N: usize>(&self, values: [&str; N], value: f64) {
        debug_assert_eq!(self.kind, Kind::Gauge, "{}", self.name);
        gauge!(target: TARGET, self.name, self.labels(&values)).set(value);
    }

    fn labels(&self, values: &[&str]) -> Vec<Label> {
        debug_assert_eq!(self.labels.len(), values.len(), "{}", self.name);
        let pairs = self.labels.iter().zip(values);
        pairs.map(|(name, value)| Label::new(*name, (*value).to_owned())).collect()
    }

    fn describe(&self) {
        let Self { name, description, .. } = *self;
        match self.kind {
            Kind::Counter => describe_counter!(name, self.unit(), description),
            Kind::Gauge => describe_gauge!(name, self.unit(), description),
        }
    }

    /// What the facade has for it.
    fn unit(&self) -> Unit {
        match self.unit {
            "s" => Unit::Seconds,
            "ms" => Unit::Milliseconds,
            "By" => Unit::Bytes,
            _ => Unit::Count,
        }
    }
}

const TARGET: &str = "brownout";
