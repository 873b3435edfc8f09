//! The service: asks the inner one, and has an answer where that has none.

use std::{
    pin::pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body::Body;
use tower::Service;

use super::{
    asked::Asked,
    body::StaleBody,
    flight::{Join, Landing, Lead},
    future::{Changes, Parked, StaleFuture},
    keeper::{Keeper, Keeping},
    kept::Kept,
    key,
    layer::StaleLayer,
    rest::Rest,
    said::Said,
};
use crate::admission::Oneshot;

/// A service whose last good answers are kept. Made by [`StaleLayer`].
#[derive(Clone, Debug)]
pub struct StaleService<S, R> {
    inner: S,
    layer: StaleLayer<R>,
}

impl<S, R> StaleService<S, R> {
    pub(super) fn new(inner: S, layer: StaleLayer<R>) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, RB, R> Service<Request<B>> for StaleService<S, R>
where
    S: Service<Request<B>, Response = Response<RB>> + Clone,
    RB: Body,
    RB::Data: From<Bytes>,
    R: Rest<Oneshot<S, Request<B>>>,
{
    type Response = Response<StaleBody<RB>>;
    type Error = S::Error;
    type Future = StaleFuture<S, B, RB, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let keeper = self.layer.keeper.clone();
        let Some(asked) = Asked::of(&request) else {
            let key = changed(&request);
            let call = Oneshot::called(self.inner.call(request));
            return StaleFuture::passing(call, key.map(|key| Changes { keeper, key }));
        };
        // Who is asked for each page anew looks for another only in trouble.
        let may_serve = keeper.settings.fresh || keeper.settings.coalesce;
        let found = if may_serve { keeper.find(&asked) } else { None };
        if let Some(kept) = found.as_deref().filter(|_| keeper.settings.fresh) {
            let now = keeper.shared.now();
            if kept.terms.is_fresh(&asked, now) {
                return self.answer(kept, &asked, Said::Fresh);
            }
            if R::GOES_ON && kept.terms.may_bridge(now) {
                let response = keeper.serve(kept, &asked, Said::Bridging);
                self.refresh(request, asked);
                return StaleFuture::answered(response);
            }
        }
        match keeper.join(&asked, found.as_deref()) {
            Some(Join::Follow(follow)) => {
                self.release();
                let (inner, found) = (self.inner.clone(), found.is_some());
                StaleFuture::following(follow, Parked { inner, request, keeper, asked, found })
            }
            Some(Join::Lead(lead)) => match keeper.just_kept(&asked) {
                Some(kept) => {
                    lead.land(Landing::Kept(kept.clone()));
                    self.answer(&kept, &asked, Said::Fresh)
                }
                None => self.ask(request, keeper, asked, Some(lead)),
            },
            None => self.ask(request, keeper, asked, None),
        }
    }
}

impl<S, R> StaleService<S, R> {
    fn answer<B, RB>(&mut self, kept: &Kept, asked: &Asked, said: Said) -> StaleFuture<S, B, RB, R>
    where
        S: Service<Request<B>, Response = Response<RB>> + Clone,
        R: Rest<Oneshot<S, Request<B>>>,
    {
        self.release();
        StaleFuture::answered(self.layer.keeper.serve(kept, asked, said))
    }

    fn ask<B, RB>(
        &mut self,
        request: Request<B>,
        keeper: Keeper,
        asked: Asked,
        lead: Option<Lead>,
    ) -> StaleFuture<S, B, RB, R>
    where
        S: Service<Request<B>, Response = Response<RB>>,
        R: Rest<Oneshot<S, Request<B>>>,
    {
        let keeping = Keeping::new(keeper, asked, lead);
        StaleFuture::calling(Oneshot::called(self.inner.call(request)), keeping)
    }

    /// Asks for the whole page anew, unless somebody does so already.
    fn refresh<B, RB>(&mut self, mut request: Request<B>, mut asked: Asked)
    where
        S: Service<Request<B>, Response = Response<RB>> + Clone,
        R: Rest<Oneshot<S, Request<B>>>,
    {
        let keeper = self.layer.keeper.clone();
        let Some(lead) = keeper.shared.flights.lead(keeper.name(&asked)) else {
            return self.release();
        };
        if let Some(kept) = keeper.just_kept(&asked) {
            lead.land(Landing::Kept(kept));
            return self.release();
        }
        *request.method_mut() = Method::GET;
        asked.is_head = false;
        for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
            request.headers_mut().remove(&name);
            asked.headers.remove(&name);
        }
        let call = pin!(Some(R::hold(Oneshot::called(self.inner.call(request)))));
        R::leave(call, Keeping::new(keeper, asked, Some(lead)));
    }
}

impl<S: Clone, R> StaleService<S, R> {
    /// A ready service may hold a permit of its own. A clone is not ready and holds nothing.
    fn release(&mut self) {
        self.inner = self.inner.clone();
    }
}

/// The key of what a request may change.
fn changed<B>(request: &Request<B>) -> Option<key::Key> {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
    let changes = !safe.contains(request.method());
    changes.then(|| key::of(request.uri(), request.headers(), request.extensions())).flatten()
}
