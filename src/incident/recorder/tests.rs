mod model_tests;
mod service;

use std::sync::Arc;

use super::*;
use service::Service;

use crate::{
    admission::Admission,
    control::limit::Fixed,
    database::Database,
    event::{Circuit, Subject},
    gate::{ConcurrencyLimit, Snapshot},
    rejection::Reason,
};

const SECOND: Duration = Duration::from_secs(1);
const T0: Duration = Duration::from_secs(1_000_000);

#[test]
fn one_bad_second_is_no_incident_and_two_are() {
    let mut service = Service::new();
    service.second(3);
    service.pass(20);
    assert_eq!(service.incidents(), []);
    service.second(3);
    service.second(4);
    let [incident] = &service.incidents()[..] else { panic!("there is one") };
    assert_eq!((incident.end, incident.refused()), (None, 7));
    assert_eq!(incident.start, T0 + 26 * SECOND, "the moment before the first");
}

#[test]
fn a_circuit_that_trips_is_one_at_once_and_names_its_database() {
    let mut service = Service::new();
    service.trip(Circuit::Closed, Circuit::Open);
    service.second(0);
    let [incident] = &service.incidents()[..] else { panic!("there is one") };
    assert_eq!(incident.database.as_deref(), Some("shop"));
    assert_eq!(incident.first, "circuit of shop from closed to open: forced");
    assert_eq!(incident.timeline.len(), 1);
}

#[test]
fn it_is_over_after_ten_calm_seconds_and_ends_with_the_last_bad_one() {
    let mut service = Service::new();
    (0..30).for_each(|_| service.second(1));
    let end = service.at;
    service.pass(9);
    assert_eq!(service.incidents()[0].end, None);
    service.pass(1);
    let [incident] = &service.incidents()[..] else { panic!("there is one") };
    assert_eq!(incident.end, Some(end));
    assert_eq!(incident.recovery, Some(Duration::ZERO));
    let [critical, .., bulk] = &incident.impact[..] else { panic!("all priorities are there") };
    assert_eq!((critical.refused(), bulk.refused(), bulk.share()), (0, 30, 1.0));
}

#[test]
fn a_short_pause_does_not_end_it() {
    let mut service = Service::new();
    for _ in 0..4 {
        (0..3).for_each(|_| service.second(1));
        service.pass(8);
    }
    service.pass(5);
    assert_eq!(service.incidents().len(), 1);
}

#[test]
fn evidence_is_asked_for_once_and_kept() {
    let mut service = Service::new();
    (0..20).for_each(|_| service.second(1));
    assert_eq!(service.asked, 1);
    service.pass(30);
    (0..20).for_each(|_| service.second(1));
    assert_eq!(service.asked, 2);
}

#[test]
fn the_lowest_limit_is_told_against_the_one_before() {
    let mut service = Service::new();
    for limit in [12, 4, 9, 18] {
        service.snapshot.databases[0].limit = limit;
        service.second(1);
    }
    let incident = &service.incidents()[0];
    let LowestLimit { before, lowest, .. } = incident.lowest_limits[0];
    assert_eq!((before, lowest), (20, 4));
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut service = Service::new();
    for _ in 0..MOST + 5 {
        (0..2 * TIMELINE).for_each(|_| service.trip(Circuit::Closed, Circuit::Open));
        service.second(1);
        service.trip(Circuit::Open, Circuit::Closed);
        service.second(1);
        service.pass(15);
    }
    let incidents = service.incidents();
    assert_eq!(incidents.len(), MOST);
    assert!(size_of::<Transition>() <= 136, "it is documented");
    assert!(incidents.iter().all(|own| own.timeline.len() <= TIMELINE));
    assert!(incidents.iter().all(|own| own.omitted > 0));
}

#[test]
fn a_gap_in_which_nobody_asked_is_no_part_of_it() {
    let mut service = Service::new();
    service.wait(3_600 * SECOND);
    service.second(1);
    service.second(1);
    assert!(service.incidents()[0].start >= service.at - 3 * SECOND);
}

#[test]
fn a_draft_has_all_sections() {
    let mut service = Service::new();
    service.trip(Circuit::Closed, Circuit::Open);
    (0..5).for_each(|_| service.second(100));
    service.trip(Circuit::Open, Circuit::Closed);
    service.pass(12);
    let text = service.incidents()[0].to_markdown();
    for section in
        ["Summary", "Impact", "Timeline", "Root cause: evidence", "What protected us", "Advice"]
    {
        assert!(text.contains(&format!("## {section}\n")), "{section}: {text}");
    }
    assert!(text.contains("circuit of shop from closed to open: forced"), "{text}");
    assert!(
        text.contains("| bulk | 0 | 500 | 100.0 % | queue\\_full 500 |")
            || text.contains("| bulk | 0 | 500 | 100.0 % | queue_full 500 |"),
        "{text}"
    );
    assert!(text.contains("nobody was refused for load: critical"), "{text}");
}

#[test]
fn what_is_omitted_is_counted_once() {
    let mut service = Service::new();
    (0..TIMELINE as u32 + 10).for_each(|_| service.trip(Circuit::Closed, Circuit::Open));
    (0..30).for_each(|_| service.second(1));
    let incident = &service.incidents()[0];
    assert_eq!((incident.timeline.len(), incident.omitted), (TIMELINE, 10));
}

#[test]
fn an_incident_after_which_nobody_asked_is_over_when_somebody_does() {
    let mut service = Service::new();
    (0..5).for_each(|_| service.second(1));
    let last = service.at;
    service.wait(3_600 * SECOND);
    service.look(1);
    let [incident] = &service.incidents()[..] else { panic!("there is one") };
    let end = incident.end.expect("nobody was refused for an hour");
    assert!(end <= last + SECOND, "{:?} later", end - last);
}

#[test]
fn a_clock_that_is_put_back_neither_prolongs_it_nor_breaks_its_draft() {
    let mut service = Service::new();
    (0..5).for_each(|_| service.second(1));
    service.at -= 3_600 * SECOND;
    service.second(1);
    service.pass(10);
    let [incident] = &service.incidents()[..] else { panic!("there is one") };
    assert_eq!(incident.duration(Duration::ZERO), 6 * SECOND);
    let end = incident.end.expect("ten seconds were calm");
    assert!(incident.start <= end, "{:?} {end:?}", incident.start);
    assert!(incident.to_markdown().contains("the last"), "it can be written");
}

#[test]
fn an_incident_in_which_nobody_was_refused_does_not_say_that_somebody_was() {
    let mut service = Service::new();
    service.snapshot.level = 0.5;
    service.pass(3);
    let incident = &service.incidents()[0];
    assert_eq!(incident.refused(), 0);
    assert!(!incident.first.contains("refused"), "{}", incident.first);
}

#[test]
fn who_looks_often_sees_what_who_looks_once_a_second_does() {
    let mut service = Service::new();
    for tenth in 0..50 {
        service.wait(SECOND / 10);
        service.look(u64::from(tenth % 10 == 3));
    }
    let [incident] = &service.incidents()[..] else { panic!("there is one") };
    assert_eq!((incident.refused(), incident.end), (5, None));
    let mut service = Service::new();
    service.second(1);
    for _ in 0..8 {
        service.wait(SECOND / 10);
        service.look(1);
    }
    assert_eq!(service.incidents(), [], "it was one second");
}

#[test]
fn two_bad_seconds_far_apart_are_no_incident() {
    let mut service = Service::new();
    service.second(1);
    service.wait(3_600 * SECOND);
    service.second(1);
    assert_eq!(service.incidents(), []);
}

#[test]
fn databases_of_the_same_name_have_limits_of_their_own() {
    let mut service = Service::new();
    let mut other = service.snapshot.databases[0].clone();
    other.limit = 5;
    service.snapshot.databases.push(other);
    service.pass(1);
    (0..3).for_each(|_| service.second(1));
    let limits = service.incidents()[0].lowest_limits.clone();
    let limits: Vec<_> = limits.iter().map(|own| (own.before, own.lowest)).collect();
    assert_eq!(limits, [(20, 20), (5, 5)]);
}

#[test]
fn where_gates_only_report_it_tells_what_would_have_been() {
    let mut service = Service::new();
    service.snapshot.report_only = true;
    for _ in 0..5 {
        service.snapshot.would_have_refused(Priority::Bulk, Reason::QueueFull, 7);
        service.second(0);
    }
    service.pass(12);
    let incident = &service.incidents()[0];
    assert_eq!((incident.refused(), incident.would_refuse()), (0, 35));
    assert_eq!(incident.first, "requests would have been refused for load");
    let line = incident.to_string();
    assert!(
        line.ends_with("0 refused for load, 35 more if the gates did not only report"),
        "{line}"
    );
    let text = incident.to_markdown();
    for part in [
        "- 35 more would have been, if the gates had not only reported.",
        "would have been left out",
        "## What would have protected us",
        "| reported only 35 |",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
