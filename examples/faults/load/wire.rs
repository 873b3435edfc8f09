//! HTTP/1.1 by hand: what no well-behaved client sends.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A connection and what was read of it beyond the last answer.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    rest: Vec<u8>,
}

/// What a server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: u16,
    /// It ends the connection.
    pub(crate) closes: bool,
    length: usize,
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, rest: Vec::new() })
    }

    /// With room for few bytes that it does not read.
    pub(crate) async fn open_narrow(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(NARROW)?;
        Ok(Self { stream: socket.connect(address).await?, rest: Vec::new() })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next answer, with all of its body.
    pub(crate) async fn answer(&mut self, to_head: bool) -> io::Result<Said> {
        let said = self.head().await?;
        if !to_head {
            self.skip_body(said).await?;
        }
        Ok(said)
    }

    pub(crate) async fn skip_body(&mut self, said: Said) -> io::Result<()> {
        while self.rest.len() < said.length {
            self.more().await?;
        }
        self.rest.drain(..said.length);
        Ok(())
    }

    /// The head of the next answer.
    pub(crate) async fn head(&mut self) -> io::Result<Said> {
        loop {
            if let Some(end) = end_of_head(&self.rest) {
                let said = Said::read(&self.rest[..end]);
                self.rest.drain(..end);
                return said.ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
            self.more().await?;
        }
    }

    /// Some bytes more; an error at the end.
    pub(crate) async fn more(&mut self) -> io::Result<usize> {
        let mut piece = [0; 4_096];
        let count = self.stream.read(&mut piece).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

impl Said {
    fn read(head: &[u8]) -> Option<Self> {
        // What a client sent comes back in some, and need not be text.
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let (mut length, mut closes) = (0, false);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            match name {
                "content-length" => length = value.trim().parse().ok()?,
                "connection" => closes = value.trim() == "close",
                _ => {}
            }
        }
        if matches!(status, 204 | 304) {
            length = 0;
        }
        Some(Self { status, closes, length })
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|start| start + 4)
}

/// In bytes; the system takes twice this.
const NARROW: u32 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_its_status_its_length_and_whether_it_is_the_last() {
        let said = |head: &str| Said::read(head.as_bytes());
        let some = |status, closes, length| Some(Said { status, closes, length });
        let head =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\nConnection: close\r\n\r\n";
        assert_eq!(said(head), some(503, true, 12));
        assert_eq!(said("HTTP/1.1 200 OK\r\n\r\n"), some(200, false, 0));
        assert_eq!(
            said("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n"),
            some(304, false, 0)
        );
        assert_eq!(said("nonsense"), None);
    }

    #[test]
    fn the_head_ends_with_an_empty_line() {
        assert_eq!(end_of_head(b"a\r\n\r\nb"), Some(5));
        assert_eq!(end_of_head(b"a\r\nb"), None);
    }
}
