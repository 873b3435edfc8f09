//! A response body that holds a permit until it ends.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use crate::{database::Visit, gate::Finish};

/// The body of a response from behind a gate: the inner service's with its permit, or
/// the text of a refusal. The permit is freed with the last frame, or when the body is
/// dropped: at once where there is none (204, HEAD, an upgrade to WebSocket). A client
/// that reads slowly keeps its place for as long as it reads, unless that is
/// [bounded](crate::GateLayer::body_within). What a body asks of a database
/// as it streams counts for the route of its request.
#[pin_project]
#[derive(Debug)]
pub struct PermitBody<B, H> {
    #[pin]
    kind: Kind<B, H>,
}

#[pin_project(project = KindProject)]
#[derive(Debug)]
enum Kind<B, H> {
    Inner {
        #[pin]
        body: B,
        held: Option<H>,
    },
    Refusal {
        text: Option<Bytes>,
    },
}

impl<B: Body, H> PermitBody<B, H> {
    #[inline]
    pub(super) fn new(body: B, held: Option<H>) -> Self {
        let held = if body.is_end_stream() { None } else { held };
        Self { kind: Kind::Inner { body, held } }
    }

    pub(super) fn refusal(text: Bytes) -> Self {
        // An end that is seen at once goes with the head, where gRPC looks for it.
        Self { kind: Kind::Refusal { text: Some(text).filter(|text| !text.is_empty()) } }
    }
}

impl<B, H> Body for PermitBody<B, H>
where
    B: Body,
    B::Data: From<Bytes>,
    H: Finish,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().kind.project() {
            KindProject::Inner { mut body, held } => {
                let attending = held.as_ref().filter(|held| held.attends());
                let after = |held: &H| Visit::after(|attendance| held.attend(attendance));
                let mut visit = attending.map(after);
                let frame = Visit::during(&mut visit, || body.as_mut().poll_frame(cx));
                let frame = ready!(frame);
                if body.is_end_stream() || !matches!(frame, Some(Ok(_))) {
                    *held = None;
                }
                Poll::Ready(frame)
            }
            KindProject::Refusal { text } => {
                Poll::Ready(text.take().map(|text| Ok(Frame::data(text.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body, .. } => body.is_end_stream(),
            Kind::Refusal { text } => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body, .. } => body.size_hint(),
            Kind::Refusal { text } => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
        }
    }
}
