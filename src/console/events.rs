//! The stream of events that a page listens to.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use pin_project::pin_project;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep},
};

use super::recorder::{INTERVAL, Recorder};

/// An event each second, which also keeps proxies from taking it for dead. Who reads slowly
/// gets fewer, each with what is true then.
#[pin_project]
pub(super) struct Events {
    recorder: Arc<Recorder>,
    /// The samples that were told.
    told: u64,
    stage: Stage,
    #[pin]
    pause: Sleep,
    _seat: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    First,
    Later,
}

impl Events {
    /// `None` if too many watch already.
    pub(super) fn seated(recorder: &Arc<Recorder>) -> Option<Self> {
        let seat = recorder.seat()?;
        let (recorder, pause) = (recorder.clone(), sleep(Duration::ZERO));
        Some(Self { recorder, told: 0, stage: Stage::First, pause, _seat: seat })
    }

    pub(super) fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut this = self.project();
        ready!(this.pause.as_mut().poll(cx));
        if this.recorder.is_closed() {
            return Poll::Ready(None);
        }
        let mut text = String::new();
        if let Stage::First = this.stage {
            *this.stage = Stage::Later;
            text.push_str(RETRY);
            let (history, told) = this.recorder.history();
            tell(&mut text, "history", &history);
            *this.told = told;
        }
        let overview = this.recorder.overview();
        for sample in this.recorder.samples_after(this.told) {
            tell(&mut text, "sample", &sample);
        }
        tell(&mut text, "overview", &overview);
        this.pause.reset(Instant::now() + INTERVAL);
        Poll::Ready(Some(text.into()))
    }
}

/// What is told has no line ends.
fn tell(text: &mut String, event: &str, data: &str) {
    for part in ["event: ", event, "\ndata: ", data, "\n\n"] {
        text.push_str(part);
    }
}

/// When to come back after the connection broke, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("told", &self.told).finish_non_exhaustive()
    }
}
