//! Clients in a closed loop: each sends its next request when it has the last answer.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use super::Page;

/// So many connections, each kept alive.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) port: u16,
    pub(crate) page: Page,
    pub(crate) connections: usize,
}

impl Load {
    /// How many answers came, and in what time.
    pub(crate) async fn run(self, time: Duration) -> (u64, Duration) {
        let mut clients = JoinSet::new();
        let start = Instant::now();
        for _ in 0..self.connections {
            clients.spawn(self.one(start + time));
        }
        let requests = clients.join_all().await.into_iter().sum();
        (requests, start.elapsed())
    }

    async fn one(self, until: Instant) -> u64 {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await;
        let mut stream = stream.expect("the server listens");
        stream.set_nodelay(true).expect("it is a socket");
        let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", self.page.path());
        let mut requests = 0;
        while Instant::now() < until {
            stream.write_all(request.as_bytes()).await.expect("the server reads");
            self.read_answer(&mut stream).await;
            requests += 1;
        }
        requests
    }

    async fn read_answer(self, stream: &mut TcpStream) {
        let mut buffer = [0; 1024];
        let mut read = 0;
        let end: &[u8] = match self.page {
            Page::Small => b"world!",
            // The last of the chunks.
            Page::Slow => b"\r\n0\r\n\r\n",
        };
        while !buffer[..read].ends_with(end) {
            let more = stream.read(&mut buffer[read..]).await.expect("the server answers");
            assert!(more > 0, "the server has hung up");
            read += more;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200 "), "nothing is refused");
    }
}
