//! The body of an answer: the service's, seen as it goes by, or one that was kept.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;

use super::tee::Tee;

/// The body of a response from behind a [`StaleLayer`](super::StaleLayer): the service's own,
/// frame by frame as it comes, or an answer that was kept. What the service's body holds, as
/// a permit, it holds as long as before.
///
/// # Cancel safety
///
/// One that is dropped before its end, or fails, is not kept.
#[pin_project]
pub struct StaleBody<B> {
    #[pin]
    kind: Kind<B>,
}

#[pin_project(project = KindProject)]
enum Kind<B> {
    Service {
        #[pin]
        body: B,
        tee: Option<Box<Tee>>,
    },
    Kept {
        data: Bytes,
        trailers: Option<HeaderMap>,
    },
}

impl<B> StaleBody<B> {
    pub(super) fn passing(body: B) -> Self {
        Self { kind: Kind::Service { body, tee: None } }
    }

    pub(super) fn kept(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { kind: Kind::Kept { data, trailers } }
    }

    /// Whether nothing of it is going to be kept any more.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Service { tee: None, .. } | Kind::Kept { .. })
    }
}

impl<B: Body> StaleBody<B> {
    pub(super) fn teed(body: B, mut tee: Option<Box<Tee>>) -> Self {
        // Nobody polls a body that has ended already.
        if let Some(tee) = tee.take_if(|tee| body.is_end_stream() || tee.is_whole()) {
            tee.end(None);
        }
        Self { kind: Kind::Service { body, tee } }
    }
}

impl<B> Body for StaleBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().kind.project() {
            KindProject::Service { mut body, tee } => {
                let frame = ready!(body.as_mut().poll_frame(cx));
                let seen = match tee.take() {
                    Some(seen) => see(seen, frame, tee),
                    None => frame,
                };
                // Some never poll beyond the last byte that was promised.
                if let Some(seen) = tee.take_if(|tee| body.is_end_stream() || tee.is_whole()) {
                    seen.end(None);
                }
                Poll::Ready(seen)
            }
            KindProject::Kept { data, trailers } => {
                if !data.is_empty() {
                    let data = std::mem::take(data).into();
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Poll::Ready(trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Service { body, .. } => body.is_end_stream(),
            Kind::Kept { data, trailers } => data.is_empty() && trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Service { body, .. } => body.size_hint(),
            Kind::Kept { data, .. } => SizeHint::with_exact(data.len() as u64),
        }
    }
}

type Seen<D, E> = Option<Result<Frame<D>, E>>;

/// Shows a frame to the tee, and puts that back if there is to be more.
fn see<D: Buf + From<Bytes>, E>(
    tee: Box<Tee>,
    frame: Seen<D, E>,
    back: &mut Option<Box<Tee>>,
) -> Seen<D, E> {
    let frame = match frame {
        Some(Ok(frame)) => frame,
        Some(Err(error)) => {
            tee.give_up();
            return Some(Err(error));
        }
        None => {
            tee.end(None);
            return None;
        }
    };
    let mut data = match frame.into_data() {
        Ok(data) => data,
        Err(other) => {
            match other.trailers_ref() {
                Some(trailers) => tee.end(Some(trailers.clone())),
                None => *back = Some(tee),
            }
            return Some(Ok(other));
        }
    };
    // Most data lies in one piece, and stays as it is.
    if data.chunk().len() == data.remaining() {
        *back = tee.see(data.chunk());
        return Some(Ok(Frame::data(data)));
    }
    let whole = data.copy_to_bytes(data.remaining());
    *back = tee.see(&whole);
    Some(Ok(Frame::data(whole.into())))
}

impl<B> fmt::Debug for StaleBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Service { .. } => "Service",
            Kind::Kept { .. } => "Kept",
        };
        f.debug_tuple("StaleBody").field(&format_args!("{kind}")).finish()
    }
}
