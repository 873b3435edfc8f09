//! How the way to the server is.

use std::time::Duration;

use tokio::sync::watch;

/// What becomes of whatever is sent, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Way {
    /// It comes through at once.
    #[default]
    Clear,
    /// It comes through so much later.
    Slow(Duration),
    /// Some of it is lost and comes again, and some connections are reset.
    Lossy(Loss),
    /// Nothing comes through, and nobody is told. What was sent meanwhile comes through
    /// afterwards.
    Silent,
    /// Nothing comes back, and nobody is told. The server hears all; what it answers comes
    /// through afterwards.
    Mute,
    /// Clients are refused. Connections that there are stay.
    Closed,
}

/// What happens to a piece of data, as a share of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loss {
    /// It is lost, and so may be what comes in its place: after 200 ms, 400 ms, …
    pub(crate) lost: f64,
    /// Its connection is reset.
    pub(crate) reset: f64,
}

/// The way now, and what became of connections. They are numbered from 0 on.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) way: Way,
    pub(super) connections: u64,
    /// On those before, nothing comes through for good.
    pub(super) forgotten: u64,
    /// Those before are reset.
    pub(super) cut: u64,
}

impl State {
    /// The number of the next connection.
    pub(super) fn count(state: &watch::Sender<Self>) -> u64 {
        let mut number = 0;
        state.send_if_modified(|state| {
            number = state.connections;
            state.connections += 1;
            // Nobody waits for it.
            false
        });
        number
    }

    /// Whether the server hears this connection.
    pub(super) fn passes_there(&self, number: u64) -> bool {
        self.way != Way::Silent && number >= self.forgotten
    }

    /// Whether the server is heard on this connection.
    pub(super) fn passes_back(&self, number: u64) -> bool {
        self.way != Way::Mute && self.passes_there(number)
    }
}
