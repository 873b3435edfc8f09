//! Who answers a refused request.

use std::{
    convert::Infallible,
    future::{Future, Pending},
};

use crate::rejection::Rejection;

/// Answers refused requests in the place of the service, or leaves it to the protocol.
pub trait Answer<Req, Res, Err>: Sized {
    /// The answer on its way. `None`: it declines after all, and the refusal itself is the
    /// answer.
    type Future: Future<Output = Option<Result<Res, Err>>>;

    /// What it needs of an admitted request to answer it nevertheless, if it is refused in the
    /// midst, at a database.
    type Kept;

    /// Whether such a refusal is its business at all. Default: each is.
    fn takes(&self, rejection: &Rejection) -> bool {
        let _ = rejection;
        true
    }

    /// Takes a refused request, whole. `None`: it declines.
    fn answer(self, request: Req, rejection: &Rejection) -> Option<Self::Future>;

    /// Looks at a request before the service gets it. `None`: it is not answered if it is
    /// refused in the midst. Not called where no database can refuse.
    fn keep(&self, request: &Req) -> Option<Self::Kept>;

    /// Answers a request that was refused in the midst: the service had it, asked for a
    /// connection, and failed. `None`: it declines.
    fn answer_kept(kept: Self::Kept, rejection: &Rejection) -> Option<Self::Future>;
}

/// Nobody answers: the refusal itself is the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl<Req, Res, Err> Answer<Req, Res, Err> for Nobody {
    type Future = Pending<Option<Result<Res, Err>>>;
    type Kept = Infallible;

    fn takes(&self, _rejection: &Rejection) -> bool {
        false
    }

    fn answer(self, _request: Req, _rejection: &Rejection) -> Option<Self::Future> {
        None
    }

    fn keep(&self, _request: &Req) -> Option<Infallible> {
        None
    }

    fn answer_kept(kept: Infallible, _rejection: &Rejection) -> Option<Self::Future> {
        match kept {}
    }
}
