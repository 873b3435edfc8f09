//! What becomes of a result, the service's own or a fallback's.

use std::time::Instant;

use super::{inspect::Format, protocol::Protocol};
use crate::{
    clock,
    database::{Errand, Visit},
    gate::Finish,
    outcome::{Outcome, Sample},
    rejection::Rejection,
};

/// What an admitted request holds.
pub(super) struct Admitted<H> {
    pub(super) permit: H,
    pub(super) errand: Option<Errand>,
    pub(super) since: Instant,
}

impl<H: Finish> Admitted<H> {
    /// The visit of its queries, if the permit has anything to say to them.
    pub(super) fn visit(&self) -> Option<Visit> {
        let attend = |attendance: &mut _| self.permit.attend(attendance);
        self.permit.attends().then(|| Visit::within(attend))
    }

    fn has_listeners(&self) -> bool {
        self.errand.is_some() || self.permit.listens()
    }

    /// Tells whoever wants to know; the permit lives on.
    fn finish(&mut self, outcome: Outcome) {
        let now = clock::stamp();
        let since = self.errand.as_ref().map_or_else(|| self.since.into(), Errand::started);
        self.permit.finish(&Sample::new(now.since(since), outcome));
        if let Some(errand) = self.errand.take() {
            errand.finish(now, outcome);
        }
    }
}

/// What becomes of the service's result.
pub(super) enum Served<R> {
    Answered(R),
    /// It failed since it was refused a connection. It holds nothing any more.
    Refused(Rejection, Format),
}

/// What the caller gets of the service's result; the visit is over.
#[inline(always)]
pub(super) fn served<P, Res, Err, H>(
    protocol: &P,
    result: Result<Res, Err>,
    mut visit: Option<Visit>,
    mut admitted: Admitted<H>,
) -> Served<Result<P::Response<H>, Err>>
where
    P: Protocol<Res, Err>,
    H: Finish,
{
    visit.iter_mut().for_each(Visit::end);
    if let Some(spent @ [_, ..]) = visit.as_mut().map(Visit::spent) {
        protocol.note_spent(spent);
    }
    let refused = visit.as_ref().and_then(Visit::refused);
    if let Some(rejection) = refused.filter(|_| protocol.has_failed(&result)) {
        admitted.finish(Outcome::Ignore);
        admitted.permit.hand_back();
        return Served::Refused(rejection, protocol.format_of(&result));
    }
    if admitted.has_listeners() {
        if let Some(visit) = &visit {
            admitted.permit.visited(visit.touched());
        }
        admitted.finish(protocol.judge(&result));
    }
    // Not in a closure, which would have the response moved into it and out again.
    let mut response = match result {
        Ok(response) => response,
        Err(error) => return Served::Answered(Err(error)),
    };
    if let Some(spent @ [_, ..]) = visit.as_mut().map(Visit::spent) {
        protocol.tell_spent(&mut response, spent);
    }
    if let Some(standing) = admitted.permit.standing() {
        protocol.tell_standing(&mut response, standing);
    }
    Served::Answered(Ok(protocol.answer(response, Some(admitted.permit))))
}

/// What the caller gets of a fallback's result: it holds nothing.
pub(super) fn fallen_back<P, Res, Err, H>(
    protocol: &P,
    result: Result<Res, Err>,
    rejection: &Rejection,
) -> Result<P::Response<H>, Err>
where
    P: Protocol<Res, Err>,
    H: Finish,
{
    result.map(|mut response| {
        protocol.tell_fallback(&mut response, rejection);
        protocol.answer(response, None)
    })
}
