//! A response body whose chunks the test sends.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

/// Ends when its sender is dropped.
#[derive(Debug)]
pub(crate) struct Chunks(mpsc::UnboundedReceiver<Bytes>);

impl Chunks {
    pub(crate) fn channel() -> (mpsc::UnboundedSender<Bytes>, Self) {
        let (sender, chunks) = mpsc::unbounded_channel();
        (sender, Self(chunks))
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}
