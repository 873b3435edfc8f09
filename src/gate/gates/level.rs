//! How degraded the service is: each database by itself, and the worst of those that a
//! request needs for the request.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

use super::{Gates, GatesPermit, Shared, guard::Guard, route::RouteState};
use crate::{
    brownout::{self, Brownout, Client},
    class::Class,
    clock,
    config::InvalidConfig,
    control::{
        level::{Level, Strain},
        telling::{Telling, Told},
    },
    event::{Cause, Circuit, Event, Subject},
    lock::lock,
    signal::Signal,
};

/// The levels of the databases, to be read without a lock.
pub(super) struct Levels {
    set_point: f64,
    each: Mutex<Box<[State]>>,
    /// The bits of the levels that hold.
    now: Box<[AtomicU64]>,
    worst: AtomicU64,
    forced: AtomicBool,
    /// Those who have no key, one after the other.
    next: AtomicU32,
}

/// The level of one database.
struct State {
    level: Level,
    /// In its place, while somebody wants it so.
    forced: Option<f64>,
    telling: Telling,
}

impl State {
    fn get(&self) -> f64 {
        self.forced.unwrap_or_else(|| self.level.get())
    }
}

impl Levels {
    /// The set-point is the pressure that is aimed at.
    pub(super) fn new(guards: &[Guard], set_point: f64) -> Self {
        let now = clock::now();
        let state = || State { level: Level::new(now), forced: None, telling: Telling::default() };
        Self {
            set_point,
            each: Mutex::new(guards.iter().map(|_| state()).collect()),
            now: guards.iter().map(|_| AtomicU64::default()).collect(),
            worst: AtomicU64::default(),
            forced: AtomicBool::default(),
            next: AtomicU32::default(),
        }
    }

    /// That of the worst.
    pub(super) fn worst(&self) -> f64 {
        f64::from_bits(self.worst.load(Ordering::Relaxed))
    }

    /// Whether somebody wants them so.
    fn is_forced(&self) -> bool {
        self.forced.load(Ordering::Relaxed)
    }

    /// That of this database.
    pub(super) fn of(&self, index: usize) -> f64 {
        f64::from_bits(self.now[index].load(Ordering::Relaxed))
    }

    /// A database tells how it does. Returns what is to be told of it.
    fn hear(&self, index: usize, strain: &Strain, asked: bool, now: Instant) -> Option<Told> {
        let mut each = lock(&self.each);
        let state = &mut each[index];
        if asked || strain.circuit == Circuit::Open {
            state.level.update(strain, self.set_point, now);
        } else {
            // Nothing can be left out, so it would only rise.
            state.level = Level::new(now);
        }
        let level = state.get();
        let told = state.telling.hear(strain, self.set_point, level, now);
        self.publish(&each);
        told
    }

    /// From now on, or none: as it comes. Returns what is to be told of each.
    fn force(&self, forced: Option<f64>, now: Instant) -> Vec<Option<Told>> {
        let cause = if forced.is_some() { Cause::Forced } else { Cause::Released };
        let mut each = lock(&self.each);
        self.forced.store(forced.is_some(), Ordering::Relaxed);
        let force = |state: &mut State| {
            state.forced = forced;
            state.telling.tell(state.get(), cause.clone(), now)
        };
        let told = each.iter_mut().map(force).collect();
        self.publish(&each);
        told
    }

    fn publish(&self, each: &[State]) {
        let mut worst = 0.0_f64;
        for (state, now) in each.iter().zip(&self.now) {
            worst = worst.max(state.get());
            now.store(state.get().to_bits(), Ordering::Relaxed);
        }
        self.worst.store(worst.to_bits(), Ordering::Relaxed);
    }

    /// Where a client stands. Who has no key stands elsewhere each time, evenly.
    fn client(&self, class: &Class, level: f64) -> Client {
        match class.key {
            Some(key) => Client::of(key),
            None if level > 0.0 => Client::Drawn(self.next.fetch_add(GOLDEN, Ordering::Relaxed)),
            None => Client::Unknown,
        }
    }
}

impl Gates {
    /// A database tells how it does.
    pub(super) fn hear(&self, signal: &Signal, index: usize) {
        let Shared { guards, learned, levels, .. } = &*self.0;
        let asked = brownout::is_asked();
        let left_out = asked && self.level_is_felt() && levels.of(index) > 0.0;
        let mut strain = guards[index].hear(signal, learned, index, left_out);
        if guards[index].breaker.only_reports() && !self.report_only() {
            // Nothing is left out for it, either.
            strain.circuit = Circuit::Closed;
        }
        self.tell_level(index, levels.hear(index, &strain, asked, signal.at));
        self.hear_retries(signal.at);
    }

    /// The levels of all databases, whatever they do, until they are released.
    pub(crate) fn force_level(&self, level: f64) -> Result<(), InvalidConfig> {
        if !(0.0..=1.0).contains(&level) {
            return Err(InvalidConfig::new("level", level, "from 0 to 1"));
        }
        self.set_levels(Some(level));
        Ok(())
    }

    /// Whether nobody is to be refused or to feel the level.
    pub(crate) fn report_only(&self) -> bool {
        self.0.report_only
    }

    pub(crate) fn release_level(&self) {
        self.set_levels(None);
    }

    fn set_levels(&self, forced: Option<f64>) {
        let told = self.0.levels.force(forced, clock::now());
        told.into_iter().enumerate().for_each(|(index, told)| self.tell_level(index, told));
    }

    fn tell_level(&self, index: usize, told: Option<Told>) {
        let Some(Told { from, to, cause }) = told else { return };
        let database = Some(self.0.guards[index].name.clone());
        let of = Subject { database, route: None };
        self.0.observer.observe(&Event::Level { of, from, to, cause });
    }

    pub(super) fn browned(&self, mut permit: GatesPermit) -> GatesPermit {
        let level = self.level_for(&permit.own.class, self.0.learned.route(&permit.own.class));
        let client = self.0.levels.client(&permit.own.class, level);
        permit.own.brownout = Brownout::new(level as f32, client);
        permit
    }

    /// The worst level of the databases that a request needs; of all, if it needs none.
    pub(super) fn level_for(&self, class: &Class, route: Option<&RouteState>) -> f64 {
        let levels = &self.0.levels;
        match levels.worst() {
            0.0 => 0.0,
            _ if !self.level_is_felt() => 0.0,
            worst => self.worst_needed(class, route).unwrap_or(worst),
        }
    }

    /// Whether requests see the level at all.
    fn level_is_felt(&self) -> bool {
        !self.0.report_only || self.0.levels.is_forced()
    }

    fn worst_needed(&self, class: &Class, route: Option<&RouteState>) -> Option<f64> {
        let Shared { guards, learned, levels, .. } = &*self.0;
        let is_needed = |index: &usize| !class.exempt && learned.needs(class, route, *index);
        let needed = (0..guards.len()).filter(is_needed);
        needed.map(|index| levels.of(index)).reduce(f64::max)
    }
}

/// The golden ratio of all numbers: its multiples are spread evenly.
const GOLDEN: u32 = 0x9e37_79b9;
