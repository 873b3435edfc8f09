//! Which requests are retries, beside what else their class says.

use super::layer::GateLayer;
use crate::class::{Class, Classify, RetryOf};

impl<G, C, P> GateLayer<G, C, P> {
    /// Tells which requests were tried before: a closure from `&Request` to `bool`, or
    /// `brownout::http::Attempt`, which reads a header. It makes a first try a retry and never
    /// the other way: called again, either is enough. Default: none is a retry.
    ///
    /// ```
    /// use brownout::{Admission, http::Attempt};
    ///
    /// let admission = Admission::builder().build()?;
    /// let layer = admission.layer().retries(Attempt::default()).retries(Attempt::grpc());
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    ///
    /// # What becomes of it
    ///
    /// * Retries are shed before first tries of the same priority. They go behind all of them
    ///   in the queue, and a first try takes the place of one where the queue is full. They
    ///   find no more room than the priority below: what
    ///   [`headroom`](crate::ConcurrencyLimit::headroom) keeps from the less important, it
    ///   keeps from retries of normal ones, too. They still go before all of lower priority.
    /// * While more than a fifth of what comes are retries, one that is refused for load is
    ///   told not to be tried again ([`Rejection::is_final`]). A service behind retries in
    ///   several places meets more of them the worse it does, and then works for nothing else
    ///   (Beyer et al., *Site Reliability Engineering*, 2016, chapter 21).
    ///
    /// The first is for layers with a concurrency limit, the second for an
    /// [`AdmissionLayer`](crate::AdmissionLayer).
    ///
    /// Anyone can send a header. This one lowers who sends it, and nobody else in any queue. But
    /// it counts: who sends more than a fifth of all requests, and marks them, has the refused
    /// retries of others told not to be tried again. Where that matters, have a closure believe
    /// only whom you trust.
    ///
    /// [`Rejection::is_final`]: crate::Rejection::is_final
    pub fn retries<R>(self, retry: R) -> GateLayer<G, WithRetries<C, R>, P> {
        self.map_classify(|classify| WithRetries { classify, retry })
    }
}

/// Classifies as another does, and tells retries. Made by [`GateLayer::retries`].
#[derive(Clone, Copy, Debug)]
pub struct WithRetries<C, R> {
    classify: C,
    retry: R,
}

impl<C, R, Req> Classify<Req> for WithRetries<C, R>
where
    C: Classify<Req>,
    R: RetryOf<Req>,
{
    fn classify(&self, request: &Req) -> Class {
        let class = self.classify.classify(request);
        Class { retry: class.retry || self.retry.is_retry(request), ..class }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::Priority;

    #[test]
    fn either_is_enough_and_all_else_stays() {
        let class = Class::new(Priority::Bulk).rank(3);
        let told = |class: Class, retry: bool| {
            WithRetries { classify: class, retry: move |_: &()| retry }.classify(&())
        };
        assert_eq!(told(class, false), class);
        assert_eq!(told(class, true), class.retry(true));
        assert_eq!(told(class.retry(true), false), class.retry(true));
    }
}
