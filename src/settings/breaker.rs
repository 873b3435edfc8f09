//! What is said of circuits.

use super::setting::{Declared, Set, Setting};
use crate::gate::CircuitBreaker;

impl Declared for CircuitBreaker {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "trip_share",
            set: Set::Number(Self::trip_share),
            default: Some("0.5"),
            range: "more than 0, at most 1",
            about: "the share of slow and failed calls from which on it dims",
        },
        Setting {
            name: "min_calls",
            set: Set::Large(Self::min_calls),
            default: Some("10"),
            range: "at least 1",
            about: "calls in the window below which it does not judge by them",
        },
        Setting {
            name: "window",
            set: Set::Duration(Self::window),
            default: Some("3s"),
            range: "100ms to 1h",
            about: "the length of the sliding window",
        },
        Setting {
            name: "stall_after",
            set: Set::Duration(Self::stall_after),
            default: Some("1s"),
            range: "10ms to 1h",
            about: "how long nothing comes back until it opens",
        },
        Setting {
            name: "open_for",
            set: Set::Duration(Self::open_for),
            default: Some("1s"),
            range: "1ms to 1h, at most `open_at_most`",
            about: "how long it stays open the first time",
        },
        Setting {
            name: "open_at_most",
            set: Set::Duration(Self::open_at_most),
            default: Some("10s"),
            range: "1ms to 1day, at least `open_for`",
            about: "how long at most, after doubling",
        },
        Setting {
            name: "probes",
            set: Set::Count(Self::probes),
            default: Some("3"),
            range: "at least 1",
            about: "requests in a row that have to succeed before it closes",
        },
        Setting {
            name: "probe_every",
            set: Set::Duration(Self::probe_every),
            default: Some("250ms"),
            range: "10ms to 1h",
            about: "how often an open one asks the database",
        },
        Setting {
            name: "report_only",
            set: Set::Flag(Self::report_only),
            default: Some("false"),
            range: "true or false",
            about: "it decides and refuses nothing",
        },
    ];
}
