//! The draft of a postmortem.

use std::{
    fmt::{self, Write},
    time::{Duration, SystemTime},
};

use humantime::format_rfc3339_millis;

use super::{Evidence, Impact, Incident};
use crate::database::StatementFigures;

impl Incident {
    /// A draft of its postmortem in Markdown, with the sections of a usual one. What it does
    /// not know, such as who was called and what was changed, is left to be filled in.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes all that is written");
        text
    }

    fn write(&self, to: &mut String) -> fmt::Result {
        self.write_summary(to)?;
        self.write_impact(to)?;
        self.write_timeline(to)?;
        self.write_evidence(to)?;
        self.write_protection(to)?;
        self.write_advice(to)
    }

    fn write_summary(&self, to: &mut String) -> fmt::Result {
        let about = self.database.as_deref().unwrap_or("the service");
        let start = format_rfc3339_millis(moment(self.start));
        writeln!(to, "# Incident of {start}: {}\n\n## Summary\n", Plain(about))?;
        match self.end {
            Some(end) => {
                let end_at = format_rfc3339_millis(moment(end));
                writeln!(
                    to,
                    "- From {start} to {end_at}, {}.",
                    span(end.saturating_sub(self.start))
                )?;
            }
            None => writeln!(to, "- From {start}; it lasts.")?,
        }
        writeln!(to, "- First sign: {}.", Prose(&self.first))?;
        if let Some(statement) = &self.statement {
            writeln!(to, "- The statement that stood out: {}.", Code(statement))?;
        }
        let all: u64 = self.impact.iter().map(|own| own.admitted + own.refused()).sum();
        let share = Share(self.refused() as f64 / all.max(1) as f64);
        writeln!(to, "- {} of {all} requests were refused for load ({share}).", self.refused())?;
        if self.would_refuse() > 0 {
            let more = self.would_refuse();
            writeln!(to, "- {more} more would have been, if the gates had not only reported.")?;
        }
        match self.recovery {
            Some(after) => writeln!(
                to,
                "- It was over {} after a database was last asked for more than it could do.\n",
                span(after)
            ),
            None => writeln!(to),
        }
    }

    fn write_impact(&self, to: &mut String) -> fmt::Result {
        writeln!(to, "## Impact\n")?;
        writeln!(to, "| priority | admitted | refused for load | share | why |")?;
        writeln!(to, "|---|---:|---:|---:|---|")?;
        for own in &self.impact {
            let Impact { priority, admitted, refused, would_refuse } = own;
            let refusals = refused.iter().map(|(why, count)| format!("{why} {count}"));
            let reported = (*would_refuse > 0).then(|| format!("reported only {would_refuse}"));
            let why: Vec<_> = refusals.chain(reported).collect();
            let (shed, share, why) = (own.refused_for_load(), Share(own.share()), why.join(", "));
            writeln!(to, "| {priority} | {admitted} | {shed} | {share} | {why} |")?;
        }
        let level = Share(self.worst_level);
        let was = if self.report_only { "would have been" } else { "was" };
        writeln!(to, "\nOf what is optional, up to {level} {was} left out.\n")
    }

    fn write_timeline(&self, to: &mut String) -> fmt::Result {
        writeln!(to, "## Timeline\n")?;
        for own in &self.timeline {
            let at = format_rfc3339_millis(moment(own.at));
            writeln!(to, "- {at} {}", Prose(&own.event.to_string()))?;
        }
        match self.omitted {
            0 => {}
            more => writeln!(to, "- and {more} more")?,
        }
        if let Some(end) = self.end {
            let at = format_rfc3339_millis(moment(end));
            writeln!(to, "- {at} the last sign of it")?;
        }
        writeln!(to, "\n(Who noticed, who was called, what was changed?)\n")
    }

    fn write_evidence(&self, to: &mut String) -> fmt::Result {
        writeln!(to, "## Root cause: evidence\n")?;
        if self.evidence.is_empty() {
            writeln!(to, "It was over before the databases were asked.\n")?;
        }
        for own in &self.evidence {
            own.write(to)?;
        }
        Ok(())
    }

    fn write_protection(&self, to: &mut String) -> fmt::Result {
        let protected = if self.report_only { "would have protected" } else { "protected" };
        writeln!(to, "## What {protected} us\n")?;
        for own in &self.lowest_limits {
            let name = Plain(&own.database);
            writeln!(to, "- The limit of {name} went from {} to {}.", own.before, own.lowest)?;
        }
        let kept = self.impact.iter().filter(|own| own.admitted > 0 && own.refused_for_load() == 0);
        let kept: Vec<_> = kept.map(|own| own.priority.as_str()).collect();
        if !kept.is_empty() {
            let kept = kept.join(", ");
            writeln!(to, "- Of these priorities nobody was refused for load: {kept}.")?;
        }
        writeln!(to)
    }

    fn write_advice(&self, to: &mut String) -> fmt::Result {
        writeln!(to, "## Advice\n")?;
        let advice = self.evidence.iter().flat_map(|own| &own.advice);
        let mut none = true;
        for line in advice {
            none = false;
            writeln!(to, "- {}.", Prose(line))?;
        }
        if none {
            writeln!(to, "Nothing that shows.")?;
        }
        Ok(())
    }
}

impl Evidence {
    fn write(&self, to: &mut String) -> fmt::Result {
        let saturated =
            if self.saturated { "asked for more than it could do" } else { "not saturated" };
        let (name, in_flight) = (Plain(&self.database), self.in_flight);
        writeln!(to, "**{name}** was {saturated}, with {in_flight} queries in flight.")?;
        if let Some(pool) = self.pool {
            let lent = pool.size.saturating_sub(pool.idle);
            writeln!(to, "{lent} of {} connections were lent.", pool.max)?;
        }
        for own in &self.hanging {
            writeln!(to, "- {} queries hang: {}", own.queries, Code(&own.statement))?;
        }
        if !self.statements.is_empty() {
            writeln!(to, "\n| time | per s | alone | p99 | slower | statement |")?;
            writeln!(to, "|---:|---:|---:|---:|---:|---|")?;
        }
        for own in &self.statements {
            write_statement(own, to)?;
        }
        writeln!(to)
    }
}

fn write_statement(own: &StatementFigures, to: &mut String) -> fmt::Result {
    let StatementFigures { name, alone, lately, .. } = own;
    let time = |time: Option<Duration>| time.map_or_else(|| "-".to_owned(), span);
    let slower = lately.slowdown.map_or_else(|| "-".to_owned(), |times| format!("{times:.1} ×"));
    let (share, alone, p99) = (Share(lately.share), time(*alone), time(lately.p99));
    let name = Cell(Code(name));
    writeln!(to, "| {share} | {:.1} | {alone} | {p99} | {slower} | {name} |", lately.rate)
}

/// A moment as others have them.
pub(super) fn moment(since_epoch: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + since_epoch
}

/// A duration to about three digits.
fn span(duration: Duration) -> String {
    match duration.as_secs_f64() {
        less if less < 0.9995 => format!("{:.1} ms", 1e3 * less),
        less if less < 99.95 => format!("{less:.1} s"),
        more => format!("{:.1} min", more / 60.0),
    }
}

/// From 0 to 1, as per cent.
struct Share(f64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", 100.0 * self.0)
    }
}

/// Text of others, in one line that is no Markdown.
struct Plain<'t>(&'t str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '\\' | '`' | '*' | '_' | '|' | '<' | '>' | '[' | ']' | '#' | '&' | '~' => {
                    write!(f, "\\{letter}")?
                }
                letter if letter.is_control() => f.write_char(' ')?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// Text of ours, in which names of others are code: what is between backticks. Where those do not
/// pair, none of it is.
struct Prose<'t>(&'t str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pieces: Vec<_> = self.0.split('`').collect();
        if pieces.len() % 2 == 0 {
            return write!(f, "{}", Plain(self.0));
        }
        for pair in pieces.chunks(2) {
            write!(f, "{}", Plain(pair[0]))?;
            // Two backticks in a row would begin something else.
            if let Some(code) = pair.get(1).filter(|code| !code.is_empty()) {
                write!(f, "{}", Code(code))?;
            }
        }
        Ok(())
    }
}

/// Within a table, where a bar ends what it is in, code or not.
struct Cell<T>(T);

impl<T: fmt::Display> fmt::Display for Cell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().replace('|', "\\|"))
    }
}

/// Text of others as code.
struct Code<'t>(&'t str);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        for letter in self.0.chars() {
            match letter {
                '`' => f.write_char('\'')?,
                letter if letter.is_control() => f.write_char(' ')?,
                letter => f.write_char(letter)?,
            }
        }
        f.write_str("`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_text() {
        assert_eq!(Plain("a|b\n*c* <d>").to_string(), "a\\|b \\*c\\* \\<d\\>");
        assert_eq!(Plain("&lt; ~~e~~").to_string(), "\\&lt; \\~\\~e\\~\\~");
        assert_eq!(Code("select `a` | b\n").to_string(), "`select 'a' | b `");
        assert_eq!(Cell(Code("a | b")).to_string(), "`a \\| b`", "else it would end the cell");
    }

    #[test]
    fn names_in_what_we_say_are_code_and_the_rest_of_it_stays_text() {
        let advice = "`select * from a_b` is 40 % of the *work*, `c|d` none";
        let text = "`select * from a_b` is 40 % of the \\*work\\*, `c|d` none";
        assert_eq!(Prose(advice).to_string(), text);
        assert_eq!(Prose("a ` <b>").to_string(), "a \\` \\<b\\>");
        assert_eq!(Prose("`select `<b>``").to_string(), "`select `\\<b\\>");
    }

    #[test]
    fn spans_have_about_three_digits() {
        let text = |millis| span(Duration::from_millis(millis));
        assert_eq!([text(12), text(1_234), text(90_000)], ["12.0 ms", "1.2 s", "90.0 s"]);
        assert_eq!(text(5_400_000), "90.0 min");
    }
}
