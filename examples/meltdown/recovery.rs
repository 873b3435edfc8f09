//! When a run is back to normal.

use std::time::Duration;

use crate::record::Record;
use crate::watching;

/// Time from the end of the surge until every later half-second window sees at
/// least 99 % of its arrivals succeed; `None` if that never comes. A copy is no success
/// here, since nobody gets one when all is well.
pub(crate) fn time_to_recover(record: &Record) -> Option<Duration> {
    let end = record.timeline.surge_end();
    let arrivals = record
        .exchanges
        .iter()
        .filter(|exchange| exchange.arrived >= end)
        .map(|exchange| (exchange.arrived - end, exchange.fate().is_current()));
    watching::recovery::time_to_recover(arrivals.collect(), record.timeline.recovery)
}
