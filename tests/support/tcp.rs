//! Clients over real connections, one for each.

use std::{convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    server::conn::http1,
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tower::Service;

/// What a client sees of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<u64>,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        let retry_after = headers.get(header::RETRY_AFTER);
        let retry_after = retry_after.map(|value| {
            value.to_str().expect("it is text").parse().expect("it is a number of seconds")
        });
        Self { status, retry_after }
    }

    /// With a wait from 1 s to 3 s, rounded up.
    pub(crate) fn is_refused_for_load(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE && matches!(self.retry_after, Some(2 | 3))
    }
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

/// A plain hyper server. Each connection has a service of its own, made for who is at the other
/// end.
pub(crate) async fn serve<S, B>(for_peer: impl Fn(SocketAddr) -> S + Send + 'static) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.expect("the port is there");
            let service = TowerToHyperService::new(for_peer(peer));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

/// A connection of its own. Aborting the task closes it.
pub(crate) struct Client {
    sender: SendRequest<Empty<Bytes>>,
    connection: JoinHandle<()>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.expect("the server speaks HTTP");
        let connection = tokio::spawn(async move {
            // How a connection ends is no concern of the one who asked.
            let _ = connection.await;
        });
        Self { sender, connection }
    }

    /// The head of the answer, with its body still to come.
    pub(crate) async fn get(&mut self, path: &str) -> Response<Incoming> {
        self.get_with(path, []).await
    }

    /// The same, for a request with these headers.
    pub(crate) async fn get_with<'h>(
        &mut self,
        path: &str,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> Response<Incoming> {
        let request = Request::get(path).header(header::HOST, "localhost");
        let request =
            headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = request.body(Empty::new()).expect("it is valid");
        self.sender.send_request(request).await.expect("the server answers")
    }

    pub(crate) async fn hang_up(self) {
        self.connection.abort();
        let _ = self.connection.await;
    }
}

/// Asks over a new connection, and reads the answer to its end.
pub(crate) async fn ask(address: SocketAddr, path: String) -> Answer {
    let mut client = Client::connect(address).await;
    let response = client.get(&path).await;
    let answer = Answer::new(response.status(), response.headers());
    response.into_body().collect().await.expect("the body comes to its end");
    answer
}
