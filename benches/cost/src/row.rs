//! All that is known of a case.

use brownout_cost::cases::{Case, NOTHING, What, Whose};

use crate::{
    count::{Count, Counts},
    timed::Times,
};

/// A case, what was counted and how long it took.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    pub case: &'a Case,
    pub count: &'a Count,
    pub time: f64,
    /// What the case costs without the layer.
    pub bare: (&'a Count, f64),
}

impl Row<'_> {
    pub fn time(&self) -> f64 {
        self.time - self.bare.1
    }

    pub fn instructions(&self) -> f64 {
        self.count.instructions - self.bare.0.instructions
    }

    pub fn is_peer(&self) -> bool {
        self.case.whose == Whose::Peers
    }

    pub fn has_service(&self) -> bool {
        self.case.over != NOTHING
    }

    pub fn what(&self, what: What) -> f64 {
        match what {
            What::Time => self.time(),
            What::Instructions => self.instructions(),
            What::AllInstructions => self.count.instructions,
            What::Locked => self.count.locked,
            What::Heap => self.count.heap,
        }
    }
}

pub fn rows<'a>(counts: &'a Counts, times: &Times) -> Result<Vec<Row<'a>>, String> {
    let of = |name: &str| {
        let found = counts.iter().find(|(case, _)| case.name == name).zip(times.calls.get(name));
        found.ok_or_else(|| format!("{name} was not measured"))
    };
    let row = |(case, count): &'a (Case, Count)| {
        let ((_, time), (bare, bare_time)) = (of(case.name)?, of(case.over)?);
        Ok(Row { case, count, time: *time, bare: (&bare.1, *bare_time) })
    };
    counts.iter().map(row).collect()
}
