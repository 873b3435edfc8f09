//! Collects an answer as it goes by.

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::SizeHint;

use super::{
    flight::Landing,
    keeper::Keeping,
    kept::{Head, Kept},
    terms::Terms,
};

/// An answer on its way out, as far as it was seen. Dropped, it is not kept.
pub(super) struct Tee {
    keeping: Keeping,
    terms: Terms,
    head: Head,
    body: Vec<u8>,
    /// How long it says it is.
    length: Option<u64>,
}

impl Tee {
    /// `None` for one that is longer than those that are kept.
    pub(super) fn new(
        mut keeping: Keeping,
        terms: Terms,
        head: Head,
        headers: &HeaderMap,
        size: &SizeHint,
    ) -> Option<Box<Self>> {
        let most = keeping.keeper.settings.max_body as u64;
        let told =
            headers.get(header::CONTENT_LENGTH).map(|length| length.to_str().ok()?.parse().ok());
        let length = told.unwrap_or(size.exact());
        // A length that is none, or that is not the body's, is not believed.
        let wrong =
            told.is_some_and(|told: Option<u64>| told.is_none_or(|told| told < size.lower()));
        if wrong || length.unwrap_or(size.lower()) > most {
            if let Some(lead) = keeping.lead.take() {
                lead.land(Landing::Own);
            }
            return None;
        }
        if let Some(lead) = &keeping.lead {
            lead.head();
        }
        let expected = usize::try_from(length.unwrap_or(size.lower())).unwrap_or(0);
        let body = Vec::with_capacity(expected);
        Some(Box::new(Self { keeping, terms, head, body, length }))
    }

    /// Whether all that was promised has been seen.
    pub(super) fn is_whole(&self) -> bool {
        self.length == Some(self.body.len() as u64)
    }

    /// Sees some more. `None` when it grows too long.
    pub(super) fn see(mut self: Box<Self>, data: &[u8]) -> Option<Box<Self>> {
        let length = self.body.len() + data.len();
        let most = self.length.unwrap_or(self.keeping.keeper.settings.max_body as u64);
        if length as u64 > most {
            self.give_up();
            return None;
        }
        self.body.extend_from_slice(data);
        Some(self)
    }

    /// Its end was seen.
    pub(super) fn end(self: Box<Self>, trailers: Option<HeaderMap>) {
        if self.length.is_some_and(|length| length != self.body.len() as u64) {
            return self.give_up();
        }
        let Self { keeping, terms, head, body, .. } = *self;
        // A vector with room to spare would keep more memory than is counted.
        let body = Bytes::from(body.into_boxed_slice());
        keeping.keep(Kept { terms, head, body, trailers });
    }

    /// It is not going to be kept.
    pub(super) fn give_up(self: Box<Self>) {
        if let Some(lead) = self.keeping.lead {
            lead.land(Landing::Own);
        }
    }
}
