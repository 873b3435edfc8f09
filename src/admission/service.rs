//! The service: asks the gate, then the inner service.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use tower::Service;

use super::{
    answer::Answer,
    future::{Parked, ResponseFuture},
    inspect::Inspect,
    layer::GateLayer,
    oneshot::Oneshot,
    protocol::Protocol,
    served::Admitted,
};
use crate::{
    class::Classify,
    clock,
    database::Visit,
    gate::{Entry, Finish, Gate},
};

/// A service behind a gate.
#[derive(Clone, Debug)]
pub struct GateService<S, G, C, P, F> {
    inner: S,
    layer: GateLayer<G, C, P>,
    fallback: F,
}

impl<S, G, C, P, F> GateService<S, G, C, P, F> {
    pub(crate) fn new(inner: S, layer: GateLayer<G, C, P>, fallback: F) -> Self {
        Self { inner, layer, fallback }
    }
}

impl<S, G, C, P, F, Req> Service<Req> for GateService<S, G, C, P, F>
where
    S: Service<Req> + Clone,
    G: Gate,
    C: Classify<Req>,
    P: Protocol<S::Response, S::Error> + Inspect<Req> + Clone,
    F: Answer<Req, S::Response, S::Error> + Clone,
{
    type Response = P::Response<G::Permit>;
    type Error = S::Error;
    type Future = ResponseFuture<S, Req, G, P, F>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let GateLayer { gate, classify, protocol, watch } = &self.layer;
        let mut class = classify.classify(&request);
        // After it, so that a request with no time at all has none left.
        let now = clock::now();
        class.route = class.route.or_else(|| protocol.route(&request));
        if protocol.is_preflight(&request) {
            class.cells = 0;
        }
        let stamp = watch.pass(now);
        let protocol = protocol.clone();
        match gate.enter(&class, now) {
            Entry::Admitted(permit) => {
                let errand = watch.start(&class, stamp);
                let admitted = Admitted { permit, errand, since: now };
                if !admitted.permit.attends() {
                    protocol.note_admitted(Duration::ZERO, None);
                    let call = Oneshot::called(self.inner.call(request));
                    return ResponseFuture::calling(call, None, admitted, None, protocol);
                }
                let mut visit = admitted.visit();
                let kept = self.fallback.keep(&request);
                tell_brownout(&protocol, &mut request, visit.as_ref());
                protocol.note_admitted(Duration::ZERO, visit.as_ref().map(Visit::level));
                let call = Visit::during(&mut visit, || self.inner.call(request));
                ResponseFuture::calling(Oneshot::called(call), visit, admitted, kept, protocol)
            }
            Entry::Waiting(wait) => {
                let (watch, fallback) = (watch.clone(), self.fallback.clone());
                self.release();
                let inner = self.inner.clone();
                let parked = Parked { inner, request, class, since: now, watch, fallback };
                ResponseFuture::waiting(wait, parked, protocol)
            }
            Entry::Refused(rejection) => {
                self.release();
                ResponseFuture::refused(request, rejection, self.fallback.clone(), protocol)
            }
        }
    }
}

impl<S: Clone, G, C, P, F> GateService<S, G, C, P, F> {
    /// A ready service may hold a permit of its own, which it would keep from others
    /// for as long as it is not called. A clone is not ready and holds nothing.
    fn release(&mut self) {
        self.inner = self.inner.clone();
    }
}

/// Tells a request that is to be served how degraded the service is, if it is.
pub(super) fn tell_brownout<Req>(
    protocol: &impl Inspect<Req>,
    request: &mut Req,
    visit: Option<&Visit>,
) {
    let brownout = visit.map(Visit::brownout);
    if let Some(brownout) = brownout.filter(|brownout| brownout.is_dim()) {
        protocol.tell_brownout(request, brownout);
    }
}
