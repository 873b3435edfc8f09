//! What is said of the whole service, outside of all tables.

use super::setting::{Declared, Set, Setting};
use crate::admission::AdmissionBuilder;

impl Declared for AdmissionBuilder {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "report_only",
            set: Set::Flag(Self::report_only),
            default: Some("false"),
            range: "true or false",
            about: "all is decided and shown, and nobody is refused, delayed or served less",
        },
        Setting {
            name: "at_checkout",
            set: Set::Flag(Self::at_checkout),
            default: Some("false"),
            range: "true or false",
            about: "requests ask where they take a connection, not where they come in",
        },
        Setting {
            name: "dim_above",
            set: Set::Number(Self::dim_above),
            default: Some("0.8"),
            range: "more than 0, at most 1",
            about: "the share of 1.4 times the limit, and what is done in 22 ms, above which \
                    what is optional is left out",
        },
    ];
}
