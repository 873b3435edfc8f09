//! What is learned from the signals, for the report.

use super::Database;
use crate::{
    clock,
    control::{curve::Curve, meter::Meter, reading::Reader, saturation::Saturation},
    signal::Signal,
};

/// Fed by every signal, a few kilobytes.
#[derive(Debug, Default)]
pub(super) struct Insight {
    reader: Reader,
    pub(super) curve: Curve,
    pub(super) saturation: Saturation,
}

impl Insight {
    pub(super) fn hear(&mut self, signal: &Signal, meter: &Meter) {
        let alone = |statement| meter.alone(statement);
        if let Some(reading) = self.reader.hear(signal, alone) {
            self.curve.add(&reading);
            self.saturation.hear(&reading);
        }
    }
}

impl Database {
    /// Whether it is asked for more than it can do.
    pub(crate) fn is_saturated(&self) -> bool {
        self.0.recorder.open(clock::stamp()).parts().1.insight.saturation.lasts()
    }
}
