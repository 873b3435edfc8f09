//! An answer that is kept.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::{
    asked::Asked,
    body::StaleBody,
    date,
    directives::names,
    known::{is_known, told},
    said::Said,
    terms::Terms,
};
use crate::number;

/// One good answer, whole.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) terms: Terms,
    pub(super) head: Head,
    pub(super) body: Bytes,
    pub(super) trailers: Option<HeaderMap>,
}

/// The head of an answer, as it goes to others.
#[derive(Clone, Debug)]
pub(super) struct Head {
    status: StatusCode,
    headers: HeaderMap,
}

impl Head {
    /// Without what is about one connection, one moment or one client. `None` where that
    /// cannot be told.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Option<Self> {
        let listed = names(headers, header::CONNECTION)?;
        let mut headers = headers.clone();
        for name in listed.iter().chain(&LEFT_OUT) {
            while headers.remove(name).is_some() {}
        }
        let quotas = headers
            .keys()
            .filter(|name| QUOTAS.iter().any(|start| name.as_str().starts_with(start)));
        for name in quotas.cloned().collect::<Vec<_>>() {
            headers.remove(name);
        }
        if !headers.contains_key(header::DATE) {
            headers.insert(header::DATE, date::value(now)?);
        }
        Some(Self { status, headers })
    }
}

impl Kept {
    /// How many bytes it takes, about.
    pub(super) fn weight(&self) -> u64 {
        let varied = self.terms.vary.iter();
        let varied = varied.map(|(_, values)| values.iter().map(HeaderValue::len).sum::<usize>());
        let trailers = self.trailers.as_ref().map_or(0, weight_of);
        let total = ITSELF + weight_of(&self.head.headers) + trailers + self.body.len();
        (total + varied.sum::<usize>()) as u64
    }

    /// The answer to one more request: 304 to a client that has it already.
    pub(super) fn answer<B>(
        &self,
        asked: &Asked,
        said: Said,
        now: SystemTime,
    ) -> Response<StaleBody<B>> {
        let Head { status, headers } = &self.head;
        let known = *status == StatusCode::OK && is_known(headers, &asked.headers);
        let body = if known || asked.is_head {
            StaleBody::kept(Bytes::new(), None)
        } else {
            StaleBody::kept(self.body.clone(), self.trailers.clone())
        };
        let mut response = Response::new(body);
        *response.status_mut() = if known { StatusCode::NOT_MODIFIED } else { *status };
        *response.headers_mut() = if known { told(headers) } else { headers.clone() };
        let headers = response.headers_mut();
        if asked.is_head && !known && *status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_LENGTH, number::value(self.body.len() as u64));
        }
        headers.insert(header::AGE, number::value(self.terms.age(now).as_secs()));
        headers.append(CACHE_STATUS, said.header(self.terms.ttl(now)));
        response
    }
}

fn weight_of(headers: &HeaderMap) -> usize {
    let fields = headers.iter();
    fields.map(|(name, value)| name.as_str().len() + value.len() + EACH_FIELD).sum()
}

/// About what its parts take beside their contents, the policy's own copies included.
const ITSELF: usize = 2048;
const EACH_FIELD: usize = 96;

/// Of one connection (RFC 9111, 3.1) or one moment. `Warning` is obsolete.
static LEFT_OUT: [HeaderName; 13] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::AGE,
    header::WARNING,
    HeaderName::from_static("server-timing"),
];

/// How one client stands with its quotas is nobody else's business.
const QUOTAS: [&str; 3] = ["ratelimit", "x-ratelimit", "x-rate-limit"];

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
