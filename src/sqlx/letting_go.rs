//! Connections with a query on them that nobody waits for.

use std::{pin::pin, sync::Arc};

use ::sqlx::{Connection as _, Error};
use futures_util::future::{Either, join, select};
use sqlx_core::transaction::TransactionManager;
use tokio::time::timeout;

use super::{cancel::Cancel, connection::Raw, pool::Settings, work::Running};
use crate::database::Pass;

/// What the database has not let go of. Dropped before it has, the connection is closed
/// for good.
pub(super) struct Leftover<DB: ::sqlx::Database> {
    raw: Option<Raw<DB>>,
    running: Option<Running>,
    backend: Option<i64>,
    // Last: it is free when all else is.
    _place: Pass,
}

impl<DB: ::sqlx::Database> Leftover<DB> {
    pub(super) fn new(raw: Raw<DB>, running: Running, backend: Option<i64>, place: Pass) -> Self {
        Self { raw: Some(raw), running: Some(running), backend, _place: place }
    }

    /// Waits until the database answers again, and gives the connection back.
    pub(super) async fn let_go(mut self, settings: Arc<Settings<DB>>) {
        let Some(raw) = self.raw.as_mut() else { return };
        let begun = self.running.as_ref().is_some_and(Running::is_begin);
        let stop = self.running.as_ref().is_some_and(Running::may_be_cancelled);
        let cancel = settings.cancel.as_deref().zip(self.backend).filter(|_| stop);
        let answer = async {
            answer::<DB>(raw, cancel).await?;
            if begun { reset::<DB>(raw).await } else { Ok(()) }
        };
        let answered = timeout(settings.give_up_after, answer).await;
        if let Ok(Ok(())) = answered {
            drop(self.raw.take());
            self.running.take().into_iter().for_each(Running::let_go);
        }
    }
}

impl<DB: ::sqlx::Database> Drop for Leftover<DB> {
    fn drop(&mut self) {
        if let Some(raw) = self.raw.take() {
            drop(raw.detach());
        }
    }
}

/// Waits for the answer, and has it come soon if there is a way.
async fn answer<DB: ::sqlx::Database>(
    raw: &mut DB::Connection,
    cancel: Option<(&dyn Cancel<DB>, i64)>,
) -> Result<(), Error> {
    let Some((cancel, backend)) = cancel else { return drain::<DB>(raw).await };
    {
        let draining = pin!(drain::<DB>(raw));
        match select(draining, cancel.side()).await {
            Either::Left((drained, _)) => return drained,
            Either::Right((mut side, draining)) => {
                join(draining, cancel.cancel(&mut side, backend)).await.0?;
            }
        }
    }
    // The cancellation may have come late. It must hit nobody else.
    drain::<DB>(raw).await
}

/// Reads what the database still has to say.
async fn drain<DB: ::sqlx::Database>(raw: &mut DB::Connection) -> Result<(), Error> {
    for _ in 0..MOST_ERRORS {
        match raw.ping().await {
            // That of the query which nobody waits for: the connection is well.
            Err(Error::Database(_)) => {}
            result => return result,
        }
    }
    raw.ping().await
}

/// Ends a transaction that may be open although the driver does not know of it. A second
/// BEGIN does no harm, and has the driver know.
async fn reset<DB: ::sqlx::Database>(raw: &mut DB::Connection) -> Result<(), Error> {
    DB::TransactionManager::begin(raw, None).await?;
    DB::TransactionManager::rollback(raw).await
}

/// A query, a rollback behind it and a cancellation may each say that they failed.
const MOST_ERRORS: usize = 3;
