//! A stretch of network between clients and a server on loopback, on which things go wrong.

mod pump;
mod way;

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use pump::pump;
use way::State;
pub(crate) use way::{Loss, Way};

/// Stands between the clients and the server, until it drops.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where clients connect.
    pub(crate) url: String,
    state: watch::Sender<State>,
    task: AbortHandle,
}

impl Proxy {
    /// Before the server at this address: with its number and its port, not with its name.
    pub(crate) async fn before(url: &str) -> io::Result<Self> {
        let server = authority(url).and_then(|authority| authority.parse().ok());
        let server =
            server.ok_or_else(|| io::Error::other("the address has no number and port"))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = listener.local_addr()?;
        let state = watch::Sender::new(State::default());
        let task = tokio::spawn(serve(listener, own, server, state.clone())).abort_handle();
        Ok(Self { url: url.replace(&server.to_string(), &own.to_string()), state, task })
    }

    /// From now on, the way is such.
    pub(crate) fn set(&self, way: Way) {
        self.state.send_modify(|state| state.way = way);
    }

    /// Nothing comes through any more on the connections that there are, and neither end hears
    /// of it, as with a firewall that has lost its table. New ones are as the way is.
    pub(crate) fn forget(&self) {
        self.state.send_modify(|state| state.forgotten = state.connections);
    }

    /// Resets the connections that there are.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cut = state.connections);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What stands between the name of the user and the path.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("//")?;
    rest.split('/').next()?.rsplit('@').next()
}

/// Its connections end with it.
async fn serve(
    mut listener: TcpListener,
    own: SocketAddr,
    server: SocketAddr,
    state: watch::Sender<State>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Who has left before it is taken is no reason to end.
                let Ok((client, _)) = accepted else { continue };
                let number = State::count(&state);
                connections.spawn(connection(client, server, number, state.subscribe()));
            }
            Some(_) = connections.join_next() => {}
            () = until(state.subscribe(), |state| state.way == Way::Closed) => {
                drop(listener);
                // Bound as it is, nobody else gets the port; without a listener, it refuses.
                let socket = TcpSocket::new_v4()?;
                socket.set_reuseaddr(true)?;
                socket.bind(own)?;
                until(state.subscribe(), |state| state.way != Way::Closed).await;
                listener = socket.listen(BACKLOG)?;
            }
        }
    }
}

/// One connection, until both ends have closed it, or it is reset.
async fn connection(
    mut client: TcpStream,
    server: SocketAddr,
    number: u64,
    state: watch::Receiver<State>,
) {
    let there = async {
        until(state.clone(), |state| state.passes_there(number)).await;
        let mut server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            pump(from_client, to_server, state.clone(), |state| state.passes_there(number)),
            pump(from_server, to_client, state.clone(), |state| state.passes_back(number)),
        )
    };
    let ended = tokio::select! {
        ended = there => ended.is_ok(),
        () = until(state.clone(), |state| number < state.cut) => false,
    };
    if !ended {
        // Whoever is reset need not wait for what will not come. The server hears of it by the
        // end of its connection.
        let _ = client.set_zero_linger();
    }
}

/// Waits for a state, or for the proxy to be gone.
async fn until(mut state: watch::Receiver<State>, reached: impl Fn(&State) -> bool) {
    let _ = state.wait_for(|state| reached(state)).await;
}

/// Who may wait to be accepted: all of a shop's connections at once.
const BACKLOG: u32 = 1024;

#[cfg(test)]
mod tests;
