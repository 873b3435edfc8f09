//! A long body, sent in pieces.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};

/// More than sockets and servers keep for a client that does not read.
#[derive(Debug)]
pub(crate) struct Rows {
    left: usize,
}

impl Default for Rows {
    fn default() -> Self {
        Self { left: PIECES }
    }
}

impl Body for Rows {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

static PIECE: [u8; 16 * 1_024] = [b'.'; 16 * 1_024];
/// 8 MB.
const PIECES: usize = 512;
