//! A request to a service that is watched as if it was a database.

use super::{Database, recorder::Over, table::UNNAMED};
use crate::{
    clock,
    control::{call::Call, stamp::Stamp},
    outcome::Outcome,
};

/// One request to such a service. It is no query of another request, so nobody but the limit
/// hears of it. Dropped without an outcome, it counts as given up.
pub(crate) struct Errand {
    /// None when it is over.
    service: Option<Database>,
    call: Call,
}

impl Database {
    /// A request goes to the service.
    pub(crate) fn send_out(&self, now: Stamp) -> Errand {
        let call = self.0.recorder.start(UNNAMED, now, false);
        Errand { service: Some(self.clone()), call }
    }
}

impl Errand {
    pub(crate) fn started(&self) -> Stamp {
        self.call.started
    }

    pub(crate) fn finish(mut self, now: Stamp, outcome: Outcome) {
        self.end(now, Some(outcome));
    }

    fn end(&mut self, at: Stamp, outcome: Option<Outcome>) {
        let Some(service) = self.service.take() else { return };
        let Call { statement, started, .. } = self.call;
        let over = Over { statement, at, latency: at.since(started), outcome };
        service.0.recorder.settle(&self.call, over);
        service.tick(at);
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if self.service.is_some() {
            self.end(clock::stamp(), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Visit;

    #[tokio::test(start_paused = true)]
    async fn it_is_in_flight_until_it_ends_and_given_up_if_it_drops() {
        let service = Database::unseen("service");
        assert_eq!(service.snapshot().in_flight, 0);
        let [one, other] = [0; 2].map(|_| service.send_out(clock::stamp()));
        assert_eq!(service.snapshot().in_flight, 2);
        one.finish(clock::stamp(), Outcome::Success);
        drop(other);
        let snapshot = service.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.finished, snapshot.cancelled), (0, 1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_no_query_of_the_request_in_which_it_runs() {
        let (service, mut outer) = (Database::new("service"), Some(Visit::within(|_| {})));
        Visit::during(&mut outer, || {
            service.send_out(clock::stamp()).finish(clock::stamp(), Outcome::Success);
        });
        assert_eq!(outer.expect("it is back").spent(), []);
    }
}
