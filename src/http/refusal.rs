//! A refusal as a response.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::{
    grpc::{self, Code},
    remembered, standing,
};
use crate::{
    admission::Format,
    number,
    rejection::{Reason, Rejection},
};

/// Tells it in this form.
pub(super) fn response(rejection: Rejection, format: Format) -> Response<Bytes> {
    let mut response = match format {
        Format::Grpc { content_type } => call(&rejection, content_type),
        Format::Problem => page(&rejection, true),
        Format::Plain => page(&rejection, false),
    };
    response.extensions_mut().insert(rejection);
    response
}

fn call(rejection: &Rejection, content_type: &'static str) -> Response<Bytes> {
    let words = Words::of(rejection.reason());
    let wait = (!rejection.is_final()).then(|| rejection.retry_after());
    let mut response = grpc::refusal(words.code, words.detail(), wait, content_type);
    tell_standing(rejection, response.headers_mut());
    response
}

fn page(rejection: &Rejection, is_problem: bool) -> Response<Bytes> {
    let wait = standing::whole_seconds(rejection.retry_after());
    let words = Words::of(rejection.reason());
    let make = || {
        let mut response = match is_problem {
            true => told(words, PROBLEM, problem(words, rejection).into()),
            false => told(words, TEXT, Bytes::from_static(words.text.as_bytes())),
        };
        tell_when(words, rejection, wait, response.headers_mut());
        tell_standing(rejection, response.headers_mut());
        response
    };
    let change = |mut response: Response<Bytes>| {
        let headers = response.headers_mut();
        if words.is_for_now {
            headers.insert(header::RETRY_AFTER, number::value(wait));
        }
        if let Some(standing) = rejection.standing() {
            standing::tell_another_wait(standing, wait, headers);
        }
        response
    };
    remembered::response(rejection, is_problem, wait, make, change)
}

fn tell_standing(rejection: &Rejection, headers: &mut HeaderMap) {
    if let Some(standing) = rejection.standing() {
        standing::tell_refused(standing, rejection.retry_after(), headers);
    }
}

/// Who knows nothing of the second goes by the first, which is late then.
fn tell_when(words: &Words, rejection: &Rejection, wait: u64, headers: &mut HeaderMap) {
    if words.is_for_now {
        headers.insert(header::RETRY_AFTER, number::value(wait));
    }
    if rejection.is_final() {
        headers.insert(SHOULD_RETRY, NOT);
    }
    tell_drain(rejection, headers);
}

/// Whoever comes again is to come by another connection, which need not lead here. Over HTTP/2
/// hyper leaves this out, as it has to be, and its own shutdown says the same.
pub(super) fn tell_drain(rejection: &Rejection, headers: &mut HeaderMap) {
    if rejection.reason() == Reason::Draining {
        headers.insert(header::CONNECTION, CLOSE);
    }
}

fn told(words: &Words, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = words.status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// Problem details (RFC 9457). Neither the words nor the names of quotas have in them what
/// JSON escapes.
fn problem(words: &Words, rejection: &Rejection) -> String {
    let Words { status, kind, title, .. } = words;
    let (status, detail) = (status.as_u16(), words.detail());
    let mut json = String::with_capacity(320);
    // A text takes whatever is written.
    let _ = write!(
        json,
        r#"{{"type":"{kind}","title":"{title}","status":{status},"detail":"{detail}""#
    );
    if let Some(standing) = rejection.standing() {
        let _ = write!(json, r#","violated-policies":["{}"]"#, standing.policy().name);
    }
    json.push('}');
    json
}

/// What is said for one kind of reason.
struct Words {
    status: StatusCode,
    code: Code,
    /// The type of the problem.
    kind: &'static str,
    title: &'static str,
    /// A line, which is the detail of a problem as well. It tells nothing of what is behind the
    /// service.
    text: &'static str,
    /// Whether it may be otherwise later.
    is_for_now: bool,
}

impl Words {
    fn of(reason: Reason) -> &'static Self {
        match reason {
            Reason::Quota => &QUOTA,
            Reason::Unkeyed => &UNKEYED,
            Reason::Deadline => &DEADLINE,
            Reason::Draining => &DRAINING,
            _ => &LOAD,
        }
    }

    fn detail(&self) -> &'static str {
        self.text.trim_ascii_end()
    }
}

const QUOTA: Words = Words {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: Code::RESOURCE_EXHAUSTED,
    kind: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Quota Exceeded",
    text: "Too many requests. Please try again later.\n",
    is_for_now: true,
};

const LOAD: Words = Words {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: Code::UNAVAILABLE,
    kind: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
    title: "Temporary Reduced Capacity",
    text: "The service is busy. Please try again later.\n",
    is_for_now: true,
};

const DRAINING: Words = Words { text: "This server is about to stop. Please try again.\n", ..LOAD };

/// The same to who speaks HTTP: none of its statuses says that a client had too little patience.
const DEADLINE: Words = Words {
    code: Code::DEADLINE_EXCEEDED,
    text: "There was not enough time for it. Please try again later.\n",
    ..LOAD
};

/// A problem of type `about:blank` has the status in words for a title.
const UNKEYED: Words = Words {
    status: StatusCode::BAD_REQUEST,
    code: Code::INVALID_ARGUMENT,
    kind: "about:blank",
    title: "Bad Request",
    text: "Nothing in the request tells whose it is.\n",
    is_for_now: false,
};

pub(crate) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
pub(crate) const NOT: HeaderValue = HeaderValue::from_static("false");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use serde_json::{Value, json};

    use super::*;
    use crate::standing::{Policy, Standing};

    const WAIT: Duration = Duration::from_millis(1_500);

    fn over_quota() -> Rejection {
        let policy = |name: &str| Policy {
            name: Arc::from(name),
            cells: 60,
            period: Duration::from_secs(60),
            burst: 10,
        };
        let policies = Arc::from([policy("minute"), policy("a day's")]);
        let standing = Standing::new(policies, 1, 0, Duration::from_secs(10));
        Rejection::new(Reason::Quota, WAIT).standing_at(standing)
    }

    fn header<'r>(response: &'r Response<Bytes>, name: &str) -> Option<&'r str> {
        response.headers().get(name).map(|value| value.to_str().expect("it is text"))
    }

    fn problem_of(rejection: &Rejection) -> (u16, Value) {
        let response = response(rejection.clone(), Format::Problem);
        assert_eq!(header(&response, "content-type"), Some("application/problem+json"));
        let problem = serde_json::from_slice(response.body()).expect("it is JSON");
        (response.status().as_u16(), problem)
    }

    #[test]
    fn a_problem_has_the_type_of_its_reason() {
        let (status, problem) = problem_of(&over_quota());
        let expected = json!({
            "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "title": "Quota Exceeded",
            "status": 429,
            "detail": "Too many requests. Please try again later.",
            "violated-policies": ["a day's"],
        });
        assert_eq!((status, problem), (429, expected));
        let (status, problem) = problem_of(&Rejection::new(Reason::CircuitOpen, WAIT));
        let expected = json!({
            "type": "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
            "title": "Temporary Reduced Capacity",
            "status": 503,
            "detail": "The service is busy. Please try again later.",
        });
        assert_eq!((status, problem), (503, expected));
        let (status, problem) = problem_of(&Rejection::new(Reason::Unkeyed, Duration::ZERO));
        assert_eq!((status, &problem["type"]), (400, &json!("about:blank")));
    }

    #[test]
    fn every_reason_is_told_in_every_form_without_a_word_about_the_inside() {
        for reason in Reason::ALL {
            let rejection = Rejection::new(reason, WAIT);
            let (status, problem) = problem_of(&rejection);
            assert_eq!(problem["status"], status);
            let plain = response(rejection.clone(), Format::Plain);
            assert_eq!(plain.status().as_u16(), status);
            let text = std::str::from_utf8(plain.body()).expect("it is text");
            assert!(text.ends_with(".\n") && !text.contains("database"), "{text}");
            assert_eq!(problem["detail"], text.trim_end());
            let grpc =
                response(rejection.clone(), Format::Grpc { content_type: "application/grpc" });
            assert_eq!((grpc.status().as_u16(), grpc.body().len()), (200, 0));
            let message = header(&grpc, "grpc-message").expect("there is one");
            assert_eq!(message, text.trim_end());
            let is_plain = |letter: u8| matches!(letter, b' '..=b'~') && letter != b'%';
            assert!(message.bytes().all(is_plain), "it would have to be encoded");
            for response in [plain, grpc] {
                assert_eq!(response.extensions().get(), Some(&rejection));
            }
        }
    }

    #[test]
    fn the_wait_is_told_where_it_helps() {
        let wait = |reason, format| {
            let response = response(Rejection::new(reason, WAIT), format);
            let told = |name| header(&response, name).map(str::to_owned);
            (told("retry-after"), told("grpc-status"), told("grpc-retry-pushback-ms"))
        };
        let text = |text: &str| Some(text.to_owned());
        let grpc = Format::Grpc { content_type: "application/grpc" };
        for format in [Format::Plain, Format::Problem] {
            assert_eq!(wait(Reason::Quota, format), (text("2"), None, None));
            assert_eq!(wait(Reason::Evicted, format), (text("2"), None, None));
            assert_eq!(wait(Reason::Unkeyed, format), (None, None, None));
        }
        assert_eq!(wait(Reason::Quota, grpc), (None, text("8"), text("1500")));
        assert_eq!(wait(Reason::QueueFull, grpc), (None, text("14"), text("1500")));
        assert_eq!(wait(Reason::Deadline, grpc), (None, text("4"), text("1500")));
        assert_eq!(wait(Reason::Unkeyed, grpc), (None, text("3"), text("-1")));
    }

    #[test]
    fn where_it_makes_no_sense_nobody_is_to_try_again() {
        let answer = |rejection: &Rejection, format| {
            let response = response(rejection.clone(), format);
            let told = |name| header(&response, name).map(str::to_owned);
            (told("retry-after"), told("x-should-retry"), told("grpc-retry-pushback-ms"))
        };
        let text = |text: &str| Some(text.to_owned());
        let grpc = Format::Grpc { content_type: "application/grpc" };
        for reason in Reason::ALL.into_iter().filter(|reason| *reason != Reason::Unkeyed) {
            let rejection = Rejection::new(reason, WAIT);
            assert_eq!(answer(&rejection, Format::Plain), (text("2"), None, None));
            let rejection = rejection.finally();
            assert_eq!(answer(&rejection, Format::Problem), (text("2"), text("false"), None));
            assert_eq!(answer(&rejection, grpc), (None, None, text("-1")));
        }
        let unkeyed = Rejection::new(Reason::Unkeyed, WAIT);
        assert_eq!(answer(&unkeyed, Format::Plain), (None, text("false"), None));
    }

    #[test]
    fn who_is_refused_since_the_server_stops_is_to_come_by_another_connection() {
        let told = |reason, format| {
            let response = response(Rejection::new(reason, WAIT), format);
            header(&response, "connection").map(str::to_owned)
        };
        let grpc = Format::Grpc { content_type: "application/grpc" };
        for reason in Reason::ALL {
            let expected = (reason == Reason::Draining).then(|| "close".to_owned());
            for format in [Format::Plain, Format::Problem] {
                assert_eq!(told(reason, format), expected, "{reason}");
            }
            assert_eq!(told(reason, grpc), None, "gRPC has HTTP/2");
        }
    }

    #[test]
    fn whatever_was_told_before_each_is_told_its_own_wait() {
        let (plain, quota) = (Rejection::new(Reason::Evicted, WAIT), over_quota());
        let policies = quota.standing().expect("it is one of a quota").clone();
        for seconds in (1..200).rev().chain([86_400, 1_000_000]) {
            let wait = Duration::from_secs(seconds);
            let load = response(Rejection::new(plain.reason(), wait), Format::Plain);
            assert_eq!(header(&load, "retry-after"), Some(&*seconds.to_string()));
            let quota = Rejection::new(Reason::Quota, wait).standing_at(policies.clone());
            let quota = response(quota, Format::Problem);
            assert_eq!(header(&quota, "retry-after"), Some(&*seconds.to_string()));
            let told: Vec<_> = quota.headers().get_all("ratelimit").iter().collect();
            assert_eq!(told, [&format!("\"a day's\";r=0;t={seconds}")]);
            assert_eq!(quota.headers().get_all("ratelimit-policy").iter().count(), 1);
        }
    }

    #[test]
    fn a_quota_is_told_in_every_form() {
        let grpc = Format::Grpc { content_type: "application/grpc" };
        for format in [Format::Plain, Format::Problem, grpc] {
            let response = response(over_quota(), format);
            assert_eq!(header(&response, "ratelimit"), Some("\"a day's\";r=0;t=2"));
            assert!(header(&response, "ratelimit-policy").is_some());
        }
    }
}
