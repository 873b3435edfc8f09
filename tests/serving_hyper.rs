//! A plain hyper server behind the limit, without axum.

#![cfg(feature = "http")]

mod support;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use brownout::{ConcurrencyGate, ConcurrencyLimit, ConcurrencyLimitLayer, limit::Fixed};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use support::{
    chunks::Chunks,
    room::Room,
    tcp::{self, Client},
    within_a_minute,
};
use tokio::{sync::mpsc, task::JoinSet};
use tower::{Layer, service_fn};

fn layer(limit: usize) -> ConcurrencyLimitLayer {
    let settings = ConcurrencyLimit::new().algorithm(Fixed::new(limit)).queue(0);
    settings.layer().expect("it is valid")
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_holds_over_many_connections() {
    const CROWD: usize = 100;
    let (room, layer) = (Room::new(), layer(3));
    let visited = room.clone();
    let handler = service_fn(move |_: Request<Incoming>| {
        let room = visited.clone();
        async move { Ok(Response::new(Full::from(room.visit().await))) }
    });
    let service = layer.layer(handler);
    let address = tcp::serve(move |_| service.clone()).await;
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let room = room.clone();
        crowd.spawn(async move {
            let answer = tcp::ask(address, "/".to_owned()).await;
            if answer.status != StatusCode::OK {
                room.settle();
            }
            answer
        });
    }
    within_a_minute(room.all_settled(CROWD)).await;
    assert_eq!((room.now(), room.most(), layer.gate().in_flight()), (3, 3, 3));
    room.open();
    let answers = within_a_minute(crowd.join_all()).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 3);
    assert_eq!(answers.iter().filter(|answer| answer.is_refused_for_load()).count(), CROWD - 3);
    assert_eq!(layer.gate().in_flight(), 0);
}

/// A server with a limit of 1 whose next answers have the bodies that are given to it.
struct Streaming {
    address: SocketAddr,
    gate: ConcurrencyGate,
    bodies: Arc<Mutex<Vec<Chunks>>>,
}

impl Streaming {
    async fn start() -> Self {
        let (layer, bodies) = (layer(1), Arc::new(Mutex::new(Vec::new())));
        let next = bodies.clone();
        let handler = service_fn(move |_: Request<Incoming>| {
            let body = next.lock().expect("nobody panicked").pop().expect("a body is there");
            async move { Ok(Response::new(body)) }
        });
        let service = layer.layer(handler);
        let address = tcp::serve(move |_| service.clone()).await;
        Self { address, gate: layer.gate().clone(), bodies }
    }

    fn next_body(&self) -> mpsc::UnboundedSender<Bytes> {
        let (chunks, body) = Chunks::channel();
        self.bodies.lock().expect("nobody panicked").push(body);
        chunks
    }

    /// A client with the head and the first chunk of an answer that goes on.
    async fn client_in_the_middle(
        &self,
    ) -> (Client, Response<Incoming>, mpsc::UnboundedSender<Bytes>) {
        let chunks = self.next_body();
        let mut client = Client::connect(self.address).await;
        let mut response = client.get("/").await;
        assert_eq!(response.status(), StatusCode::OK);
        chunks.send(Bytes::from_static(b"first")).expect("the body is there");
        let frame = response.frame().await.expect("the body goes on").expect("it is whole");
        assert_eq!(frame.into_data().expect("it is data"), "first");
        (client, response, chunks)
    }

    async fn status(&self) -> StatusCode {
        tcp::ask(self.address, "/".to_owned()).await.status
    }

    /// Admits once the body, of which the inner half is gone, is dropped altogether.
    async fn assert_admits_soon(&self) {
        while self.gate.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
        self.assert_admits().await;
    }

    async fn assert_admits(&self) {
        drop(self.next_body());
        assert_eq!(self.status().await, StatusCode::OK);
        assert_eq!(self.gate.in_flight(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn permit_lasts_to_the_end_of_the_body() {
    within_a_minute(async {
        let server = Streaming::start().await;
        let (_client, response, chunks) = server.client_in_the_middle().await;
        assert_eq!(server.status().await, StatusCode::SERVICE_UNAVAILABLE);
        chunks.send(Bytes::from_static(b"last")).expect("the body is there");
        drop(chunks);
        assert_eq!(response.into_body().collect().await.expect("it is whole").to_bytes(), "last");
        server.assert_admits().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permit_is_freed_when_the_client_hangs_up_mid_stream() {
    within_a_minute(async {
        let server = Streaming::start().await;
        let (client, response, chunks) = server.client_in_the_middle().await;
        assert_eq!(server.status().await, StatusCode::SERVICE_UNAVAILABLE);
        client.hang_up().await;
        drop(response);
        // The server lets go of the body when it sees that nobody is there.
        chunks.closed().await;
        server.assert_admits_soon().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permit_is_freed_when_the_client_drops_the_body() {
    within_a_minute(async {
        let server = Streaming::start().await;
        let (client, response, chunks) = server.client_in_the_middle().await;
        drop(response);
        drop(client);
        chunks.closed().await;
        server.assert_admits_soon().await;
    })
    .await;
}
