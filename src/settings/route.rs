//! What is said of one path and all below it.

use super::{
    fault::InvalidSettings,
    rate::PRIORITIES,
    setting::{Declared, Set, Setting},
    tree::Tree,
    values::Values,
};
use crate::{
    class::{Class, Cost, Priority},
    config::InvalidConfig,
};

impl Declared for Class {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "priority",
            set: Set::Word(&PRIORITIES, |class, index| Self {
                priority: Priority::ALL[index],
                ..class
            }),
            default: Some("normal"),
            range: "`critical`, `normal`, `sheddable` or `bulk`",
            about: "how important requests are",
        },
        Setting {
            name: "rank",
            set: Set::Small(Self::rank),
            default: Some("0"),
            range: "0 to 255",
            about: "levels of your own inside of the priority; 0 goes first",
        },
        Setting {
            name: "cost",
            set: Set::Number(Self::cost),
            default: None,
            range: "0.01 to 655.35",
            about: "database work, in multiples of a usual request; learned, if it is not said",
        },
        Setting {
            name: "cells",
            set: Set::Count(Self::cells),
            default: Some("1"),
            range: "at least 0",
            about: "cells of a quota that one spends",
        },
        Setting {
            name: "exempt",
            set: Set::Flag(|class| Self { exempt: true, ..class }),
            default: Some("false"),
            range: "true or false",
            about: "no gate refuses, delays or counts them: for health checks",
        },
    ];
}

/// The table of one path.
pub(super) fn read(path: &str, route: &str, tree: Tree) -> Result<Values, InvalidSettings> {
    let values = Values::read::<Class>(path, tree)?;
    if !route.starts_with('/') {
        let fault =
            InvalidConfig::at(path.to_owned(), format_args!("{route:?}"), "a path, from `/` on");
        return Err(fault.into());
    }
    values.number("cost").map_or(Ok(()), Cost::check).map_err(|invalid| invalid.within(path))?;
    Ok(values)
}
