//! What is remembered of a request while it is inside.

use http::{HeaderMap, HeaderName, Method, Request, header};

use super::{
    directives::Directives,
    key::{self, Key},
};

/// A request whose answer may be kept, or be one that was kept.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) key: Key,
    pub(super) headers: HeaderMap,
    pub(super) directives: Directives,
    /// It asks for the head alone.
    pub(super) is_head: bool,
}

impl Asked {
    /// `None` for what has nothing to do with stores.
    pub(super) fn of<B>(request: &Request<B>) -> Option<Self> {
        let headers = request.headers();
        if !matches!(*request.method(), Method::GET | Method::HEAD)
            || APART.iter().any(|name| headers.contains_key(name))
            || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
        {
            return None;
        }
        let directives = Directives::of(headers).filter(|own| !own.has("no-store"))?;
        let key = key::of(request.uri(), headers, request.extensions())?;
        let is_head = request.method() == Method::HEAD;
        Some(Self { key, headers: headers.clone(), directives, is_head })
    }

    /// Whether it takes only what is asked for anew.
    pub(super) fn insists(&self) -> bool {
        self.directives.has("no-cache")
    }

    /// Whether its answer may be that of another that is the same, as far as it tells.
    pub(super) fn is_plain(&self) -> bool {
        let conditional = [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE];
        !self.is_head
            && !self.insists()
            && self.directives.time("max-age").is_none()
            && self.directives.time("min-fresh").is_none()
            && !conditional.iter().any(|name| self.headers.contains_key(name))
    }
}

/// Requests with one of these pass as they are: for a part, on conditions that only the
/// service can judge, with a body, or for another protocol.
static APART: [HeaderName; 6] = [
    header::RANGE,
    header::IF_MATCH,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
