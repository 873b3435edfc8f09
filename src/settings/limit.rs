//! What is said of concurrency limits.

use super::setting::{Declared, Set, Setting};
use crate::gate::ConcurrencyLimit;

impl Declared for ConcurrencyLimit {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "min",
            set: Set::Size(Self::min),
            default: Some("0"),
            range: "at least 0, at most `max`",
            about: "the limit is never lower, in requests in flight",
        },
        Setting {
            name: "max",
            set: Set::Size(Self::max),
            default: Some("200"),
            range: "at least 1",
            about: "the limit is never higher, in requests in flight",
        },
        Setting {
            name: "headroom",
            set: Set::Number(Self::headroom),
            default: Some("0.1"),
            range: "0 to 1",
            about: "the share of the limit that the less important leave free",
        },
        Setting {
            name: "queue",
            set: Set::Size(Self::queue),
            default: Some("200"),
            range: "at least 0",
            about: "requests that may wait",
        },
        Setting {
            name: "max_wait",
            set: Set::Duration(Self::max_wait),
            default: Some("400ms"),
            range: "0s to 1m",
            about: "how long one may wait",
        },
        Setting {
            name: "report_only",
            set: Set::Flag(Self::report_only),
            default: Some("false"),
            range: "true or false",
            about: "the limit moves and refuses nobody",
        },
    ];
}
