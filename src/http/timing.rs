//! `Server-Timing`: what a request took of the databases, in its response.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::amend::{Amend, Amended};
use crate::{admission::GateLayer, database::Spent};

/// Tells in `Server-Timing` (W3C) what a request took of each database: made by
/// [`GateLayer::server_timing`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerTiming(());

impl<G, C, P> GateLayer<G, C, P> {
    /// Responses tell what their queries took until the head was there, added up, in
    /// milliseconds: `Server-Timing: db;desc="shop";dur=12.5`. Default: they do not. It is
    /// for browsers and proxies of your own: it tells strangers how your service works.
    ///
    /// Only layers of an [`Admission`](crate::Admission) know it.
    pub fn server_timing(self) -> GateLayer<G, C, Amended<P, ServerTiming>> {
        self.amend(ServerTiming(()))
    }
}

impl Amend for ServerTiming {
    fn tell_spent(&self, spent: &[Spent], headers: &mut HeaderMap) {
        // A name may have what no header may.
        if let Ok(value) = HeaderValue::from_str(&timing(spent)) {
            headers.append(SERVER_TIMING, value);
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
