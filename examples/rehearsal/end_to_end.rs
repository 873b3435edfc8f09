//! Whole rehearsals against services in this process: what is judged is how many, not how fast.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::get;
use brownout::{Quota, RateLimit, http::key::Header};
use tokio::net::TcpListener;

use crate::answer::Kind;
use crate::knee::Finding;
use crate::load::Stop;
use crate::plan::Plan;
use crate::programme::{Climb, Programme};
use crate::stage::Stage;
use crate::tally::{Figures, Seen};
use crate::target::Target;
use crate::verdict::{Verdict, judge};

/// A plan that no busy machine breaks.
const PATIENT: &str = "base_rate = 50\ntimeout = \"60s\"\nmax_lag = \"60s\"\n";

/// Serves on a port of this machine.
async fn serve(service: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn stage(plan: &str, service: Router) -> Stage {
    let plan = Arc::new(Plan::parse(&format!("{PATIENT}{plan}")).unwrap());
    let url = format!("http://{}", serve(service).await);
    let target = Target::find(&url, None).await.unwrap();
    Stage { plan, target, stop: Stop::new() }
}

async fn perform(stage: &Stage) -> Seen {
    let programme = Programme::of(&stage.plan).unwrap();
    let planned = programme.dues.len();
    let seen = stage.perform(programme).await;
    assert!(seen.interrupted.is_some() || seen.exchanges.len() == planned, "each is accounted for");
    seen
}

fn figures(stage: &Stage, seen: &Seen, request: &str) -> Figures {
    let number = stage.plan.requests.iter().position(|own| own.name == request).unwrap();
    Figures::of(seen.exchanges.iter().filter(|own| own.request == number))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objectives_are_judged_by_what_brownout_answered() {
    // Five requests of each client, and then none for a day.
    let quota = RateLimit::new(Quota::per_day(5)).per_key().layer().unwrap();
    let quota = quota.key(Header::new("x-client".parse().unwrap()));
    let service = Router::new()
        .route("/page", get(async || "well"))
        .layer(quota)
        .route("/health", get(async || "fine"));
    let plan = r#"
        clients = { header = "x-client", count = 2 }
        request = [
            { name = "page", route = "/page", weight = 3 },
            { name = "health", route = "/health", weight = 1 },
        ]
        phase = [{ name = "all", length = "2s", rate = 100 }]
        objective = [
            { request = "health", want = "success >= 100 %" },
            { request = "page", phase = "all", want = "success >= 90 %" },
            { request = "page", want = "refused > 50 %" },
            { want = "failed <= 0 %" },
        ]
    "#;
    let stage = stage(plan, service).await;
    let seen = perform(&stage).await;
    let page = figures(&stage, &seen, "page");
    assert_eq!(page.count(Kind::Fresh), 10, "two clients with five each");
    assert_eq!(page.count(Kind::Refused), page.asked - 10);
    let verdicts: Vec<_> = judge(&stage.plan, &seen).into_iter().map(|own| own.verdict).collect();
    assert_eq!(verdicts, [Verdict::Met, Verdict::Missed, Verdict::Met, Verdict::Met]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_errors_and_customers_who_leave_are_told_apart() {
    let copy = async || ([("cache-status", "brownout; hit; ttl=-3; detail=gate")], "old");
    let fallback = async || ([("x-fallback", "1")], "less");
    let service = Router::new()
        .route("/copy", get(copy))
        .route("/fallback", get(fallback))
        .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/hangs", get(std::future::pending::<()>));
    let plan = r#"
        fallback_header = "x-fallback"
        request = [
            { name = "copy", route = "/copy" },
            { name = "fallback", route = "/fallback" },
            { name = "broken", route = "/broken" },
            { name = "hangs", route = "/hangs" },
        ]
        phase = [{ name = "all", length = "1s", rate = 80 }]
    "#;
    let mut stage = stage(plan, service).await;
    Arc::get_mut(&mut stage.plan).unwrap().timeout = Duration::from_secs(5);
    let seen = perform(&stage).await;
    let expected = [
        ("copy", Kind::Copy),
        ("fallback", Kind::Copy),
        ("broken", Kind::Failed),
        ("hangs", Kind::TimedOut),
    ];
    for (request, kind) in expected {
        let figures = figures(&stage, &seen, request);
        assert!(figures.asked > 0);
        assert_eq!(figures.count(kind), figures.asked, "{request}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_follows_a_redirect_elsewhere() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reached);
    let elsewhere = Router::new().fallback(async move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let elsewhere = format!("http://{}/", serve(elsewhere).await);
    let service = Router::new().fallback(async move || Redirect::temporary(&elsewhere));
    let plan = "request = [{ name = \"a\", route = \"/\" }]\n\
                phase = [{ name = \"all\", length = \"1s\", rate = 30 }]";
    let stage = stage(plan, service).await;
    let seen = perform(&stage).await;
    assert_eq!(figures(&stage, &seen, "a").count(Kind::Fresh), seen.exchanges.len());
    assert_eq!(reached.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_a_place_are_no_measurement() {
    let service = Router::new().route("/", get(std::future::pending::<()>));
    let plan = "max_in_flight = 3\n\
                request = [{ name = \"a\", route = \"/\" }]\n\
                phase = [{ name = \"all\", length = \"1s\", rate = 30 }]\n\
                objective = [{ want = \"success >= 0 %\" }]";
    let mut stage = stage(plan, service).await;
    Arc::get_mut(&mut stage.plan).unwrap().timeout = Duration::from_secs(2);
    let seen = perform(&stage).await;
    let figures = figures(&stage, &seen, "a");
    assert!(figures.count(Kind::TimedOut) >= 3 && figures.count(Kind::Unsent) > 0);
    assert_eq!(figures.count(Kind::TimedOut) + figures.count(Kind::Unsent), figures.asked);
    let [judged] = &judge(&stage.plan, &seen)[..] else { panic!("there is one objective") };
    assert!(matches!(&judged.verdict, Verdict::NotMeasured(why) if why.contains("max_in_flight")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_interrupts_gets_what_was_measured() {
    let plan = "request = [{ name = \"a\", route = \"/\" }]\n\
                phase = [{ name = \"all\", length = \"1h\", rate = 20 }]\n\
                objective = [{ want = \"success >= 0 %\" }]";
    let stop = Stop::new();
    let heard = stop.clone();
    // The service itself interrupts at its third request.
    let asked = Arc::new(AtomicUsize::new(0));
    let service = Router::new().fallback(async move || {
        if asked.fetch_add(1, Ordering::Relaxed) == 2 {
            heard.now();
        }
    });
    let stage = Stage { stop, ..stage(plan, service).await };
    let seen = perform(&stage).await;
    assert!(seen.interrupted.is_some() && seen.exchanges.len() >= 3);
    assert!(seen.exchanges.iter().all(|own| own.kind == Kind::Fresh), "all are waited for");
    let verdict = judge(&stage.plan, &seen).remove(0).verdict;
    assert_eq!(verdict, Verdict::NotMeasured("interrupted".to_owned()));
}

/// At the lowest rates nobody comes, so that it keeps up with them however slow the machine is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_knee_is_where_answers_stop_to_follow() {
    let service = Router::new().fallback(async |headers: HeaderMap| {
        let is_critical = headers.get("x-priority").is_some_and(|own| own == "critical");
        if is_critical { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    });
    let plan = r#"
        priority_header = "x-priority"
        knee = { from = 0.0005, to = 5000, factor = 10.0, step = "1s", recovery = "1s" }
        request = [
            { name = "page", route = "/", weight = 9 },
            { name = "buy", route = "/buy", priority = "critical" },
        ]
        phase = [{ name = "all", length = "1s", rate = 1 }]
    "#;
    let stage = stage(plan, service).await;
    let climb = Climb::of(&stage.plan).unwrap();
    let (seen, finding): (Seen, Finding) = stage.climb(&climb).await;
    assert!(finding.kept() >= Some(0.0005) && finding.steps.len() < climb.steps.len());
    assert_eq!(seen.stretches.len(), finding.steps.len() + 2, "and the time before and after");
    let degraded = finding.degraded.expect("it did not keep up");
    assert!(degraded.figures.count(Kind::Refused) > 0);
    assert!(degraded.yielded.iter().any(|own| own.request == "page" && own.fresh == 0.0));
}
