//! The deadline of requests, beside what else their class says.

use super::layer::GateLayer;
use crate::{
    class::{Class, Classify, TimeoutOf},
    clock,
};

impl<G, C, P> GateLayer<G, C, P> {
    /// Tells how much time each request has, from when it comes here: a
    /// [`Duration`](std::time::Duration) for all, a closure from `&Request` to
    /// `Option<Duration>`, or `brownout::http::Timeout`, which reads a header. It makes a
    /// deadline earlier and never later: called again, or where
    /// [`classify`](Self::classify) says one, the earliest holds. Default: none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use brownout::{Admission, http::Timeout};
    ///
    /// let admission = Admission::builder().build()?;
    /// let layer = admission.layer()
    ///     .deadline(Timeout::grpc())
    ///     .deadline(Duration::from_secs(10)); // and no request has more than this
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    ///
    /// # What becomes of it
    ///
    /// * A request that has no time left is refused at once, for
    ///   [`Reason::Deadline`](crate::Reason::Deadline). It waits for a third of its time at
    ///   most, and is refused if it would have to wait longer: the rest is to be served in.
    /// * A handler that runs asks for [`time_left`](crate::time_left). It is not stopped:
    ///   tower's `timeout` layer does that.
    /// * The wait for a connection ends at the deadline (`db.sqlx(pool)`,
    ///   [`Database::checkout`](crate::Database::checkout)), and so do queries on a pool of
    ///   `db.sqlx(pool)`. What they fail with is a refusal
    ///   ([`rejection_of`](crate::rejection_of) finds it), and if the handler fails for it,
    ///   the caller gets that refusal.
    ///
    /// The first is for layers with a concurrency limit, a [`ConcurrencyLimitLayer`] or an
    /// [`AdmissionLayer`]; the others are for an [`AdmissionLayer`], by which queries know
    /// their request. An exempt request is neither refused nor are its queries ended.
    ///
    /// [`AdmissionLayer`]: crate::AdmissionLayer
    /// [`ConcurrencyLimitLayer`]: crate::ConcurrencyLimitLayer
    pub fn deadline<T>(self, timeout: T) -> GateLayer<G, WithDeadline<C, T>, P> {
        self.map_classify(|classify| WithDeadline { classify, timeout })
    }
}

/// Classifies as another does, with the deadline of a request. Made by
/// [`GateLayer::deadline`].
#[derive(Clone, Copy, Debug)]
pub struct WithDeadline<C, T> {
    classify: C,
    timeout: T,
}

impl<C, T, Req> Classify<Req> for WithDeadline<C, T>
where
    C: Classify<Req>,
    T: TimeoutOf<Req>,
{
    fn classify(&self, request: &Req) -> Class {
        let class = self.classify.classify(request);
        // What is beyond the end of the clock has no end.
        let until = |timeout| clock::now().checked_add(timeout);
        class.no_later_than(self.timeout.timeout(request).and_then(until))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::class::Priority;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_earliest_deadline_holds_and_all_else_stays() {
        let now = clock::now();
        let by = |class: Class, timeout: Option<Duration>| {
            let timeout = move |_: &()| timeout;
            WithDeadline { classify: class, timeout }.classify(&())
        };
        let class = Class::new(Priority::Bulk).rank(3);
        assert_eq!(by(class, Some(SECOND)), class.deadline(now + SECOND));
        assert_eq!(by(class, None), class);
        let soon = class.deadline(now + SECOND);
        assert_eq!(by(soon, Some(2 * SECOND)), soon);
        assert_eq!(by(soon, None), soon);
        assert_eq!(by(soon, Some(Duration::ZERO)), class.deadline(now));
        assert_eq!(by(class, Some(Duration::MAX)), class, "the clock has an end");
    }
}
