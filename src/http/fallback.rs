//! Closures as fallbacks, which need no more than the head of a request.

use std::{
    future::{Future, Ready, ready},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response, request::Parts};
use pin_project::pin_project;

use crate::{
    admission::{Answer, GateLayer},
    fallback::FallbackLayer,
    rejection::Rejection,
};

impl<G, C, P> GateLayer<G, C, P> {
    /// A closure answers what is refused here, from the head of the request and the
    /// [`Rejection`]: with a `http::Response`, or with an `Option` of one, where `None` leaves
    /// it at the refusal. Only over HTTP. See [`FallbackLayer`].
    ///
    /// The body may be of any type that becomes one of the service's, as `&str`, `String` and
    /// `Bytes` do in axum and as `http_body_util::Full`; anything that is axum's
    /// `IntoResponse` takes an `.into_response()`.
    ///
    /// ```
    /// use axum::{Router, response::IntoResponse, routing::get};
    /// use brownout::{Admission, Database};
    ///
    /// let db = Database::new("shop");
    /// let admission = Admission::builder().protect(&db).build()?;
    /// let yesterdays = admission.layer().fallback_with(|parts, rejection| {
    ///     println!("{}: {rejection}", parts.uri);
    ///     ([("cache-control", "no-store")], "yesterday's bestsellers").into_response()
    /// });
    /// let app: Router = Router::new()
    ///     .route("/feed", get(|| async { "today's bestsellers" }).layer(yesterdays));
    /// # let _ = app;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn fallback_with<F, R>(self, closure: F) -> FallbackLayer<G, C, P, ByParts<AtOnce<F>>>
    where
        F: FnOnce(&Parts, &Rejection) -> R,
    {
        FallbackLayer::new(self, ByParts(AtOnce(closure)))
    }

    /// As [`fallback_with`](Self::fallback_with), with a closure that gives a future of such a
    /// response. The future takes with it what it needs of the head.
    ///
    /// ```
    /// use axum::{http::StatusCode, response::IntoResponse};
    /// use brownout::{Admission, Reason};
    /// use tokio::sync::mpsc;
    ///
    /// let (queue, _worker) = mpsc::channel::<String>(100);
    /// let later = Admission::builder().build()?.layer().fallback_async(move |parts, _| {
    ///     let (queue, path) = (queue.clone(), parts.uri.path().to_owned());
    ///     async move {
    ///         queue.send(path).await.ok()?;
    ///         Some(StatusCode::ACCEPTED.into_response())
    ///     }
    /// });
    /// # let _ = later;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn fallback_async<F, R>(self, closure: F) -> FallbackLayer<G, C, P, ByParts<Async<F>>>
    where
        F: FnOnce(&Parts, &Rejection) -> R,
        R: Future,
    {
        FallbackLayer::new(self, ByParts(Async(closure)))
    }
}

/// What the closure of a fallback may answer with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no answer of a fallback to a service with bodies of type `{B}`",
    note = "a closure answers with `http::Response<T>` or `Option<http::Response<T>>`, where \
            `T: Into<{B}>`",
    note = "axum's answers take an `.into_response()`"
)]
pub trait Reply<B> {
    /// `None`: it declines.
    fn reply(self) -> Option<Response<B>>;
}

impl<T: Into<B>, B> Reply<B> for Response<T> {
    fn reply(self) -> Option<Response<B>> {
        Some(self.map(Into::into))
    }
}

impl<T: Into<B>, B> Reply<B> for Option<Response<T>> {
    fn reply(self) -> Option<Response<B>> {
        self.map(|response| response.map(Into::into))
    }
}

/// Makes the head of a request into an answer.
pub trait FromParts {
    /// The answer on its way.
    type Future: Future;

    /// Answers, or declines.
    fn answer(self, parts: &Parts, rejection: &Rejection) -> Self::Future;
}

/// A closure that answers at once. See [`GateLayer::fallback_with`].
#[derive(Clone, Copy, Debug)]
pub struct AtOnce<F>(F);

impl<F, R> FromParts for AtOnce<F>
where
    F: FnOnce(&Parts, &Rejection) -> R,
{
    type Future = Ready<R>;

    fn answer(self, parts: &Parts, rejection: &Rejection) -> Ready<R> {
        ready((self.0)(parts, rejection))
    }
}

/// A closure that answers with a future. See [`GateLayer::fallback_async`].
#[derive(Clone, Copy, Debug)]
pub struct Async<F>(F);

impl<F, R> FromParts for Async<F>
where
    F: FnOnce(&Parts, &Rejection) -> R,
    R: Future,
{
    type Future = R;

    fn answer(self, parts: &Parts, rejection: &Rejection) -> R {
        (self.0)(parts, rejection)
    }
}

/// Answers from the head of a request, also where the rest of it is gone.
#[derive(Clone, Copy, Debug)]
pub struct ByParts<H>(H);

impl<H, B, RB, E> Answer<Request<B>, Response<RB>, E> for ByParts<H>
where
    H: FromParts<Future: Future<Output: Reply<RB>>> + Clone,
{
    type Future = Replying<H::Future, RB, E>;
    type Kept = (Self, Parts);

    fn answer(self, request: Request<B>, rejection: &Rejection) -> Option<Self::Future> {
        let parts = request.into_parts().0;
        Some(self.reply(&parts, rejection))
    }

    fn keep(&self, request: &Request<B>) -> Option<Self::Kept> {
        Some((self.clone(), head(request)))
    }

    fn answer_kept((own, parts): Self::Kept, rejection: &Rejection) -> Option<Self::Future> {
        Some(own.reply(&parts, rejection))
    }
}

impl<H: FromParts> ByParts<H> {
    fn reply<B, E>(self, parts: &Parts, rejection: &Rejection) -> Replying<H::Future, B, E> {
        Replying { reply: self.0.answer(parts, rejection), as_result: PhantomData }
    }
}

/// The answer of a closure, on its way.
#[pin_project]
#[derive(Debug)]
pub struct Replying<R, B, E> {
    #[pin]
    reply: R,
    as_result: PhantomData<fn() -> (B, E)>,
}

impl<R, B, E> Future for Replying<R, B, E>
where
    R: Future<Output: Reply<B>>,
{
    type Output = Option<Result<Response<B>, E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().reply.poll(cx).map(|reply| reply.reply().map(Ok))
    }
}

/// A copy of the head.
pub(super) fn head<B>(request: &Request<B>) -> Parts {
    let mut head = Request::new(());
    head.method_mut().clone_from(request.method());
    head.uri_mut().clone_from(request.uri());
    *head.version_mut() = request.version();
    head.headers_mut().clone_from(request.headers());
    head.extensions_mut().clone_from(request.extensions());
    head.into_parts().0
}
