//! The open loop: customers come when they come, however slow the service is.
//!
//! A closed loop would wait for the service and so spare it, which no surge does. Latency
//! therefore counts from when a request was due, and what the generator itself was late with
//! is measured beside it.

mod customer;
mod stop;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

pub(crate) use self::customer::Customers;
pub(crate) use self::stop::Stop;
use crate::answer::{Exchange, Kind};
use crate::plan::Plan;
use crate::schedule::Due;
use crate::tally::Tally;
use crate::target::Target;

/// A generator at work.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    start: Instant,
    customers: Customers,
    plan: Arc<Plan>,
    places: Arc<Semaphore>,
    tally: Tally,
    stop: Stop,
}

impl Load {
    /// Starts the clock.
    pub(crate) fn start(plan: Arc<Plan>, target: Target, tally: Tally, stop: Stop) -> Self {
        let places = Arc::new(Semaphore::new(plan.max_in_flight));
        let customers = Customers::new(Arc::clone(&plan), target);
        Self { start: Instant::now(), customers, plan, places, tally, stop }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Sends these, each when it is due. Returns when it was stopped, if it was.
    pub(crate) async fn send(&self, dues: Vec<Due>) -> Option<Duration> {
        for due in dues {
            if let stopped @ Some(_) = self.wait_until(due.at).await {
                return stopped;
            }
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => drop(tokio::spawn(self.clone().serve(due, place))),
                Err(_) => self.note(&due, self.elapsed(), (Kind::Unsent, None)),
            }
        }
        None
    }

    /// Returns when it was stopped, if it was.
    pub(crate) async fn wait_until(&self, at: Duration) -> Option<Duration> {
        tokio::select! {
            // A stop is heard before the next request of many that are late.
            biased;
            () = self.stop.wanted() => Some(self.elapsed()),
            () = sleep_until(self.start + at) => None,
        }
    }

    /// Waits for the last answer, which takes no longer than the plan's timeout.
    pub(crate) async fn settle(&self) {
        let all = self.plan.max_in_flight.try_into().unwrap_or(u32::MAX);
        // Nobody closes it.
        let _ = self.places.acquire_many(all).await;
    }

    async fn serve(self, due: Due, place: OwnedSemaphorePermit) {
        let sent = self.elapsed();
        let patience = self.start + due.at + self.plan.timeout;
        let came = timeout_at(patience, self.customers.ask(&due)).await;
        self.note(&due, sent, came.unwrap_or((Kind::TimedOut, None)));
        drop(place);
    }

    fn note(&self, due: &Due, sent: Duration, (kind, status): (Kind, Option<u16>)) {
        self.tally.note(Exchange {
            request: due.request,
            due: due.at,
            lag: sent.saturating_sub(due.at),
            ended: self.elapsed(),
            kind,
            status,
        });
    }
}
