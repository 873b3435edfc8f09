//! Who answers a refused request.

use std::future::{Future, Pending};

use crate::rejection::Rejection;

/// Answers refused requests in the place of the service, or leaves it to the protocol.
pub trait Answer<Req, Res, Err> {
    /// The answer on its way.
    type Future: Future<Output = Result<Res, Err>>;

    /// Takes the request that was refused, whole. `None`: there is nobody to answer.
    fn answer(self, request: Req, rejection: &Rejection) -> Option<Self::Future>;
}

/// Nobody answers: the refusal itself is the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl<Req, Res, Err> Answer<Req, Res, Err> for Nobody {
    type Future = Pending<Result<Res, Err>>;

    fn answer(self, _request: Req, _rejection: &Rejection) -> Option<Self::Future> {
        None
    }
}
