//! Streams of rows: one that is timed, and one that is written as a future.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use ::sqlx::Error;
use futures_util::Stream;

use super::{
    pool::refused,
    work::{Kind, Work},
};
use crate::{
    database::{Alarm, Statement},
    lock::lock,
};

pub(super) type Rows<'e, T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send + 'e>>;
pub(super) type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;

/// In flight from the first poll to the last row. Dropped before, or ended by the deadline of
/// its request, it stays with the connection.
pub(super) struct Timed<'e, T> {
    rows: Rows<'e, T>,
    work: &'e mut Work,
    state: State,
    alarm: Alarm,
}

enum State {
    New(Result<Statement, Error>),
    /// Nothing has come since it was asked.
    Asked,
    /// A row has come.
    Given,
    Done,
}

impl<'e, T> Timed<'e, T> {
    pub(super) fn new(
        rows: Rows<'e, T>,
        work: &'e mut Work,
        statement: Result<Statement, Error>,
    ) -> Self {
        Self { rows, work, state: State::New(statement), alarm: Alarm::default() }
    }

    fn done(&mut self, last: Option<Result<T, Error>>) -> Poll<Option<Result<T, Error>>> {
        self.state = State::Done;
        Poll::Ready(last)
    }
}

impl<T> Stream for Timed<'_, T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let before = mem::replace(&mut this.state, State::Asked);
        let wants_more = matches!(before, State::Given);
        match before {
            State::New(statement) => {
                match statement.and_then(|of| this.work.start(&of, Kind::Query)) {
                    Ok(time) => this.alarm = time.alarm(),
                    Err(error) => return this.done(Some(Err(error))),
                }
            }
            State::Asked | State::Given => {}
            State::Done => return this.done(None),
        }
        let next = this.rows.as_mut().poll_next(cx);
        // What is complete counts, and so does a first row: it may be the result of a write.
        let goes_on = next.is_pending() || (wants_more && matches!(next, Poll::Ready(Some(Ok(_)))));
        if goes_on && let Poll::Ready(rejection) = this.alarm.poll(cx) {
            return this.done(Some(Err(refused(rejection))));
        }
        match ready!(next) {
            Some(Ok(row)) => {
                this.state = State::Given;
                Poll::Ready(Some(Ok(row)))
            }
            Some(Err(error)) => {
                let last = Err(error);
                this.work.finish(&last);
                this.done(Some(last))
            }
            None => {
                this.work.finish(&Ok(()));
                this.done(None)
            }
        }
    }
}

/// A stream from a future that puts out rows as it goes.
pub(super) fn rows<'e, T, F>(make: impl FnOnce(Out<T>) -> F) -> Rows<'e, T>
where
    T: Send + 'e,
    F: Future<Output = Result<(), Error>> + Send + 'e,
{
    let out = Out(Arc::default());
    let future = Some(Box::pin(make(Out(out.0.clone()))));
    Box::pin(Running { future, out })
}

/// Where the future puts a row, for the stream to take.
pub(super) struct Out<T>(Arc<Mutex<Option<T>>>);

impl<T> Out<T> {
    /// Goes on when the stream is asked for the next.
    pub(super) async fn put(&self, row: T) {
        *lock(&self.0) = Some(row);
        poll_fn(|_| if lock(&self.0).is_some() { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

struct Running<T, F> {
    future: Option<Pin<Box<F>>>,
    out: Out<T>,
}

impl<T, F> Stream for Running<T, F>
where
    F: Future<Output = Result<(), Error>>,
{
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(future) = &mut this.future else { return Poll::Ready(None) };
        if let Poll::Ready(end) = future.as_mut().poll(cx) {
            this.future = None;
            return Poll::Ready(end.err().map(Err));
        }
        match lock(&this.out.0).take() {
            Some(row) => Poll::Ready(Some(Ok(row))),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream::poll_fn};

    use super::*;
    use crate::{database::Database, sqlx::work::Driver};

    fn work() -> Work {
        Work::new(Database::new("shop"), Driver::Sqlite, false)
    }

    fn finished(work: &Work) -> (u64, usize) {
        let snapshot = work.database.snapshot();
        (snapshot.finished, snapshot.in_flight)
    }

    #[tokio::test]
    async fn rows_come_out_one_by_one_and_the_error_last() {
        let stream = rows(|out| async move {
            out.put(1).await;
            tokio::task::yield_now().await;
            out.put(2).await;
            Err(Error::RowNotFound)
        });
        let all: Vec<_> = stream.collect().await;
        assert!(matches!(all[..], [Ok(1), Ok(2), Err(Error::RowNotFound)]), "{all:?}");
    }

    #[tokio::test]
    async fn a_query_is_in_flight_until_its_last_row() {
        let mut work = work();
        let statement = work.database.statement("get");
        let mut left = 2;
        let source = Box::pin(poll_fn(move |_| {
            left -= 1;
            Poll::Ready((left >= 0).then_some(Ok(left)))
        }));
        let database = work.database.clone();
        let mut timed = Timed::new(source, &mut work, Ok(statement));
        assert_eq!(database.snapshot().in_flight, 0, "nobody asked for a row");
        while timed.next().await.is_some_and(|row| row.is_ok()) {
            assert!(database.snapshot().in_flight == 1 || timed.next().await.is_none());
        }
        drop(timed);
        assert_eq!(finished(&work), (1, 0));
    }

    #[tokio::test]
    async fn a_query_that_may_not_start_is_not_sent() {
        let mut work = work();
        let source = Box::pin(poll_fn(|_| -> Poll<Option<Result<(), Error>>> {
            panic!("it was sent");
        }));
        let mut timed = Timed::new(source, &mut work, Err(Error::PoolClosed));
        assert!(matches!(timed.next().await, Some(Err(Error::PoolClosed))));
        assert!(timed.next().await.is_none());
        drop(timed);
        assert_eq!(finished(&work), (0, 0));
    }
}
