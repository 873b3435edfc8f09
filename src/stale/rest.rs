//! What becomes of a call that nobody waits for any more.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tokio::{runtime::Handle, time::timeout};

use super::keeper::Keeping;

/// What becomes of a call that nobody waits for any more: [`Dropped`] or [`InBackground`].
pub trait Rest<F: Future> {
    /// The call while somebody waits for it.
    type Call: Future<Output = F::Output>;

    /// Whether a call may go on for itself.
    const GOES_ON: bool;

    /// Somebody waits for it.
    fn hold(call: F) -> Self::Call;

    /// Nobody waits for it any more. It is gone from `call` afterwards.
    fn leave(call: Pin<&mut Option<Self::Call>>, keeping: Keeping);
}

/// It is dropped. Nothing has to be `Send` or `'static` for that.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dropped;

impl<F: Future> Rest<F> for Dropped {
    type Call = F;
    const GOES_ON: bool = false;

    fn hold(call: F) -> F {
        call
    }

    fn leave(mut call: Pin<&mut Option<F>>, keeping: Keeping) {
        call.set(None);
        keeping.give_up();
    }
}

/// It goes on in a task of its own for up to a minute, so that its answer is kept. It lies in
/// a box, so that it can move there.
#[derive(Clone, Copy, Debug, Default)]
pub struct InBackground;

impl<F, B, E> Rest<F> for InBackground
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: From<Bytes> + Send,
    E: Send + 'static,
{
    type Call = Pin<Box<F>>;
    const GOES_ON: bool = true;

    fn hold(call: F) -> Self::Call {
        Box::pin(call)
    }

    fn leave(call: Pin<&mut Option<Self::Call>>, keeping: Keeping) {
        let call = call.get_mut().take();
        match (call, Handle::try_current()) {
            (Some(call), Ok(runtime)) => {
                drop(runtime.spawn(timeout(WITHIN, refresh(call, keeping))));
            }
            _ => keeping.give_up(),
        }
    }
}

/// Reads the answer to its end, or until it turns out that it is not going to be kept.
async fn refresh<F, B, E>(call: Pin<Box<F>>, keeping: Keeping)
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    B::Data: From<Bytes>,
{
    let Some(response) = keeping.receive_alone(call.await) else { return };
    let mut body = pin!(response.into_body());
    while !body.is_plain() {
        if poll_fn(|cx| body.as_mut().poll_frame(cx)).await.is_none() {
            break;
        }
    }
}

/// A call that hangs for ever must not keep others from asking for the page.
const WITHIN: Duration = Duration::from_secs(60);

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeping").finish_non_exhaustive()
    }
}
