//! Settings of a rate limit.

use std::{fmt, sync::Arc};

use super::{
    fleet::{Leases, Sharing},
    gate::RateGate,
    quota::Quota,
    quotas::Quotas,
    settings::{Settings, Share},
    store::Store,
};
use crate::{
    class::{Plan, Priority},
    config::InvalidConfig,
    event::Observe,
};

/// Settings of a rate limit: [`Quota`]s, for all requests together or per client.
///
/// ```
/// use brownout::{Quota, RateLimit, http::key::Header};
/// use http::HeaderName;
///
/// // For all together …
/// let all = RateLimit::new(Quota::per_second(500)).layer()?;
/// // … or for each API key, ten at once and a thousand a day.
/// let each = RateLimit::new(Quota::per_minute(60).burst(10))
///     .and(Quota::per_day(1_000))
///     .per_key()
///     .layer()?
///     .key(Header::new(HeaderName::from_static("x-api-key")));
/// # let _ = (all, each);
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// A request spends [`Class::cells`](crate::Class::cells) cells of each quota, or none of
/// any, if one of them refuses. The algorithm is the generic cell rate algorithm (ITU-T
/// I.371), by `governor`. What clients are told stands at [`Http`](crate::Http), how keys are
/// made at [`http::key`](crate::http::key).
#[derive(Clone)]
#[must_use]
pub struct RateLimit {
    quotas: Vec<Quota>,
    plans: Vec<(Plan, Vec<Quota>)>,
    per_key: bool,
    max_keys: usize,
    unkeyed: Unkeyed,
    by_cost: bool,
    pub(super) downgrade: Option<Priority>,
    enforced: f64,
    tell_all: bool,
    sharing: Option<Sharing>,
    observer: Option<Arc<dyn Observe>>,
}

/// What becomes of requests without a key, where there is a quota for each: neither
/// [`GateLayer::key`](crate::GateLayer::key) nor the class says whose they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unkeyed {
    /// They share one bucket.
    #[default]
    Share,
    /// No quota holds for them.
    Admit,
    /// They are refused, for [`Reason::Unkeyed`](crate::Reason::Unkeyed).
    Refuse,
}

impl RateLimit {
    /// One quota for all requests together.
    pub fn new(quota: Quota) -> Self {
        Self {
            quotas: vec![quota],
            plans: Vec::new(),
            per_key: false,
            max_keys: 100_000,
            unkeyed: Unkeyed::default(),
            by_cost: false,
            downgrade: None,
            enforced: 1.0,
            tell_all: false,
            sharing: None,
            observer: None,
        }
    }

    /// One more quota, which has to admit a request as well: up to four. All are per key or
    /// all for all together; for one of each, put two layers around the service.
    pub fn and(mut self, quota: Quota) -> Self {
        self.quotas.push(quota);
        self
    }

    /// A quota for each [`Class::key`](crate::Class::key), which
    /// [`GateLayer::key`](crate::GateLayer::key) tells. Default: for all together.
    pub fn per_key(self) -> Self {
        Self { per_key: true, ..self }
    }

    /// How many keys are remembered, at most. Default: 100 000; from 1 to 100 million.
    ///
    /// A key takes 52 bytes, or 68 where several quotas hold at once, and most of
    /// that is set aside when the gate is built: in the source of this crate,
    /// `cargo bench --manifest-path benches/cost/Cargo.toml --bench keys` prints it.
    ///
    /// When there are more keys, one of them is forgotten and starts afresh. It is none
    /// that comes back before others of about 45 % of this number have come: by then it has
    /// settled, and goes only when that many others have settled after it without its
    /// coming back. So a flood of keys that come once each moves none that has settled; who
    /// is new in it, or comes more rarely than that, is not held to a quota meanwhile.
    pub fn max_keys(self, keys: usize) -> Self {
        Self { max_keys: keys, ..self }
    }

    /// What becomes of requests without a key. Default: they share one bucket.
    pub fn unkeyed(self, unkeyed: Unkeyed) -> Self {
        Self { unkeyed, ..self }
    }

    /// The quotas of the clients on this plan, in place of those for all: one to four. A
    /// client keeps its buckets when its plan changes, one for each quota in their order
    /// (as at a [reload](RateGate::reload)), so give a plan its quotas in the same order as
    /// the others. Only with
    /// [`per_key`](Self::per_key).
    pub fn plan(mut self, plan: Plan, quotas: impl IntoIterator<Item = Quota>) -> Self {
        self.plans.retain(|(other, _)| *other != plan);
        self.plans.push((plan, quotas.into_iter().collect()));
        self
    }

    /// A request spends cells for its [cost](crate::Class::cost), said or learned, times
    /// its [`cells`](crate::Class::cells): 2.5 for one of 2.5 times the usual database
    /// work. Default: its cells alone. What is learned of routes is known only in an
    /// [`Admission`](crate::Admission).
    pub fn by_cost(self) -> Self {
        Self { by_cost: true, ..self }
    }

    /// The quotas refuse nobody. What they would have refused is counted
    /// ([`RateSnapshot::would_refuse`](super::RateSnapshot::would_refuse)) and is an event
    /// ([`Event::WouldRefuse`](crate::Event::WouldRefuse)), which does not tell whose request
    /// it was; so is what they would have [downgraded](Self::downgrade_to). Default: they refuse. A request still waits for the answer of a fleet that
    /// [shares](Self::shared) them, up to its time bound.
    pub fn report_only(self) -> Self {
        self.enforced_for(0.0)
    }

    /// The quota refuses only this share of the clients, the same ones at all times (of the
    /// requests, where they have no key), and is report-only to others: from 0 to 1.
    /// Default: 1, all.
    pub fn enforced_for(self, share: f64) -> Self {
        Self { enforced: share, ..self }
    }

    /// Admitted requests, too, are told how their client stands with its quotas: in HTTP,
    /// by `RateLimit` and `RateLimit-Policy`. So are those of clients to whom a quota is
    /// report-only, but not in a request that it would have refused. Default: only refused
    /// ones are.
    pub fn tell_all(self) -> Self {
        Self { tell_all: true, ..self }
    }

    /// The buckets are those of a [`&Fleet`](crate::Fleet): its processes spend one quota
    /// together. A request then may have to wait for an answer of the fleet's store, for as
    /// long as its time bound at most; it does so before anything else is asked. Default:
    /// the buckets are this process's own.
    ///
    /// A key that is [remembered](Self::max_keys) then takes 120 bytes, and 16 for each
    /// further quota, beside its bucket of this process.
    ///
    /// A limit [`per_key`](Self::per_key) needs a secret that the fleet knows:
    /// [`Key::seed_with`](crate::Key::seed_with).
    pub fn shared(self, fleet: impl Into<Sharing>) -> Self {
        Self { sharing: Some(fleet.into()), ..self }
    }

    /// Sees every refusal, what the quotas would have refused where they do not yet, and when
    /// the store of a [`Fleet`](crate::Fleet) is lost and found. Default: nobody does; in an
    /// admission, its own observer. Of the latter an admission hears in any case, and tells it
    /// among its [transitions](crate::Admission::transitions). A closure has to say what it takes:
    ///
    /// ```
    /// use brownout::{Event, Quota, RateLimit};
    ///
    /// let limit = RateLimit::new(Quota::per_second(10)).report_only();
    /// let limit = limit.on_event(|event: &Event| println!("{event}"));
    /// # let _ = limit;
    /// ```
    pub fn on_event(self, observer: impl Observe + 'static) -> Self {
        Self { observer: Some(Arc::new(observer)), ..self }
    }

    /// Its own observer, if it has one, is to be another.
    pub(crate) fn map_observer(
        self,
        change: impl FnOnce(Arc<dyn Observe>) -> Arc<dyn Observe>,
    ) -> Self {
        Self { observer: self.observer.map(change), ..self }
    }

    /// The gate, to be entered by hand.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a quota, its burst or the number of keys is zero, a quota is out
    /// of range, there are too many for one request, the share that is enforced is not from
    /// 0 to 1, there are plans without [`per_key`](Self::per_key), or a fleet's setting is
    /// out of range, its processes do not make the same keys or it is that of a gate with
    /// other quotas.
    pub fn gate(self) -> Result<RateGate, InvalidConfig> {
        self.observed_gate(Arc::new(()))
    }

    /// The gate, seen by `otherwise` if nobody else was to see it.
    pub(crate) fn observed_gate(
        self,
        otherwise: Arc<dyn Observe>,
    ) -> Result<RateGate, InvalidConfig> {
        let mut settings = self.settings()?;
        let claim = |sharing: &Sharing| sharing.claim(settings.shape());
        settings.shape = settings.sharing.as_ref().map(claim).transpose()?;
        let store = match self.per_key {
            true => Store::per_key(self.max_keys, settings.quotas.most_at_once()),
            false => Store::one(),
        };
        let leases = self.sharing.map(|_| match self.per_key {
            true => Leases::per_key(self.max_keys),
            false => Leases::one(),
        });
        Ok(RateGate::new(settings, store, leases, self.observer.unwrap_or(otherwise)))
    }

    /// What may change while the gate serves.
    pub(super) fn settings(&self) -> Result<Settings, InvalidConfig> {
        if !(1..=MOST_KEYS).contains(&self.max_keys) {
            let allowed = format_args!("from 1 to {MOST_KEYS}").to_string();
            return Err(InvalidConfig::new("max_keys", self.max_keys, allowed));
        }
        if let (false, Some((plan, _))) = (self.per_key, self.plans.first()) {
            return Err(InvalidConfig::new("plan", plan, "of a limit `per_key`"));
        }
        self.sharing.as_ref().map(|sharing| sharing.check(self.per_key)).transpose()?;
        let units = if self.by_cost { Settings::HUNDREDTHS } else { 1 };
        Ok(Settings {
            quotas: Quotas::checked(&self.quotas, &self.plans, units)?,
            units,
            per_key: self.per_key,
            unkeyed: self.unkeyed,
            downgrade: self.downgrade,
            enforced: Share::checked(self.enforced)?,
            tell_all: self.tell_all,
            sharing: self.sharing.clone(),
            shape: None,
        })
    }
}

/// More than any process needs: 5 GB.
const MOST_KEYS: usize = 100_000_000;

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("quotas", &self.quotas)
            .field("plans", &self.plans)
            .field("per_key", &self.per_key)
            .field("max_keys", &self.max_keys)
            .field("unkeyed", &self.unkeyed)
            .field("by_cost", &self.by_cost)
            .field("downgrade", &self.downgrade)
            .field("enforced", &self.enforced)
            .field("tell_all", &self.tell_all)
            .field("sharing", &self.sharing)
            .finish_non_exhaustive()
    }
}
