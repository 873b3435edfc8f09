//! `Date`, as it is written by whoever has the answer first.

use std::{
    cell::RefCell,
    time::{SystemTime, UNIX_EPOCH},
};

use http::HeaderValue;

thread_local! {
    /// The last one, with its second.
    static LAST: RefCell<Option<(u64, HeaderValue)>> = const { RefCell::new(None) };
}

/// The date of a moment: the same all through a second, so it is written once for each thread.
/// `None` for one that cannot be told.
pub(super) fn value(now: SystemTime) -> Option<HeaderValue> {
    let second = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let look = |last: &RefCell<Option<(u64, HeaderValue)>>| {
        let mut last = last.borrow_mut();
        if let Some((_, date)) = last.as_ref().filter(|(own, _)| *own == second) {
            return Some(date.clone());
        }
        let date = written(now)?;
        *last = Some((second, date.clone()));
        Some(date)
    };
    // A thread that ends remembers nothing.
    LAST.try_with(look).unwrap_or_else(|_| written(now))
}

fn written(now: SystemTime) -> Option<HeaderValue> {
    HeaderValue::from_str(&httpdate::fmt_http_date(now)).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_second_has_its_own_date() {
        let at = |millis| value(UNIX_EPOCH + Duration::from_millis(millis)).expect("it is one");
        assert_eq!(at(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(784_111_777_999), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(784_111_778_000), "Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(at(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(value(UNIX_EPOCH - Duration::from_secs(1)), None);
    }
}
