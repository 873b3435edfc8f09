//! What the console answers with.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use super::events::Events;

/// The body of an answer of a [`Console`](super::Console): a text, or a stream of events.
#[pin_project]
#[derive(Debug)]
pub struct ConsoleBody(#[pin] Kind);

#[pin_project(project = KindProject)]
#[derive(Debug)]
enum Kind {
    Text(Option<Bytes>),
    Events(#[pin] Events),
}

impl ConsoleBody {
    pub(super) fn text(text: Bytes) -> Self {
        Self(Kind::Text(Some(text).filter(|text| !text.is_empty())))
    }

    pub(super) fn events(events: Events) -> Self {
        Self(Kind::Events(events))
    }
}

impl Body for ConsoleBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let text = match self.project().0.project() {
            KindProject::Text(text) => Poll::Ready(text.take()),
            KindProject::Events(events) => events.poll_next(cx),
        };
        text.map(|text| text.map(|text| Ok(Frame::data(text))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Text(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Kind::Events(_) => SizeHint::default(),
        }
    }
}
