//! `RateLimit` and `RateLimit-Policy`: how a client stands with its quotas.
//!
//! Structured fields (RFC 9651) of draft-ietf-httpapi-ratelimit-headers-11. What its windows
//! mean for a token bucket is said at [`Http`](crate::Http).

use std::{cell::RefCell, collections::VecDeque, fmt::Write, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    number::Digits,
    standing::{Policy, Standing},
};

/// Tells of an admission.
pub(super) fn tell(standing: &Standing, headers: &mut HeaderMap) {
    tell_for(standing, window(standing), headers);
}

/// Tells of a refusal. `Retry-After` may not be before the end of the window (section 6 of the
/// draft), so it is the end.
pub(super) fn tell_refused(standing: &Standing, wait: Duration, headers: &mut HeaderMap) {
    tell_for(standing, whole_seconds(wait), headers);
}

/// `Retry-After` of RFC 9110 and the rest have whole seconds: rounded up, so that nobody is
/// told to come back too early, and never 0.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Tells of a refusal again, of who stands the same but for the wait, in whole seconds.
pub(super) fn tell_another_wait(standing: &Standing, wait: u64, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::try_from(limit(standing, wait.min(MOST))) {
        headers.insert(RATE_LIMIT, value);
    }
}

fn tell_for(standing: &Standing, window: u64, headers: &mut HeaderMap) {
    // Another limit inside may have told its own: these are lists, which may come in parts. The
    // names were checked to be plain.
    if let Some(value) = policies_value(standing.shared()) {
        headers.append(RATE_LIMIT_POLICY, value);
    }
    if let Ok(value) = HeaderValue::try_from(limit(standing, window.min(MOST))) {
        headers.append(RATE_LIMIT, value);
    }
}

fn limit(standing: &Standing, window: u64) -> String {
    let (left, window) = (Digits::of(standing.remaining().into()), Digits::of(window));
    let name = &*standing.policy().name;
    let parts = ["\"", name, "\";r=", left.as_str(), ";t=", window.as_str()];
    // Of the right size, so that the value takes it as it is.
    parts.concat()
}

thread_local! {
    /// What was told last, and of which policies.
    static TOLD: RefCell<VecDeque<(Arc<[Policy]>, HeaderValue)>> = const {
        RefCell::new(VecDeque::new())
    };
}

/// They stay the same until they are set anew, so they are written once for each thread.
fn policies_value(policies: &Arc<[Policy]>) -> Option<HeaderValue> {
    let look = |told: &RefCell<VecDeque<_>>| {
        let mut told = told.borrow_mut();
        let known = told.iter().find(|(own, _)| Arc::ptr_eq(own, policies));
        if let Some((_, value)) = known {
            return Some(HeaderValue::clone(value));
        }
        let value = written(policies)?;
        told.truncate(REMEMBERED - 1);
        told.push_front((policies.clone(), value.clone()));
        Some(value)
    };
    // A thread that ends remembers nothing.
    TOLD.try_with(look).unwrap_or_else(|_| written(policies))
}

fn written(policies: &[Policy]) -> Option<HeaderValue> {
    let mut value = String::with_capacity(64 * policies.len());
    write_policies(&mut value, policies);
    HeaderValue::from_str(&value).ok()
}

fn write_policies(value: &mut String, policies: &[Policy]) {
    for policy in policies {
        let comma = if value.is_empty() { "" } else { ", " };
        let window = whole_seconds(policy.period).min(MOST);
        let (name, quota) = (&policy.name, quota_in(policy, window));
        // A text takes whatever is written.
        let _ = write!(value, "{comma}\"{name}\";q={quota};w={window}");
        if quota != u64::from(policy.burst) {
            let _ = write!(value, ";brownout-burst={}", policy.burst);
        }
    }
}

/// How many cells come back in so many seconds.
fn quota_in(policy: &Policy, seconds: u64) -> u64 {
    let cells = u128::from(policy.cells) * u128::from(seconds) * SECOND;
    capped(cells.checked_div(policy.period.as_nanos()).unwrap_or_default())
}

/// The time in which as many cells as are left come back, in seconds, or else until there is
/// one.
fn window(standing: &Standing) -> u64 {
    let Policy { cells, period, burst, .. } = standing.policy();
    let cells = u128::from(*cells).max(1);
    let time_of = |number: u32| period.as_nanos() * u128::from(number);
    let nanos = match standing.remaining() {
        0 => {
            let others = time_of(burst.saturating_sub(1)) / cells;
            standing.full_after().as_nanos().saturating_sub(others)
        }
        left => time_of(left).div_ceil(cells),
    };
    capped(nanos.div_ceil(SECOND)).max(1)
}

fn capped(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(MOST).min(MOST)
}

/// One, in nanoseconds.
const SECOND: u128 = 1_000_000_000;
/// The largest integer of a structured field.
const MOST: u64 = 999_999_999_999_999;
/// As many sets of policies a thread has at hand: plans have one each.
const REMEMBERED: usize = 8;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sfv::{BareItem, FieldType, Item, List, ListEntry, Parser};

    use super::*;

    fn policy(name: &str, cells: u32, period: Duration, burst: u32) -> Policy {
        Policy { name: Arc::from(name), cells, period, burst }
    }

    fn standing(policy: Policy, remaining: u32, full_after: Duration) -> Standing {
        Standing::new(Arc::from([policy]), 0, remaining, full_after)
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn whole_seconds_are_never_early_and_never_zero() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(seconds(3)), 3);
        assert_eq!(whole_seconds(Duration::from_nanos(3_000_000_001)), 4);
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }

    #[test]
    fn a_policy_is_its_cells_in_whole_seconds_with_the_burst_where_it_differs() {
        let policies = |policies: &[Policy]| {
            let mut value = String::new();
            write_policies(&mut value, policies);
            value
        };
        let second = policy("second", 100, seconds(1), 200);
        let day = policy("day", 1_000, seconds(86_400), 1_000);
        let text = "\"second\";q=100;w=1;brownout-burst=200, \"day\";q=1000;w=86400";
        assert_eq!(policies(&[second, day]), text);
        let tenth = policy("a", 5, Duration::from_millis(100), 5);
        assert_eq!(policies(&[tenth]), "\"a\";q=50;w=1;brownout-burst=5");
        let odd = policy("a", 4, Duration::from_millis(1_500), 5);
        assert_eq!(policies(&[odd]), "\"a\";q=5;w=2", "5.33 would be too many");
    }

    #[test]
    fn the_window_is_that_in_which_what_is_left_comes_back() {
        let left = |remaining, full_after| {
            window(&standing(policy("a", 60, seconds(60), 10), remaining, full_after))
        };
        assert_eq!(left(9, seconds(1)), 9);
        assert_eq!(left(1, seconds(9)), 1);
        assert_eq!(left(0, Duration::from_millis(9_400)), 1, "the next comes in 0.4 s");
        assert_eq!(left(0, seconds(10)), 1);
        let daily = standing(policy("a", 1, seconds(86_400), 1), 0, seconds(86_399));
        assert_eq!(window(&daily), 86_399);
        // A part of a nanosecond more than 4 294 967 297 seconds.
        let rare = standing(policy("a", u32::MAX, Duration::MAX, 1), 1, seconds(1));
        assert_eq!(window(&rare), 4_294_967_298);
        let quick = standing(policy("a", 1_000, seconds(1), 500), 250, Duration::from_millis(250));
        assert_eq!(window(&quick), 1);
    }

    fn durations() -> impl Strategy<Value = Duration> {
        let nanos = prop_oneof![1..10_000_u64, 1..10_000_000_000_u64, 1..=u64::MAX];
        prop_oneof![3 => nanos.prop_map(Duration::from_nanos), 1 => Just(Duration::MAX)]
    }

    fn numbers() -> impl Strategy<Value = u32> {
        prop_oneof![1..2_000_u32, 1..=u32::MAX, Just(u32::MAX)]
    }

    prop_compose! {
        fn policies_of_any_kind()(
            name in "[ !#-\\[\\]-~]{1,12}",
            cells in numbers(),
            period in durations(),
            burst in numbers(),
        ) -> Policy {
            policy(&name, cells, period, burst)
        }
    }

    prop_compose! {
        fn standings()(
            policies in prop::collection::vec(policies_of_any_kind(), 1..=4),
            tightest: prop::sample::Index,
            remaining in prop_oneof![Just(0), numbers()],
            full_after in durations(),
        ) -> Standing {
            let tightest = tightest.index(policies.len());
            Standing::new(Arc::from(policies), tightest, remaining, full_after)
        }
    }

    /// The items of a field, by an independent parser.
    fn items(headers: &HeaderMap, field: &HeaderName) -> Vec<Item> {
        let list: List = parsed(headers[field].to_str().expect("it is text"));
        let item = |entry| match entry {
            ListEntry::Item(item) => item,
            ListEntry::InnerList(list) => panic!("{list:?}"),
        };
        list.into_iter().map(item).collect()
    }

    fn parsed<T: FieldType>(text: &str) -> T {
        Parser::new(text).parse().expect(text)
    }

    fn integer(item: &Item, name: &str) -> u64 {
        match item.params.get(name) {
            Some(BareItem::Integer(number)) => u64::try_from(*number).expect("it is not below 0"),
            other => panic!("{other:?}"),
        }
    }

    fn name(item: &Item) -> &str {
        item.bare_item.as_string().expect("a name is a string").as_str()
    }

    proptest! {
        #[test]
        fn whatever_is_told_is_a_structured_field_in_range(
            standing in standings(),
            wait in durations(),
        ) {
            for refused in [false, true] {
                let mut headers = HeaderMap::new();
                match refused {
                    true => tell_refused(&standing, wait, &mut headers),
                    false => tell(&standing, &mut headers),
                }
                let told = items(&headers, &RATE_LIMIT_POLICY);
                prop_assert_eq!(told.len(), standing.policies().len());
                for (item, policy) in told.iter().zip(standing.policies()) {
                    prop_assert_eq!(name(item), &*policy.name);
                    let (quota, window) = (integer(item, "q"), integer(item, "w"));
                    prop_assert!(window >= 1 && quota <= MOST && window <= MOST);
                    let rate = u128::from(policy.cells) * u128::from(window) * SECOND;
                    prop_assert!(u128::from(quota) * policy.period.as_nanos() <= rate, "faster");
                }
                let told = items(&headers, &RATE_LIMIT);
                prop_assert_eq!(told.len(), 1);
                prop_assert_eq!(name(&told[0]), &*standing.policy().name);
                prop_assert_eq!(integer(&told[0], "r"), u64::from(standing.remaining()));
                let window = integer(&told[0], "t");
                prop_assert!(window >= 1);
                if refused {
                    prop_assert!(window <= whole_seconds(wait), "later than `Retry-After`");
                }
            }
        }

        #[test]
        fn who_keeps_to_what_is_told_goes_no_faster_than_the_policy(standing in standings()) {
            let Policy { cells, period, .. } = standing.policy();
            let back = u128::from(*cells) * u128::from(window(&standing)) * SECOND;
            let within = u128::from(standing.remaining()) * period.as_nanos() <= back;
            prop_assert!(within || window(&standing) == MOST);
        }
    }
}
