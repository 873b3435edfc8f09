//! `Server-Timing`: what a request took of the databases, in its response.

use std::fmt::Write;

use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body;

use crate::{
    admission::{Format, GateLayer, Http, Inspect, Protocol},
    class::Route,
    database::Spent,
    outcome::{Judge, Outcome},
    rejection::Rejection,
    standing::Standing,
};

/// HTTP that tells in `Server-Timing` (W3C) what a request took of each database: made by
/// [`GateLayer::server_timing`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerTiming(Http);

impl<G, C> GateLayer<G, C> {
    /// Responses tell what their queries took until the head was there, added up, in
    /// milliseconds: `Server-Timing: db;desc="shop";dur=12.5`. Default: they do not. It is
    /// for browsers and proxies of your own: it tells strangers how your service works.
    ///
    /// Only layers of an [`Admission`](crate::Admission) know it.
    pub fn server_timing(self) -> GateLayer<G, C, ServerTiming> {
        self.over(ServerTiming(Http))
    }
}

impl<B, E> Judge<Response<B>, E> for ServerTiming {
    fn judge(&self, result: &Result<Response<B>, E>) -> Outcome {
        self.0.judge(result)
    }
}

impl<B> Inspect<Request<B>> for ServerTiming {
    fn route(&self, request: &Request<B>) -> Option<Route> {
        self.0.route(request)
    }

    fn is_preflight(&self, request: &Request<B>) -> bool {
        self.0.is_preflight(request)
    }

    fn format(&self, request: &Request<B>) -> Format {
        self.0.format(request)
    }
}

impl<B: Body, E> Protocol<Response<B>, E> for ServerTiming {
    type Response<H> = <Http as Protocol<Response<B>, E>>::Response<H>;

    fn answer<H>(&self, response: Response<B>, held: Option<H>) -> Self::Response<H> {
        Protocol::<_, E>::answer(&self.0, response, held)
    }

    fn refuse<H>(&self, rejection: Rejection, format: Format) -> Result<Self::Response<H>, E> {
        Protocol::<Response<B>, E>::refuse(&self.0, rejection, format)
    }

    fn format_of(&self, result: &Result<Response<B>, E>) -> Format {
        self.0.format_of(result)
    }

    fn tell_standing(&self, response: &mut Response<B>, standing: &Standing) {
        Protocol::<Response<B>, E>::tell_standing(&self.0, response, standing);
    }

    fn has_failed(&self, result: &Result<Response<B>, E>) -> bool {
        self.0.has_failed(result)
    }

    fn tell_spent(&self, response: &mut Response<B>, spent: &[Spent]) {
        // A name may have what no header may.
        if let Ok(value) = HeaderValue::from_str(&timing(spent)) {
            response.headers_mut().append(SERVER_TIMING, value);
        }
    }
}

fn timing(spent: &[Spent]) -> String {
    let mut value = String::new();
    for own in spent {
        let comma = if value.is_empty() { "" } else { ", " };
        let name: String = own.database.chars().filter(|letter| is_plain(*letter)).collect();
        let millis = own.time.as_secs_f64() * 1e3;
        // A text takes whatever is written.
        let _ = write!(value, "{comma}db;desc=\"{name}\";dur={millis:.1}");
    }
    value
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_graphic() && !matches!(letter, '"' | '\\') || letter == ' '
}

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
