//! A response body that works as it is sent.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use brownout::Database;
use bytes::Bytes;
use http_body::{Body, Frame};

/// Runs a query before each of its frames.
pub(crate) struct Export {
    rows: usize,
    each: Duration,
    db: Database,
    next: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Export {
    /// So many frames, with a query that takes so long before each.
    pub(crate) fn new(rows: usize, each: Duration, db: &Database) -> Self {
        Self { rows, each, db: db.clone(), next: None }
    }
}

impl Body for Export {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rows == 0 {
            return Poll::Ready(None);
        }
        let (db, each) = (self.db.clone(), self.each);
        let next = self.next.get_or_insert_with(|| Box::pin(ask(db, each)));
        ready!(next.as_mut().poll(cx));
        (self.next, self.rows) = (None, self.rows - 1);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"row")))))
    }
}

async fn ask(db: Database, time: Duration) {
    let query = async {
        tokio::time::sleep(time).await;
        Ok::<_, std::io::Error>(())
    };
    db.observe(query).await.expect("it succeeds");
}
