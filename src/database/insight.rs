//! What is learned from the signals, for the report.

use crate::{
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
