//! Answers, each with what keeps it where it belongs.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{self, HeaderMap},
};
use http_body::Body;

use super::{body::ConsoleBody, events::Events};

pub(super) fn text(kind: &'static str, text: impl Into<Bytes>) -> Response<ConsoleBody> {
    response(StatusCode::OK, kind, ConsoleBody::text(text.into()))
}

pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<ConsoleBody> {
    response(status, "text/plain; charset=utf-8", ConsoleBody::text(text.into()))
}

pub(super) fn stream(events: Events) -> Response<ConsoleBody> {
    let body = ConsoleBody::events(events);
    let mut response = response(StatusCode::OK, "text/event-stream", body);
    // nginx would keep them back until there are many.
    let buffering = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(buffering, HeaderValue::from_static("no"));
    response
}

pub(super) fn moved(location: String) -> Response<ConsoleBody> {
    let Ok(location) = HeaderValue::try_from(location) else {
        return plain(StatusCode::NOT_FOUND, "There is nothing here.\n");
    };
    let mut response = plain(StatusCode::PERMANENT_REDIRECT, "It is one slash further.\n");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

pub(super) fn wrong_method() -> Response<ConsoleBody> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Only to be read.\n");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

pub(super) fn too_many() -> Response<ConsoleBody> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "Too many watch already.\n");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// The same without its body. A stream gives back its place.
pub(super) fn head_of(response: Response<ConsoleBody>) -> Response<ConsoleBody> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, ConsoleBody::text(Bytes::new()))
}

fn response(status: StatusCode, kind: &'static str, body: ConsoleBody) -> Response<ConsoleBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    protect(headers);
    response
}

fn protect(headers: &mut HeaderMap) {
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

const PROTECTION: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The page's own files, its own stream, and an icon that is part of it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";
