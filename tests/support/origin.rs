//! A service that answers as the test says, and counts who asks.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use brownout::{Reason, Rejection};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::sync::watch;
use tower::{BoxError, Service, ServiceExt, service_fn};

use super::SECOND;

/// What it does.
#[derive(Clone)]
pub(crate) enum Play {
    /// Answers with these headers. The body tells the path and how many have asked.
    Page(&'static [(&'static str, &'static str)]),
    Status(StatusCode),
    Refuse(Reason),
    Fail,
    /// Answers so only when the door opens.
    Wait(&'static [(&'static str, &'static str)]),
}

#[derive(Clone)]
pub(crate) struct Origin(Arc<State>);

struct State {
    play: Mutex<Play>,
    calls: AtomicUsize,
    inside: AtomicUsize,
    door: watch::Sender<bool>,
}

/// Counts those that are inside, also those that leave before.
struct Guest<'o>(&'o AtomicUsize);

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Origin {
    pub(crate) fn new(play: Play) -> Self {
        let (play, door) = (Mutex::new(play), watch::Sender::new(false));
        Self(Arc::new(State { play, calls: 0.into(), inside: 0.into(), door }))
    }

    pub(crate) fn play(&self, play: Play) {
        *self.0.play.lock().expect("no test panics here") = play;
    }

    pub(crate) fn open(&self) {
        self.0.door.send_replace(true);
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn inside(&self) -> usize {
        self.0.inside.load(Ordering::SeqCst)
    }

    pub(crate) fn service(&self) -> impl Page {
        let origin = self.clone();
        service_fn(move |request| {
            let origin = origin.clone();
            async move { origin.answer(request).await }
        })
    }

    async fn answer(&self, request: Request<()>) -> Result<Response<Full<Bytes>>, BoxError> {
        let call = self.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.inside.fetch_add(1, Ordering::SeqCst);
        let _inside = Guest(&self.0.inside);
        let play = self.0.play.lock().expect("no test panics here").clone();
        let page = |headers: &[(&str, &str)]| {
            let text = format!("{} {call}", request.uri().path());
            let mut response = Response::new(Full::from(text));
            *response.headers_mut() = fields(headers);
            response
        };
        Ok(match play {
            Play::Page(headers) => page(headers),
            Play::Wait(headers) => {
                let mut door = self.0.door.subscribe();
                door.wait_for(|open| *open).await?;
                page(headers)
            }
            Play::Status(status) => {
                let mut response = page(&[]);
                *response.status_mut() = status;
                response
            }
            Play::Refuse(reason) => {
                let mut response = page(&[]);
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response.extensions_mut().insert(Rejection::new(reason, SECOND));
                response
            }
            Play::Fail => return Err("broken".into()),
        })
    }
}

/// A service that answers with a page.
pub(crate) trait Page:
    Service<Request<()>, Response = Response<Full<Bytes>>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Page for S where
    S: Service<Request<()>, Response = Response<Full<Bytes>>, Error = BoxError, Future: Send>
        + Clone
        + Send
        + 'static
{
}

pub(crate) fn fields(fields: &[(&str, &str)]) -> HeaderMap {
    let fields = fields.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().expect("it is a name");
        (name, HeaderValue::from_str(value).expect("it is text"))
    });
    let mut all = HeaderMap::new();
    for (name, value) in fields {
        all.append(name, value);
    }
    all
}

pub(crate) fn request(path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::get(path).body(()).expect("it is valid");
    *request.headers_mut() = fields(headers);
    request
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Came {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("it is text"))
    }
}

/// Sends a request and reads the answer to its end.
pub(crate) async fn send<S, B>(service: &S, request: Request<()>) -> Result<Came, BoxError>
where
    S: Service<Request<()>, Response = Response<B>, Error = BoxError> + Clone,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let response = service.clone().oneshot(request).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("it is whole").to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Came { status: parts.status.as_u16(), headers: parts.headers, body })
}

pub(crate) async fn get<S, B>(service: &S, path: &str) -> Came
where
    S: Service<Request<()>, Response = Response<B>, Error = BoxError> + Clone,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    send(service, request(path, &[])).await.expect("it is answered")
}
