//! What is said of one quota.

use std::time::Duration;

use super::{
    fault::InvalidSettings,
    setting::{Declared, Set, Setting},
    tree::Tree,
    values::Values,
};
use crate::{config::InvalidConfig, gate::Quota};

/// A quota as it is said, piece by piece.
#[derive(Clone, Copy)]
pub(super) struct Said {
    cells: u32,
    per: Duration,
    burst: Option<u32>,
}

impl Declared for Said {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "cells",
            set: Set::Count(|said, cells| Self { cells, ..said }),
            default: None,
            range: "at least 1",
            about: "requests in each period; has to be said",
        },
        Setting {
            name: "per",
            set: Set::Duration(|said, per| Self { per, ..said }),
            default: Some("1s"),
            range: "1ns for each of the cells to 366days",
            about: "the period",
        },
        Setting {
            name: "burst",
            set: Set::Count(|said, burst| Self { burst: Some(burst), ..said }),
            default: None,
            range: "at least 1, refilled within 100 years",
            about: "how many at once after a pause; those of one period, if it is not said",
        },
    ];
}

/// Quotas that hold together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Quotas(Vec<Values>);

impl Quotas {
    pub(super) fn read(path: &str, tree: Tree) -> Result<Self, InvalidSettings> {
        let Tree::List(list) = tree else {
            return Err(InvalidConfig::at(path.to_owned(), tree, "a list of tables").into());
        };
        let read = |(index, tree)| {
            let path = format!("{path}[{index}]");
            let values = Values::read::<Said>(&path, tree)?;
            match values.says("cells") {
                true => Ok(values),
                false => Err(InvalidSettings::new(format_args!("`{path}.cells` is not said"))),
            }
        };
        list.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the gate takes them. What has no name in the calendar is told from the others.
    pub(super) fn get(&self) -> Vec<Quota> {
        let mut names = Vec::new();
        let named = |values: &Values| {
            let Said { cells, per, burst } = values.apply(EMPTY);
            let calendar =
                CALENDAR.iter().find(|(seconds, _)| per == Duration::from_secs(*seconds));
            let free = calendar.map(|(_, name)| *name).into_iter().chain(OTHERS);
            let name = free.into_iter().find(|name| !names.contains(name));
            let name = name.unwrap_or(OTHERS[0]);
            names.push(name);
            Quota::per(per, cells).burst(burst.unwrap_or(cells)).named(name)
        };
        self.0.iter().map(named).collect()
    }

    pub(super) fn filled(&self) -> Self {
        Self(self.0.iter().map(Values::filled::<Said>).collect())
    }

    pub(super) fn to_tree(&self) -> Tree {
        Tree::List(self.0.iter().map(|values| Tree::Table(values.entries::<Said>())).collect())
    }
}

const EMPTY: Said = Said { cells: 0, per: Duration::from_secs(1), burst: None };
/// What clients are told quotas are called, by their periods in seconds.
const CALENDAR: [(u64, &str); 4] =
    [(1, "second"), (60, "minute"), (3600, "hour"), (24 * 3600, "day")];
/// As many as may hold together.
const OTHERS: [&str; 4] = ["quota", "quota2", "quota3", "quota4"];
