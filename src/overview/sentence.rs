//! One sentence: is anything degraded, and why.

use std::{fmt::Write, time::Duration};

use super::{DatabaseOverview, Health};
use crate::{
    class::Priority, database::CONNECTION, event::Circuit, gate::BreakerMode, incident::Incident,
};

/// From what is so now, and the incident that lasts, if one does. Where all gates only report, it
/// is what they would do.
pub(super) fn of(
    at: Duration,
    databases: &[DatabaseOverview],
    left_out: f64,
    lasts: Option<&Incident>,
    report_only: bool,
) -> (Health, String) {
    let felt = || databases.iter().filter(|own| report_only || !own.report_only);
    let mut parts: Vec<_> = felt().filter_map(circuits).collect();
    parts.extend(dimmed(left_out));
    parts.extend(lasts.and_then(refused));
    let health = match parts.is_empty() && lasts.is_none() {
        _ if felt().any(|own| own.circuit == Circuit::Open) => Health::Down,
        true => Health::Well,
        false => Health::Degraded,
    };
    let what = match health {
        Health::Well => "All is well".to_owned(),
        Health::Degraded => ill("Degraded", at, parts, lasts),
        Health::Down => ill("Down", at, parts, lasts),
    };
    let but = if report_only { Some(NOTHING.to_owned()) } else { reported(databases) };
    let buts = [but, forced_closed(databases)].into_iter().flatten().collect::<String>();
    (health, what + &buts + ".")
}

fn ill(how: &str, at: Duration, mut parts: Vec<String>, lasts: Option<&Incident>) -> String {
    let mut sentence = how.to_owned();
    if let Some(lasts) = lasts {
        let duration = rounded(lasts.duration(at));
        if !duration.is_zero() {
            let _ = write!(sentence, " for {duration:.0?}");
        }
        parts.extend(why(lasts));
    }
    let what = if parts.is_empty() { "it was a moment ago".to_owned() } else { parts.join("; ") };
    sentence + ": " + &what
}

/// What circuits would do that only report, while other gates are enforced.
fn reported(databases: &[DatabaseOverview]) -> Option<String> {
    let is_ill =
        |own: &&DatabaseOverview| own.circuit != Circuit::Closed || !own.ill_routes.is_empty();
    let one = databases.iter().filter(|own| own.report_only).find(is_ill)?;
    Some(format!("; circuits of {} would refuse requests, but only report", one.name))
}

/// What is watched by nobody until it is released.
fn forced_closed(databases: &[DatabaseOverview]) -> Option<String> {
    let one = databases.iter().find(|own| own.mode == BreakerMode::ForcedClosed)?;
    Some(format!("; the circuit of {} is forced closed", one.name))
}

/// Where all gates only report.
const NOTHING: &str = "; but nothing is enforced, the gates only report";

/// The same, while nobody new is admitted.
pub(super) fn of_drain(sentence: &str) -> String {
    format!("Draining: what is in flight goes on, and all else is refused. {sentence}")
}

fn circuits(database: &DatabaseOverview) -> Option<String> {
    let name = &database.name;
    match database.circuit {
        Circuit::Open if database.mode == BreakerMode::ForcedOpen => {
            return Some(format!("the circuit of {name} is forced open"));
        }
        Circuit::Open => return Some(format!("the circuit of {name} is open")),
        Circuit::HalfOpen => {
            return Some(format!("the circuit of {name} is half-open, and it is being tried"));
        }
        Circuit::Partial => return Some(format!("the circuit of {name} is dimmed")),
        Circuit::Closed => {}
    }
    let first = database.ill_routes.first()?;
    let more = match database.ill_routes.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("{}{more} hang at {name} and are closed off", first.route))
}

fn dimmed(level: f64) -> Option<String> {
    // As it is written.
    (level >= 0.005)
        .then(|| format!("the level is {level:.2}, so some of what is optional is left out"))
}

/// Who was refused since it began.
fn refused(incident: &Incident) -> Option<String> {
    let refused = incident.refused();
    if refused == 0 {
        return None;
    }
    let all: u64 = incident.impact.iter().map(|own| own.admitted + own.refused()).sum();
    let critical = incident.impact.iter().find(|own| own.priority == Priority::Critical);
    let critical = match critical.map_or(0, |own| own.refused_for_load()) {
        0 => "none of them critical".to_owned(),
        some => format!("{some} of them critical"),
    };
    let share = per_cent(refused, all);
    Some(format!("{share} of the requests were refused for load, {critical}"))
}

/// To whole ones; neither none nor all, if it is not.
fn per_cent(part: u64, all: u64) -> String {
    match 100.0 * part as f64 / all as f64 {
        little if little < 1.0 => "less than 1 %".to_owned(),
        nearly if nearly > 99.0 && part < all => "more than 99 %".to_owned(),
        share => format!("{share:.0} %"),
    }
}

fn why(incident: &Incident) -> Option<String> {
    match &incident.statement {
        Some(statement) if **statement == *CONNECTION => {
            Some("what stands out is the wait for a connection".to_owned())
        }
        Some(statement) => Some(format!("what stands out is `{statement}`")),
        None if incident.timeline.is_empty() => None,
        None => Some(format!("the first sign was: {}", incident.first)),
    }
}

/// To whole seconds.
fn rounded(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs_f64().round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_few_are_nobody_nor_nearly_all_everybody() {
        assert_eq!(per_cent(1, 1_000), "less than 1 %");
        assert_eq!(per_cent(999, 1_000), "more than 99 %");
        assert_eq!([per_cent(1, 100), per_cent(75, 100), per_cent(7, 7)], ["1 %", "75 %", "100 %"]);
    }

    #[test]
    fn a_level_that_is_written_as_none_is_none() {
        assert_eq!(of(Duration::ZERO, &[], 0.004, None, false).1, "All is well.");
        assert!(
            of(Duration::ZERO, &[], 0.2, None, false).1.starts_with("Degraded: the level is 0.20")
        );
    }
}
