//! What becomes of a request over its quota.

use super::{gate::RateGate, limit::RateLimit, permit::RatePermit, settings::Settings};
use crate::{
    class::{Class, Priority},
    config::InvalidConfig,
    event::Event,
    rejection::{Reason, Rejection},
};

impl RateLimit {
    /// A request over its quota is not refused for that, but goes on at this priority, or at
    /// its own if that is lower, and spends nothing. So a tenant over its share is served for as
    /// long as others leave room, and is the first to go when they do not. Default: it is refused.
    ///
    /// ```
    /// use brownout::{Admission, Database, Priority, Quota, RateLimit, http::key::Header};
    /// use http::HeaderName;
    ///
    /// let db = Database::new("shop");
    /// let share = RateLimit::new(Quota::per_second(100)).per_key().downgrade_to(Priority::Bulk);
    /// let admission = Admission::builder().protect(&db).rate(share).build()?;
    /// let layer = admission.layer().key(Header::new(HeaderName::from_static("x-tenant")));
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    ///
    /// All that comes after the quota sees the lower priority: circuits, the queue, the door
    /// before a connection and the class that a handler passes on. Also a `Critical` request
    /// falls, or a tenant would call all of its own critical; have such routes spend no
    /// [cells](crate::Class::cells) where they must not. What is refused in the end is
    /// refused for load, and comes back when the load is gone, not when there is a cell.
    ///
    /// Each is counted ([`RateSnapshot::downgraded`](super::RateSnapshot::downgraded)) and is an
    /// event ([`Event::Downgraded`](crate::Event::Downgraded)). With
    /// [`tell_all`](Self::tell_all), a client that is served is told how it stands, with too few
    /// cells left. What is refused for another reason than a quota that is used up stays
    /// refused: [`Unkeyed::Refuse`](super::Unkeyed::Refuse),
    /// [`Outage::Refuse`](super::Outage::Refuse).
    ///
    /// This is for an [`Admission`](crate::Admission), where something behind the quota can
    /// refuse: [`layer`](Self::layer) does not take it. Who enters the [`gate`](Self::gate) by
    /// hand asks the permit ([`RatePermit::downgraded`]). For a quota that holds whatever the
    /// room, put a layer with one around the admission's.
    ///
    /// It bounds a rate. Shares of the room itself need no setting: of those who wait at one
    /// priority, clients take [turns](crate::Class::key).
    pub fn downgrade_to(mut self, priority: Priority) -> Self {
        self.downgrade = Some(priority);
        self
    }

    /// Whether it does its work with nothing behind it.
    pub(crate) fn check_alone(&self) -> Result<(), InvalidConfig> {
        let allowed = "left to an `Admission`, since nothing behind this layer could refuse";
        let fault = |priority| InvalidConfig::new("downgrade_to", priority, allowed);
        self.downgrade.map_or(Ok(()), |priority| Err(fault(priority)))
    }
}

impl Settings {
    /// The priority at which a request goes on that is over its quota. None if it is refused
    /// for that, or is not to pass for something else.
    fn downgraded(&self, class: &Class, rejection: &Rejection) -> Option<Priority> {
        let to = self.downgrade.filter(|_| rejection.reason() == Reason::Quota)?;
        Some(to.min(class.priority))
    }
}

impl RateGate {
    /// Refuses, downgrades, or only counts and tells what it would have done.
    pub(super) fn settle_over(
        &self,
        settings: &Settings,
        class: &Class,
        rejection: Rejection,
    ) -> Result<RatePermit, Rejection> {
        let to = settings.downgraded(class, &rejection);
        let is_enforced = settings.enforced.includes(class.key);
        if self.0.observer.looks() {
            self.0.observer.observe(&event(class, &rejection, to, is_enforced));
        }
        self.0.tally.go_over(to.is_some(), is_enforced);
        match to {
            None if !is_enforced => Ok(RatePermit::reported(rejection.reason())),
            None => Err(rejection),
            Some(_) if !is_enforced => Ok(RatePermit::free()),
            Some(to) => {
                let standing = rejection.standing().filter(|_| settings.tell_all);
                Ok(RatePermit::downgraded_to(to, standing.cloned()))
            }
        }
    }
}

fn event(class: &Class, rejection: &Rejection, to: Option<Priority>, is_enforced: bool) -> Event {
    let (reason, Class { priority, route, .. }) = (rejection.reason(), *class);
    let quota = rejection.standing().map(|standing| standing.policy().name.clone());
    match (to, is_enforced) {
        (None, true) => Event::Refused { priority, reason, route, quota },
        (None, false) => Event::WouldRefuse { priority, reason, route, quota },
        (Some(to), true) => Event::Downgraded { from: priority, to, route, quota },
        (Some(to), false) => Event::WouldDowngrade { from: priority, to, route, quota },
    }
}
