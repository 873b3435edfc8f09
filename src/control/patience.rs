//! How long a request may wait.

use std::time::{Duration, Instant};

use crate::{class::Class, rejection::Reason};

/// How long a request may wait at most, and the reason of its refusal after that. A third
/// of the time to its deadline may go by in the queue: it needs the rest to be served.
pub(crate) fn patience(class: &Class, max_wait: Duration, now: Instant) -> (Duration, Reason) {
    match class.deadline {
        Some(deadline) if deadline.saturating_duration_since(now) / 3 < max_wait => {
            (deadline.saturating_duration_since(now) / 3, Reason::Deadline)
        }
        _ => (max_wait, Reason::QueueTimeout),
    }
}

/// True if it is of no use any more.
pub(crate) fn is_late(class: &Class, now: Instant) -> bool {
    class.deadline.is_some_and(|deadline| deadline <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_the_time_to_the_deadline_may_be_waited() {
        let (t0, second) = (Instant::now(), Duration::from_secs(1));
        let wait = |deadline| patience(&Class::default().deadline(t0 + deadline), second, t0);
        assert_eq!(wait(Duration::from_millis(300)), (second / 10, Reason::Deadline));
        assert_eq!(wait(2 * second), (2 * second / 3, Reason::Deadline));
        assert_eq!(wait(3 * second), (second, Reason::QueueTimeout));
        assert_eq!(wait(Duration::ZERO), (Duration::ZERO, Reason::Deadline));
        assert_eq!(patience(&Class::default(), second, t0), (second, Reason::QueueTimeout));
    }

    #[test]
    fn a_deadline_that_is_now_has_passed() {
        let (t0, second) = (Instant::now(), Duration::from_secs(1));
        assert!(is_late(&Class::default().deadline(t0), t0));
        assert!(!is_late(&Class::default().deadline(t0 + second), t0));
        assert!(!is_late(&Class::default(), t0));
    }
}
