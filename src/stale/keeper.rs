//! What all clones of a layer share, and what it decides about one request.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use http::{Extensions, Response, StatusCode};
use http_body::Body;

use super::{
    asked::Asked,
    body::StaleBody,
    flight::{Flights, Join, Landing, Lead},
    kept::{Head, Kept},
    said::{Said, Trouble},
    settings::Settings,
    snapshot::Tally,
    store::Store,
    tee::Tee,
    terms::Terms,
};
use crate::{
    clock,
    fallback::FellBack,
    rejection::{Reason, Rejection},
};

/// The settings and what is shared.
#[derive(Clone)]
pub(super) struct Keeper {
    pub(super) settings: Arc<Settings>,
    pub(super) shared: Arc<Shared>,
}

/// What lives as long as the layer.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) flights: Flights,
    pub(super) tally: Tally,
    /// Two clocks read at once, so that the wall's moves with the other, and never back.
    started: (Instant, SystemTime),
}

impl Shared {
    pub(super) fn new(max_bytes: u64, max_body: usize) -> Self {
        let started = (clock::now(), SystemTime::UNIX_EPOCH + clock::wall());
        let store = Store::new(max_bytes, max_body as u64);
        Self { store, flights: Flights::default(), tally: Tally::default(), started }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.started.1 + clock::now().saturating_duration_since(self.started.0)
    }
}

impl Keeper {
    /// The kept answer that such a request may have, however old.
    pub(super) fn find(&self, asked: &Asked) -> Option<Arc<Kept>> {
        let kept = self.shared.store.find(asked).filter(|_| !asked.insists())?;
        self.is_open(&kept, asked).then_some(kept)
    }

    fn is_open(&self, kept: &Kept, asked: &Asked) -> bool {
        kept.terms.is_open_to(&asked.headers, &self.settings.personal)
    }

    /// A fresh answer for one that leads: it was kept between its look for one and its lead.
    pub(super) fn just_kept(&self, asked: &Asked) -> Option<Arc<Kept>> {
        let kept = self.find(asked).filter(|_| self.settings.fresh)?;
        kept.terms.is_fresh(asked, self.shared.now()).then_some(kept)
    }

    /// An answer made for another request at the same time, if this one may have it.
    pub(super) fn share(&self, kept: &Kept, asked: &Asked) -> bool {
        kept.terms.selects(&asked.headers)
            && self.is_open(kept, asked)
            && kept.terms.may_be_shared(self.shared.now())
    }

    /// The kept answer for a request that is in `trouble`.
    pub(super) fn stand_in(&self, asked: &Asked, trouble: Trouble) -> Option<Arc<Kept>> {
        let broken = trouble == Trouble::Status(StatusCode::INTERNAL_SERVER_ERROR);
        let kept = self.find(asked).filter(|kept| kept.terms.for_errors || !broken)?;
        kept.terms.may_stand_in(self.shared.now()).then_some(kept)
    }

    pub(super) fn serve<B>(
        &self,
        kept: &Kept,
        asked: &Asked,
        said: Said,
    ) -> Response<StaleBody<B>> {
        self.shared.tally.serve(said);
        kept.answer(asked, said, self.shared.now())
    }

    /// Has a request lead or follow those that ask for the same. `None` if it goes alone.
    pub(super) fn join(&self, asked: &Asked, found: Option<&Kept>) -> Option<Join> {
        if !self.settings.coalesce {
            return None;
        }
        let one_persons = self.settings.personal.of(&asked.headers).next().is_some();
        // Whose answer is for everybody is known only when there was one.
        let coalesces = !one_persons || found.is_some();
        (coalesces && asked.is_plain()).then(|| self.shared.flights.join(self.name(asked)))
    }

    /// What equal requests have in common: the key and what the newest answer varies by.
    pub(super) fn name(&self, asked: &Asked) -> Box<[u8]> {
        let mut name = asked.key.as_bytes().to_vec();
        if let Some(newest) = self.shared.store.newest(&asked.key) {
            for (field, _) in &newest.terms.vary {
                for value in asked.headers.get_all(field) {
                    name.push(b'\n');
                    name.extend(value.as_bytes());
                }
                name.push(b'\r');
            }
        }
        name.into()
    }

    /// Why a gate inside refused, and nobody answered who is to be heard.
    fn refused(&self, said: &Extensions) -> Option<Reason> {
        let heard = |_: &&FellBack| self.settings.over_fallback;
        let instead = || said.get().filter(heard).map(FellBack::rejection);
        said.get().or_else(instead).map(Rejection::reason)
    }

    fn trouble<B, E>(&self, result: &Result<Response<B>, E>) -> Option<Trouble> {
        let Ok(response) = result else { return Some(Trouble::Failed) };
        if let Some(reason) = self.refused(response.extensions()) {
            let counts = match reason {
                Reason::Unkeyed => false,
                Reason::Quota => self.settings.over_quota,
                _ => true,
            };
            return counts.then_some(Trouble::Refused(reason));
        }
        ERRORS.contains(&response.status()).then_some(Trouble::Status(response.status()))
    }
}

/// A request that is inside, and what becomes of its answer.
pub struct Keeping {
    pub(super) keeper: Keeper,
    asked: Asked,
    pub(super) lead: Option<Lead>,
    /// How often the store had been cleared before.
    cleared: u64,
}

impl Keeping {
    pub(super) fn new(keeper: Keeper, asked: Asked, lead: Option<Lead>) -> Self {
        let cleared = keeper.shared.store.cleared();
        Self { keeper, asked, lead, cleared }
    }

    /// What the client gets of the service's result.
    pub(super) fn receive<B: Body, E>(
        mut self,
        result: Result<Response<B>, E>,
    ) -> Result<Response<StaleBody<B>>, E> {
        let Some(trouble) = self.keeper.trouble(&result) else {
            return Ok(self.tee(result?));
        };
        self.land(Landing::Trouble(trouble));
        match self.keeper.stand_in(&self.asked, trouble) {
            Some(kept) => Ok(self.keeper.serve(&kept, &self.asked, Said::StandingIn(trouble))),
            None => result.map(|response| response.map(StaleBody::passing)),
        }
    }

    /// The service's result, that nobody waits for. `None` where it is none to be kept.
    pub(super) fn receive_alone<B: Body, E>(
        mut self,
        result: Result<Response<B>, E>,
    ) -> Option<Response<StaleBody<B>>> {
        match self.keeper.trouble(&result) {
            Some(trouble) => self.land(Landing::Trouble(trouble)),
            None => return result.ok().map(|response| self.tee(response)),
        }
        None
    }

    /// Nobody waits for an answer, and there is not going to be one.
    pub(super) fn give_up(mut self) {
        self.land(Landing::Trouble(Trouble::Late));
    }

    fn land(&mut self, landing: Landing) {
        if let Some(lead) = self.lead.take() {
            lead.land(landing);
        }
    }

    /// The answer that stands in for one that takes too long.
    pub(super) fn late<B>(&self) -> Option<Response<StaleBody<B>>> {
        let kept = self.keeper.stand_in(&self.asked, Trouble::Late)?;
        Some(self.keeper.serve(&kept, &self.asked, Said::StandingIn(Trouble::Late)))
    }

    /// Keeps a good answer as it goes by.
    fn tee<B: Body>(mut self, response: Response<B>) -> Response<StaleBody<B>> {
        if response.extensions().get::<FellBack>().is_some() {
            self.land(Landing::Own);
            return response.map(StaleBody::passing);
        }
        let (now, settings) = (self.keeper.shared.now(), &self.keeper.settings);
        let (status, headers) = (response.status(), response.headers());
        let terms =
            Terms::of(&self.asked, status, headers, now, settings.max_stale, &settings.personal);
        let head = Head::of(status, headers, now);
        // A refusal that is no trouble, for a quota, may have any status: gRPC's is 200.
        let refused = response.extensions().get::<Rejection>().is_some();
        let Some((terms, head)) = terms.zip(head).filter(|_| !refused) else {
            if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
                self.keeper.shared.store.forget(&self.asked.key);
            }
            self.land(Landing::Own);
            return response.map(StaleBody::passing);
        };
        let (parts, body) = response.into_parts();
        let tee = Tee::new(self, terms, head, &parts.headers, &body.size_hint());
        Response::from_parts(parts, StaleBody::teed(body, tee))
    }

    /// Keeps an answer that is whole.
    pub(super) fn keep(self, kept: Kept) {
        let Self { keeper, asked, lead, cleared } = self;
        let (kept, variants) = (Arc::new(kept), keeper.settings.max_variants);
        if keeper.shared.store.keep(&asked, kept.clone(), variants, cleared) {
            keeper.shared.tally.keep();
        }
        if let Some(lead) = lead {
            lead.land(Landing::Kept(kept));
        }
    }
}

/// What RFC 5861 (section 4) calls an error. A 500 is one only to answers that say so
/// themselves: it tells of a bug more often than of load.
const ERRORS: [StatusCode; 4] = [
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];
