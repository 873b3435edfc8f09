//! A server whose answers can be held back.

use std::net::SocketAddr;

use http::Uri;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Stands between the client and the server.
pub(crate) struct Proxy {
    pub(crate) url: String,
    held: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let own = listener.local_addr().expect("it is bound");
        let uri: Uri = url.parse().expect("it is an address");
        let (host, port) = (uri.host().expect("it has one"), uri.port_u16().expect("it has one"));
        let server: SocketAddr = format!("{host}:{port}").parse().expect("it is a number");
        let held = watch::Sender::new(false);
        tokio::spawn(serve(listener, server, held.clone()));
        Self { url: url.replace(&server.to_string(), &own.to_string()), held }
    }

    /// From now on the server says nothing more.
    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    /// And now it says all of it.
    pub(crate) fn go(&self) {
        self.held.send_replace(false);
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, held: watch::Sender<bool>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(server).await else { return };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(ask(from_client, to_server));
        tokio::spawn(answer(from_server, to_client, held.subscribe()));
    }
}

/// Either end may leave at any time.
async fn ask(mut client: impl AsyncRead + Unpin, mut server: impl AsyncWrite + Unpin) {
    let _ = copy(&mut client, &mut server).await;
    let _ = server.shutdown().await;
}

async fn answer(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    mut held: watch::Receiver<bool>,
) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = server.read(&mut bytes).await {
        let open = held.wait_for(|held| !held).await.is_ok();
        if !open || client.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
