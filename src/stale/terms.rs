//! On which terms an answer is kept: for whom, for how long.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};

use super::{
    asked::Asked,
    directives::{Directives, names},
    personal::Personal,
};

/// What the head of an answer says about its keeping, by RFC 9111 and RFC 5861.
///
/// The library judges what may be stored and what is fresh. Whose an answer is, which
/// variant, and how stale it may be, is judged here: the library compares one line of a
/// header where there may be several (HTTP/2 splits cookies).
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// None where nothing was said of keeping: it may be kept, and is never fresh.
    policy: Option<Box<CachePolicy>>,
    /// What the request had in the headers that `Vary` names.
    pub(super) vary: Vec<(HeaderName, Vec<HeaderValue>)>,
    /// Said to be for everybody.
    public: bool,
    /// By the wall clock, when it was made.
    made: SystemTime,
    /// How long it is fresh from then on.
    lifetime: Duration,
    /// How long it may serve afterwards, in trouble.
    stale_for: Duration,
    /// How long it may serve afterwards, while it is asked for anew.
    revalidate_for: Duration,
    /// It names its errors itself, so that 500 is one.
    pub(super) for_errors: bool,
    /// It says for how long it is fresh.
    timed: bool,
}

impl Terms {
    /// `None` for what must not be kept, or would be of no use.
    pub(super) fn of(
        asked: &Asked,
        status: StatusCode,
        headers: &HeaderMap,
        now: SystemTime,
        max_stale: Duration,
        personal: &Personal,
    ) -> Option<Self> {
        if asked.is_head
            || !GOOD.contains(&status)
            || NEVER.iter().any(|name| headers.contains_key(name))
        {
            return None;
        }
        let directives = Directives::of(headers)?;
        let vary = names(headers, header::VARY)?.into_iter().map(|name| {
            let values = asked.headers.get_all(&name).iter().cloned().collect();
            (name, values)
        });
        let made = now.checked_sub(age_of(headers, now)?)?;
        let policy = match says_nothing(asked, &directives, status, headers) {
            true => None,
            false => Some(Box::new(policy(asked, &directives, status, headers, made)?)),
        };
        let lifetime = policy.as_ref().map_or(Duration::ZERO, |policy| policy.time_to_live(made));
        let strict = STRICT.iter().any(|name| directives.has(name));
        let bound = |name, otherwise| match directives.time(name) {
            _ if strict => Duration::ZERO,
            Some(time) => time,
            None => otherwise,
        };
        let terms = Self {
            vary: vary.collect(),
            public: directives.has("public") || directives.has("s-maxage"),
            made,
            lifetime,
            stale_for: bound("stale-if-error", max_stale),
            revalidate_for: bound("stale-while-revalidate", Duration::ZERO),
            for_errors: directives.has("stale-if-error"),
            timed: directives.has("max-age")
                || directives.has("s-maxage")
                || headers.contains_key(header::EXPIRES),
            policy,
        };
        let useful = terms.age(now) < lifetime || !terms.stale_for.is_zero();
        (useful && terms.is_open_to(&asked.headers, personal)).then_some(terms)
    }

    /// Whether somebody who sends `headers` may have it: it is for everybody, or nothing in
    /// them is one person's, or `Vary` sees to it that it is the same person's.
    ///
    /// What is asked for with `Authorization` has to be for everybody (RFC 9111, 3.5).
    pub(super) fn is_open_to(&self, headers: &HeaderMap, personal: &Personal) -> bool {
        let varies = |name: &HeaderName| self.vary.iter().any(|(own, _)| own == name);
        let mut own = personal.of(headers);
        self.public || own.all(|name| *name != header::AUTHORIZATION && varies(name))
    }

    /// Whether it is the variant that `headers` select.
    pub(super) fn selects(&self, headers: &HeaderMap) -> bool {
        self.vary.iter().all(|(name, values)| headers.get_all(name).iter().eq(values))
    }

    /// Whether it may be served without asking.
    pub(super) fn is_fresh(&self, asked: &Asked, now: SystemTime) -> bool {
        let Some(policy) = self.policy.as_ref().filter(|policy| !policy.is_stale(now)) else {
            return false;
        };
        // A client that would take a stale one gets it in trouble.
        let request = request(asked.directives.plain(&["max-stale"]));
        matches!(policy.before_request(&request, now), BeforeRequest::Fresh(_))
    }

    /// Whether it may be served since there is nothing better.
    pub(super) fn may_stand_in(&self, now: SystemTime) -> bool {
        self.is_within(self.stale_for, now)
    }

    /// Whether it may be served while it is asked for anew.
    pub(super) fn may_bridge(&self, now: SystemTime) -> bool {
        self.is_within(self.revalidate_for, now)
    }

    /// Whether those that asked at the same time may have it.
    pub(super) fn may_be_shared(&self, now: SystemTime) -> bool {
        self.age(now) < self.lifetime || (!self.timed && self.may_stand_in(now))
    }

    fn is_within(&self, bound: Duration, now: SystemTime) -> bool {
        let age = self.age(now);
        age < self.lifetime || (!bound.is_zero() && age - self.lifetime <= bound)
    }

    pub(super) fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.made).unwrap_or_default()
    }

    /// The seconds for which it is still fresh; negative afterwards.
    pub(super) fn ttl(&self, now: SystemTime) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        match self.lifetime.checked_sub(self.age(now)) {
            Some(left) => seconds(left),
            None => -seconds(self.age(now) - self.lifetime),
        }
    }
}

/// Whether neither side says anything of keeping, so that the library need not be asked: by
/// RFC 9111 (3 and 4.2.2), such an answer may be kept, and nothing tells how long it is fresh.
fn says_nothing(
    asked: &Asked,
    directives: &Directives,
    status: StatusCode,
    headers: &HeaderMap,
) -> bool {
    let silent =
        |names: &[HeaderName], all: &HeaderMap| !names.iter().any(|name| all.contains_key(name));
    KEPT_ANYWAY.contains(&status)
        && directives.is_empty()
        && asked.directives.is_empty()
        && silent(&[header::EXPIRES, header::LAST_MODIFIED], headers)
        && silent(&[header::AUTHORIZATION], &asked.headers)
}

fn policy(
    asked: &Asked,
    directives: &Directives,
    status: StatusCode,
    headers: &HeaderMap,
    made: SystemTime,
) -> Option<CachePolicy> {
    let mut known = directives.plain(&[]);
    for name in [header::DATE, header::EXPIRES, header::LAST_MODIFIED] {
        if let Some(value) = headers.get(&name) {
            known.insert(name, value.clone());
        }
    }
    let mut response = Response::new(());
    (*response.status_mut(), *response.headers_mut()) = (status, known);
    let mut request = request(asked.directives.plain(&[]));
    if asked.headers.contains_key(header::AUTHORIZATION) {
        // That it is there is enough: what it says is nobody's business.
        request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_static("somebody"));
    }
    let policy = CachePolicy::new_options(&request, &response, made, CacheOptions::default());
    (policy.is_storable() && !directives.has("no-cache")).then_some(policy)
}

/// Which resource and variant it is, is known already: to the policy all are one.
fn request(headers: HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    request
}

/// How old it came (RFC 9111, 4.2.3), where a cache or the sender's clock tells. `None`
/// if that cannot be read.
fn age_of(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let told = match headers.get(header::AGE) {
        Some(age) => Duration::from_secs(age.to_str().ok()?.trim().parse::<u32>().ok()?.into()),
        None => Duration::ZERO,
    };
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let apparent = date.and_then(|date| now.duration_since(date).ok()).unwrap_or_default();
    Some(told.max(apparent))
}

/// Answers that are worth keeping: those that say what there is, or that there is nothing.
const GOOD: [StatusCode; 11] = [
    StatusCode::OK,
    StatusCode::NON_AUTHORITATIVE_INFORMATION,
    StatusCode::NO_CONTENT,
    StatusCode::MULTIPLE_CHOICES,
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
    StatusCode::NOT_FOUND,
    StatusCode::GONE,
];

/// Those of them that may be kept where nothing is said of it (RFC 9110, 15.1).
const KEPT_ANYWAY: [StatusCode; 8] = [
    StatusCode::OK,
    StatusCode::NON_AUTHORITATIVE_INFORMATION,
    StatusCode::NO_CONTENT,
    StatusCode::MULTIPLE_CHOICES,
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::PERMANENT_REDIRECT,
    StatusCode::NOT_FOUND,
    StatusCode::GONE,
];

/// Answers with one of these are for one browser, or only a part.
static NEVER: [HeaderName; 3] =
    [header::SET_COOKIE, header::CONTENT_RANGE, HeaderName::from_static("clear-site-data")];

/// They forbid what is stale (RFC 9111, 4.2.4).
const STRICT: [&str; 4] = ["must-revalidate", "proxy-revalidate", "s-maxage", "no-cache"];

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 seconds after the `Date` of an answer with these headers.
    fn terms(headers: &[(HeaderName, &'static str)]) -> Option<Terms> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name, HeaderValue::from_static(value));
        }
        all.insert(header::DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 + 10);
        let asked = Asked::of(&Request::new(())).expect("it has to do with stores");
        Terms::of(&asked, StatusCode::OK, &all, now, Duration::ZERO, &Personal::default())
            .filter(|terms| terms.age(now) == Duration::from_secs(10))
    }

    fn ttl(headers: &[(HeaderName, &'static str)]) -> Option<i64> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 + 10);
        terms(headers).map(|terms| terms.ttl(now))
    }

    #[test]
    fn an_answer_is_as_old_as_its_date() {
        assert_eq!(ttl(&[(header::CACHE_CONTROL, "max-age=60")]), Some(50));
        assert_eq!(ttl(&[(header::CACHE_CONTROL, "max-age=9")]), None, "it is of no use");
    }

    #[test]
    fn where_nothing_is_said_the_library_would_say_the_same() {
        let (now, headers) = (SystemTime::now(), HeaderMap::new());
        let directives = Directives::default();
        let asked = |name| {
            let mut request = Request::new(());
            request.headers_mut().insert(name, HeaderValue::from_static("max-age=9"));
            Asked::of(&request).expect("it has to do with stores")
        };
        let plain = asked(header::ACCEPT);
        for status in GOOD {
            let silent = says_nothing(&plain, &directives, status, &headers);
            let policy = policy(&plain, &directives, status, &headers, now);
            assert_eq!(policy.is_some(), silent, "{status}");
            assert!(policy.is_none_or(|policy| policy.is_stale(now)), "{status}");
        }
        for name in [header::AUTHORIZATION, header::CACHE_CONTROL] {
            assert!(!says_nothing(&asked(name), &directives, StatusCode::OK, &headers));
        }
        for name in [header::EXPIRES, header::LAST_MODIFIED, header::CACHE_CONTROL] {
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static("0"))]);
            let directives = Directives::of(&headers).expect("it can be read");
            assert!(!says_nothing(&plain, &directives, StatusCode::OK, &headers));
        }
    }

    #[test]
    fn expires_counts_from_the_date() {
        assert_eq!(ttl(&[(header::EXPIRES, "Sun, 06 Nov 1994 08:50:37 GMT")]), Some(50));
        assert_eq!(ttl(&[(header::EXPIRES, "0")]), None);
        let both = [(header::EXPIRES, "0"), (header::CACHE_CONTROL, "max-age=60")];
        assert_eq!(ttl(&both), Some(50), "max-age counts more");
    }

    #[test]
    fn a_tenth_of_the_time_since_its_change_is_taken_for_fresh() {
        assert_eq!(ttl(&[(header::LAST_MODIFIED, "Sun, 06 Nov 1994 08:32:57 GMT")]), Some(90));
    }
}
