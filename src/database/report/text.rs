//! The report as a page of plain text.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use super::{PoolAdvice, Report, Saturated, Sustained};
use crate::database::figures::StatementFigures;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let observed = Words::span(self.observed);
        writeln!(f, "Database \"{}\", watched for {observed}", self.database)?;
        self.saturated.fmt(f)?;
        writeln!(f, "\nTo do")?;
        for line in &self.advice {
            writeln!(f, "  * {line}.")?;
        }
        if self.advice.is_empty() {
            writeln!(f, "  Nothing that shows.")?;
        }
        match &self.sustained {
            Some(sustained) => sustained.fmt(f)?,
            None => writeln!(f, "\nWhat it sustained\n  {UNKNOWN}")?,
        }
        self.pool.map_or(Ok(()), |pool| pool.fmt(f))?;
        self.fmt_statements(f)?;
        self.fmt_routes(f)?;
        self.sample.map_or(Ok(()), |sample| writeln!(f, "\nThe server\n  {sample}"))
    }
}

const UNKNOWN: &str = "Not known yet: it takes 5 s and 100 queries with as many in flight.";

impl Report {
    fn fmt_statements(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nStatements, by the database's time since the start")?;
        let head = ["time", "work", "per s", "alone", "p50", "p99", "slower", "now"];
        let [share, work, rate, alone, p50, p99, slower, now] = head;
        writeln!(
            f,
            "  {share:>6} {work:>6} {rate:>9} {alone:>8} {p50:>8} {p99:>8} {slower:>7} {now:>7}  statement"
        )?;
        for own in self.statements.iter().take(SHOWN) {
            let (time, work) = (Words::share(own.ever.share), Words::share(own.ever.work_share));
            fmt_statement(own, [&time, &work], f)?;
        }
        if let Some(hidden) = self.statements.len().checked_sub(SHOWN + 1) {
            writeln!(f, "  and {} more", hidden + 1)?;
        }
        match &self.waiting {
            Some(waiting) => fmt_statement(waiting, ["-"; 2], f),
            None => Ok(()),
        }?;
        writeln!(f, "  work as the queries take alone; slower than that since the start, and now")
    }

    fn fmt_routes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.routes.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nRoutes, by the database's time")?;
        writeln!(f, "  {:>6} {:>9} {:>9} {:>9}  route", "share", "requests", "queries", "time")?;
        for route in self.routes.iter().take(SHOWN) {
            let each = Duration::try_from_secs_f64(route.seconds).unwrap_or_default();
            writeln!(
                f,
                "  {:>6} {:>9} {:>9} {:>9}  {}",
                Words::share(route.share),
                route.requests,
                Words::number(route.queries),
                Words::latency(each),
                route.route
            )?;
        }
        writeln!(f, "  queries and time per request")
    }
}

fn fmt_statement(
    own: &StatementFigures,
    [time, work]: [&str; 2],
    f: &mut Formatter<'_>,
) -> fmt::Result {
    let latency = |latency: Option<Duration>| latency.map_or("-".to_owned(), Words::latency);
    let times = |times: Option<f64>| times.map_or("-".to_owned(), |times| format!("{times:.1} x"));
    writeln!(
        f,
        "  {time:>6} {work:>6} {:>9} {:>8} {:>8} {:>8} {:>7} {:>7}  {}",
        Words::number(own.ever.rate),
        latency(own.alone),
        latency(own.ever.p50),
        latency(own.ever.p99),
        times(own.ever.slowdown),
        times(own.lately.slowdown),
        own.name
    )
}

impl Display for Saturated {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return writeln!(f, "Never saturated");
        };
        let (total, longest) = (Words::span(self.total), Words::span(self.longest));
        let times = if self.spells == 1 { "once" } else { &format!("{} times", self.spells) };
        write!(f, "Saturated {times}, for {total} in all and {longest} at most, ")?;
        let until = if self.now { "now".to_owned() } else { Words::time(last) };
        writeln!(f, "from {} to {until}", Words::time(first))
    }
}

impl Display for Sustained {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nWhat it sustained")?;
        let (knee, passed) = (Words::number(self.knee), self.knee_passed);
        let verdict = if passed { "more gave no more work" } else { "more were not tried" };
        writeln!(f, "  The most with {knee} queries in flight; {verdict}")?;
        let [in_flight, queries, work, seen] = ["in flight", "queries/s", "work/s", "seen for"];
        writeln!(f, "  {in_flight:>9} {queries:>10} {work:>8} {seen:>9}")?;
        for point in &self.curve {
            let mark = if point.in_flight == self.knee { "  < knee" } else { "" };
            let seen = Words::span(Duration::try_from_secs_f64(point.seconds).unwrap_or_default());
            writeln!(
                f,
                "  {:>9} {:>10} {:>8} {seen:>9}{mark}",
                Words::number(point.in_flight),
                Words::number(point.queries),
                Words::number(point.work)
            )?;
        }
        writeln!(f, "  work in seconds that the queries take alone")
    }
}

impl Display for PoolAdvice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (connections, least) = (self.connections, self.least);
        let at_least = if self.sure { "" } else { "at least " };
        let has = self.most.map(|most| format!("; it lends up to {most} now")).unwrap_or_default();
        writeln!(f, "\nPool\n  {at_least}{connections} connections, the knee and a quarter{has}")?;
        writeln!(f, "  no fewer than {least}, by Little's law; and what idle transactions hold")
    }
}

/// Figures as people read them.
pub(super) struct Words;

impl Words {
    /// Three digits or so: "7.5", "120", "1840".
    pub(super) fn number(value: f64) -> String {
        match value {
            _ if value < 10.0 => format!("{value:.2}"),
            _ if value < 100.0 => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        }
    }

    pub(super) fn share(share: f64) -> String {
        if share > 0.0 && share < 0.01 { "< 1 %".into() } else { format!("{:.0} %", 100.0 * share) }
    }

    /// "850 µs", "14 ms", "2.4 s".
    pub(super) fn latency(latency: Duration) -> String {
        match latency.as_secs_f64() {
            seconds if seconds < 0.000_999_5 => format!("{:.0} µs", seconds * 1e6),
            seconds if seconds < 0.009_95 => format!("{:.1} ms", seconds * 1e3),
            seconds if seconds < 0.999_5 => format!("{:.0} ms", seconds * 1e3),
            seconds => format!("{seconds:.1} s"),
        }
    }

    /// "41 s", "4 min 10 s", "3 h 20 min".
    pub(super) fn span(span: Duration) -> String {
        match span.as_secs() {
            0 => Self::latency(span),
            seconds @ 1..60 => format!("{seconds} s"),
            seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
            seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }

    /// A time since the Unix epoch, in UTC: "2026-11-25 01:10:03 UTC".
    pub(super) fn time(since: Duration) -> String {
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// The date, so many days after that of the Unix epoch. Years begin in March, so that the
/// odd day comes last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (400 * era + year + u64::from(month <= 2), month, day)
}

/// Statements and routes on the page.
const SHOWN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_short_as_they_are_good() {
        let micros = Duration::from_micros;
        let latencies = [0, 850, 1_400, 14_400, 999_900, 2_400_000];
        let said = latencies.map(|latency| Words::latency(micros(latency)));
        assert_eq!(said, ["0 µs", "850 µs", "1.4 ms", "14 ms", "1.0 s", "2.4 s"]);
        let spans = [0, 41, 250, 12_030].map(Duration::from_secs).map(Words::span);
        assert_eq!(spans, ["0 µs", "41 s", "4 min 10 s", "3 h 20 min"]);
        assert_eq!([0.0, 0.004, 0.614].map(Words::share), ["0 %", "< 1 %", "61 %"]);
        assert_eq!([7.5, 12.04, 1840.2].map(Words::number), ["7.50", "12.0", "1840"]);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, time) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(Words::time(Duration::from_secs(seconds)), time);
        }
    }
}
