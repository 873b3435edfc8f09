//! What is said of quotas.

use std::collections::BTreeMap;

use super::{
    fault::InvalidSettings,
    name::below,
    quota::Quotas,
    setting::{Declared, Set, Setting},
    tree::Tree,
    values::{Values, named, table, unknown},
};
use crate::{
    class::{Plan, Priority},
    config::InvalidConfig,
    gate::{Quota, RateLimit, Unkeyed},
};

impl Declared for RateLimit {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "per_key",
            set: Set::Flag(Self::per_key),
            default: Some("false"),
            range: "true or false",
            about: "the quotas are for each client, as the layer's `key` tells them apart",
        },
        Setting {
            name: "max_keys",
            set: Set::Size(Self::max_keys),
            default: Some("100000"),
            range: "1 to 100000000",
            about: "keys that are remembered",
        },
        Setting {
            name: "unkeyed",
            set: Set::Word(&["share", "admit", "refuse"], |limit, index| {
                limit.unkeyed([Unkeyed::Share, Unkeyed::Admit, Unkeyed::Refuse][index])
            }),
            default: Some("share"),
            range: "`share`, `admit` or `refuse`",
            about: "what becomes of requests without a key",
        },
        Setting {
            name: "by_cost",
            set: Set::Flag(Self::by_cost),
            default: Some("false"),
            range: "true or false",
            about: "a request spends cells for what it costs the database",
        },
        Setting {
            name: "downgrade_to",
            set: Set::Word(&PRIORITIES, |limit, index| limit.downgrade_to(Priority::ALL[index])),
            default: None,
            range: "`critical`, `normal`, `sheddable` or `bulk`",
            about: "who is over a quota goes on at this priority; refused, if it is not said",
        },
        Setting {
            name: "enforced_for",
            set: Set::Number(Self::enforced_for),
            default: Some("1"),
            range: "0 to 1",
            about: "the share of clients to whom it is enforced, the same ones at all times",
        },
        Setting {
            name: "report_only",
            set: Set::Flag(Self::report_only),
            default: Some("false"),
            range: "true or false",
            about: "the quotas refuse nobody; the same as `enforced_for = 0`",
        },
        Setting {
            name: "tell_all",
            set: Set::Flag(Self::tell_all),
            default: Some("false"),
            range: "true or false",
            about: "admitted requests are told how they stand, too",
        },
    ];
}

/// The names of [`Priority::ALL`].
pub(super) const PRIORITIES: [&str; 4] = {
    let mut names = [""; 4];
    let mut index = 0;
    while index < names.len() {
        names[index] = Priority::ALL[index].as_str();
        index += 1;
    }
    names
};

/// The table of quotas.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rate {
    pub(super) own: Values,
    quotas: Quotas,
    plans: BTreeMap<String, Quotas>,
}

impl Rate {
    pub(super) fn read(path: &str, tree: Tree) -> Result<Self, InvalidSettings> {
        let mut rate = Self::default();
        for (key, tree) in table(path, tree)? {
            let inside = below(path, &key);
            match key.as_str() {
                QUOTAS if rate.quotas.is_empty() => rate.quotas = Quotas::read(&inside, tree)?,
                PLANS if rate.plans.is_empty() => {
                    rate.plans = named(&inside, tree, |path, _, tree| Quotas::read(path, tree))?;
                }
                QUOTAS | PLANS => return Err(InvalidSettings::twice(&inside)),
                _ if rate.own.take::<RateLimit>(path, &key, &tree)? => {}
                _ => return Err(unknown::<RateLimit>(path, &key, &[QUOTAS, PLANS])),
            }
        }
        Ok(rate)
    }

    /// None if there are no quotas.
    pub(super) fn get(&self) -> Option<RateLimit> {
        let plans =
            self.plans.iter().filter_map(|(name, quotas)| Some((Plan::named(name)?, quotas)));
        let limit = self.with_quotas(&self.quotas.get())?;
        Some(plans.fold(limit, |limit, (plan, quotas)| limit.plan(plan, quotas.get())))
    }

    fn with_quotas(&self, quotas: &[Quota]) -> Option<RateLimit> {
        let (first, more) = quotas.split_first()?;
        let limit = more.iter().fold(RateLimit::new(*first), |limit, quota| limit.and(*quota));
        Some(self.own.apply(limit))
    }

    /// Whether all of it may be so: piece by piece, so that a fault says where it is, and then
    /// together.
    pub(super) fn check(&self, path: &str) -> Result<(), InvalidSettings> {
        if *self == Self::default() {
            return Ok(());
        }
        if self.quotas.is_empty() {
            let fault = format_args!("`{path}.{QUOTAS}` is not said, or empty").to_string();
            return Err(InvalidSettings::new(fault));
        }
        let own = self.own.apply(RateLimit::new(Quota::per_second(1)));
        own.check().map_err(|invalid| invalid.within(path))?;
        self.check_quotas(&below(path, QUOTAS), &self.quotas)?;
        let inside = below(path, PLANS);
        for (name, quotas) in &self.plans {
            let path = below(&inside, name);
            if Plan::named(name).is_none() {
                return Err(InvalidSettings::new(format_args!("`{path}` is one plan too many")));
            }
            self.check_quotas(&path, quotas)?;
        }
        let whole = self.get().map_or(Ok(()), |limit| limit.check());
        whole.map_err(|invalid| invalid.within(path).into())
    }

    fn check_quotas(&self, path: &str, quotas: &Quotas) -> Result<(), InvalidConfig> {
        let quotas = quotas.get();
        let several = "from 1 to 4, as many as may hold together";
        let none = || InvalidConfig::at(path.to_owned(), "empty", several);
        for (index, quota) in quotas.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let one = self.with_quotas(&[*quota]).ok_or_else(none)?.check();
            one.map_err(|invalid| match invalid.setting() {
                "quota" => invalid.named(path),
                _ => invalid.within(&path),
            })?;
        }
        let all = self.with_quotas(&quotas).ok_or_else(none)?.check();
        all.map_err(|invalid| invalid.named(path.to_owned()))
    }

    pub(super) fn filled(&self) -> Self {
        if self.quotas.is_empty() {
            return Self::default();
        }
        let plans = self.plans.iter().map(|(name, quotas)| (name.clone(), quotas.filled()));
        let (own, quotas) = (self.own.filled::<RateLimit>(), self.quotas.filled());
        Self { own, quotas, plans: plans.collect() }
    }

    /// Forgets what a gate takes over while it serves.
    pub(super) fn keep_fixed(&mut self) {
        self.own.keep("max_keys");
        (self.quotas, self.plans) = Default::default();
    }

    pub(super) fn entries(&self) -> Vec<(String, Tree)> {
        if *self == Self::default() {
            return Vec::new();
        }
        let mut table = self.own.entries::<RateLimit>();
        if !self.quotas.is_empty() {
            table.push((QUOTAS.to_owned(), self.quotas.to_tree()));
        }
        if !self.plans.is_empty() {
            let plans = self.plans.iter().map(|(name, quotas)| (name.clone(), quotas.to_tree()));
            table.push((PLANS.to_owned(), Tree::Table(plans.collect())));
        }
        table
    }
}

const QUOTAS: &str = "quotas";
const PLANS: &str = "plans";
