//! The console: one page that shows what the gates do and why, live.
//!
//! [`Admission::console`] is a Tower service for any HTTP server. Give it a port of its own,
//! on the loopback interface:
//!
//! ```no_run
//! # async fn serve(admission: brownout::Admission) -> Result<(), Box<dyn std::error::Error>> {
//! use axum::Router;
//! use tokio::net::TcpListener;
//!
//! let console = Router::new().nest_service("/console", admission.console());
//! let listener = TcpListener::bind("127.0.0.1:9090").await?;
//! tokio::spawn(async move { axum::serve(listener, console).await });
//! # Ok(()) }
//! ```
//!
//! # How to mount it
//!
//! * **Outside of the layers.** It has to answer when nothing else does. In a router that has
//!   `.layer(admission.layer())`, nest it after that line, or better in another router.
//! * **Off the internet.** The names of routes and the texts of statements are in it, and
//!   whoever reads them knows where the service is weak. It binds nothing by itself and asks
//!   nobody who they are: keep it on loopback or in a network of your own, or put a layer
//!   around it that knows your people. A port on loopback is safe from other machines and
//!   not from other users of this one; what forwards to it should check `Host`, so that no
//!   page elsewhere can have its name resolved to it.
//! * **With a runtime** of tokio with time enabled.
//!
//! It is read-only: `GET` and `HEAD`, and no path changes anything.
//!
//! # What it answers
//!
//! | path, below where it is mounted | |
//! |---|---|
//! | `/` | the page. Without the slash at its end it redirects there, with the feature `axum`; elsewhere, open it with the slash |
//! | `/overview.json` | an [`Overview`](crate::Overview), at most a second old |
//! | `/history.json` | the samples of the last five minutes, one per second while there are requests or queries, or somebody watches |
//! | `/events` | server-sent events: `history` first, as above, then each second the `sample`s since and an `overview` |
//! | others | what the page needs; else 404 |
//!
//! A sample tells for each database its `limit`, requests `in_flight` and `waiting`, the
//! `circuit`, `queries` per second, their mean `latency`, what they would have taken `alone`,
//! `slowdown` (how many times longer than that), and the `p99` of the last ten seconds, all in
//! seconds; `decisions` are counts since the start, by priority. What is not known is null.
//!
//! No answer may be kept by a cache, shown in a frame or read by another origin, and the page
//! runs under a `Content-Security-Policy` that allows its own files and nothing else.
//!
//! # What it costs
//!
//! Nothing before it is made. Then a sample per second, taken by the query or the request
//! that comes by, as signals are: some microseconds. An overview is made once a second at
//! most, however many watch, and only if somebody does. The history takes less than 1 kB for
//! each second and database, for five minutes.
//!
//! At most 16 may watch at once; others get a 503. [`Console::close`] lets them go.

mod answer;
mod body;
mod events;
mod mount;
mod recorder;
mod sample;
mod service;

use std::{fmt, sync::Arc};

pub use self::body::ConsoleBody;
use self::recorder::Recorder;
use crate::admission::Admission;

/// A page that shows what the gates of an [`Admission`] do and why, live: a Tower service.
/// Clones share everything. See [the module](self) for how to mount it.
#[derive(Clone)]
pub struct Console {
    recorder: Arc<Recorder>,
}

impl Admission {
    /// A page that shows what the gates do and why, live. Make it when the service starts,
    /// since its history begins then, and read [how to mount it](crate::console).
    ///
    /// Two consoles each have a history of their own.
    #[must_use]
    pub fn console(&self) -> Console {
        Console { recorder: Recorder::listening(self) }
    }
}

impl Console {
    /// Ends all streams within a second and lets nobody watch any more; all else is still
    /// answered. For a graceful shutdown, which waits for answers to end: theirs never do.
    pub fn close(&self) {
        self.recorder.close();
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}
