//! A service whose every answer the test gives, for tests on paused time.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio_test::{assert_ready, task};
use tower::{BoxError, Layer, Service, ServiceExt, util::Oneshot};
use tower_test::mock::{Handle, Mock, SendResponse, pair};

pub(crate) type Page = Response<Full<Bytes>>;
pub(crate) type Inner = Mock<Request<()>, Page>;
/// The answer to a request that is inside.
pub(crate) type Held = SendResponse<Page>;

/// The test's end of a service that was put behind a layer.
pub(crate) struct Inside(Handle<Request<()>, Page>);

pub(crate) fn service() -> (Inner, Inside) {
    let (service, handle) = pair();
    (service, Inside(handle))
}

pub(crate) fn behind<L: Layer<Inner>>(layer: &L) -> (L::Service, Inside) {
    let (service, inside) = service();
    (layer.layer(service), inside)
}

pub(crate) fn page(status: StatusCode) -> Page {
    let mut page = Response::new(Full::from("page"));
    *page.status_mut() = status;
    page
}

pub(crate) fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).expect("it is valid")
}

impl Inside {
    /// The request that has come in, if one has.
    pub(crate) fn arrived(&mut self) -> Option<(Request<()>, Held)> {
        match task::spawn(self.0.next_request()).poll() {
            std::task::Poll::Ready(next) => next,
            std::task::Poll::Pending => None,
        }
    }

    /// Takes the request that has come in.
    pub(crate) fn take(&mut self) -> Held {
        self.arrived().expect("a request has come in").1
    }

    /// How many more requests it is ready for.
    pub(crate) fn allow(&mut self, requests: u64) {
        self.0.allow(requests);
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.arrived().is_none()
    }
}

/// A request on its way through a service.
pub(crate) type Flight<S> = task::Spawn<Oneshot<S, Request<()>>>;

/// Sends a request that is not answered at once.
pub(crate) fn launch<S: Gated>(service: &S, request: Request<()>) -> Flight<S> {
    let mut flight = task::spawn(service.clone().oneshot(request));
    assert!(flight.poll().is_pending(), "it is answered at once");
    flight
}

/// Sends a request that gets through to the inside at once.
pub(crate) fn admitted<S: Gated>(service: &S, inside: &mut Inside) -> (Flight<S>, Held) {
    let flight = launch(service, get("/"));
    (flight, inside.take())
}

/// Sends a request that is answered at once, though nobody inside does.
pub(crate) fn refused<S: Gated>(service: &S, request: Request<()>) -> S::Response {
    let mut flight = task::spawn(service.clone().oneshot(request));
    assert_ready!(flight.poll()).expect("a refusal is no error")
}

/// A service that speaks HTTP, to be sent to again and again.
pub(crate) trait Gated: Service<Request<()>, Error = BoxError> + Clone {}

impl<S: Service<Request<()>, Error = BoxError> + Clone> Gated for S {}
