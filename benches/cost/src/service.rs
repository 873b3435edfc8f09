//! The service in the middle, and how one is called.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower::Service;

/// What is called again and again.
pub struct Call {
    /// Whether it went as the case's name says.
    pub once: Box<dyn FnMut() -> bool>,
    /// What goes on besides, and is none of its cost.
    pub besides: Box<dyn FnMut()>,
}

impl Call {
    pub fn of(once: impl FnMut() -> bool + 'static) -> Self {
        Self { once: Box::new(once), besides: Box::new(|| {}) }
    }

    pub fn besides(self, mut besides: impl FnMut() + 'static) -> Self {
        let mut others = self.besides;
        let besides = move || {
            others();
            besides();
        };
        Self { besides: Box::new(besides), ..self }
    }
}

pub type Answer = Response<Full<Bytes>>;

/// A service that does nothing, and is ready at once.
#[derive(Clone, Copy, Debug)]
pub struct Bare;

impl Service<Request<()>> for Bare {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<()>) -> Ready {
        Ready
    }
}

/// The answer of a [`Bare`] one.
#[derive(Clone, Copy, Debug)]
pub struct Ready;

impl Future for Ready {
    type Output = Result<Answer, Infallible>;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(black_box(answer())))
    }
}

pub fn answer() -> Answer {
    Response::new(Full::new(Bytes::from_static(b"ok")))
}

/// Calls it again and again, and looks at the status.
pub fn answers<S, B>(service: S, status: StatusCode) -> Call
where
    S: Service<Request<()>, Response = Response<B>> + 'static,
{
    judged(service, move |answer| answer.is_ok_and(|answer| answer.status() == status))
}

/// Calls it again and again, and hands what comes back to `went`.
pub fn judged<S, W>(mut service: S, went: W) -> Call
where
    S: Service<Request<()>> + 'static,
    W: Fn(Result<S::Response, S::Error>) -> bool + 'static,
{
    Call::of(move || went(call(&mut service)))
}

/// Calls a clone each time, as axum and hyper do.
pub fn cloned<S, B>(service: S) -> Call
where
    S: Service<Request<()>, Response = Response<B>> + Clone + 'static,
{
    Call::of(move || call(&mut service.clone()).is_ok())
}

/// Reads the body of each answer to its end.
pub fn read<S, B>(mut service: S) -> Call
where
    S: Service<Request<()>, Response = Response<B>> + 'static,
    B: Body,
{
    Call::of(move || read_once(&mut service))
}

/// Whether there is an answer with a body of one frame.
pub fn read_once<S, B>(service: &mut S) -> bool
where
    S: Service<Request<()>, Response = Response<B>>,
    B: Body,
{
    let Ok(answer) = call(service) else { return false };
    let mut body = pin!(answer.into_body());
    let mut frame = || at_once(poll_fn(|cx| body.as_mut().poll_frame(cx)));
    frame().is_some() && frame().is_none()
}

pub fn call<S: Service<Request<()>>>(service: &mut S) -> Result<S::Response, S::Error> {
    at_once(poll_fn(|cx| service.poll_ready(cx)))?;
    at_once(service.call(black_box(Request::new(()))))
}

/// The output of a future that has nothing to wait for.
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}
