//! Which path gets what.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use http::{Method, Request, Response, StatusCode};
use tower::Service;

use super::{Console, answer, body::ConsoleBody, events::Events, mount};

impl<B> Service<Request<B>> for Console {
    type Response = Response<ConsoleBody>;
    type Error = Infallible;
    type Future = Ready<Result<Response<ConsoleBody>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(match *request.method() {
            Method::GET => self.answer(&request),
            Method::HEAD => answer::head_of(self.answer(&request)),
            _ => answer::wrong_method(),
        }))
    }
}

impl Console {
    fn answer<B>(&self, request: &Request<B>) -> Response<ConsoleBody> {
        match request.uri().path() {
            "/" => match mount::with_slash(request.extensions()) {
                Some(location) => answer::moved(location),
                None => answer::text("text/html; charset=utf-8", INDEX),
            },
            "/console.css" => answer::text("text/css; charset=utf-8", STYLE),
            "/console.js" => answer::text(SCRIPT, CONSOLE),
            "/plots.js" => answer::text(SCRIPT, PLOTS),
            "/overview.json" => answer::text(JSON, self.recorder.overview().to_string()),
            "/history.json" => answer::text(JSON, self.recorder.history().0),
            "/events" => match Events::seated(&self.recorder) {
                Some(events) => answer::stream(events),
                None => answer::too_many(),
            },
            _ => answer::plain(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        }
    }
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

const INDEX: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/console.css");
const CONSOLE: &str = include_str!("page/console.js");
const PLOTS: &str = include_str!("page/plots.js");
