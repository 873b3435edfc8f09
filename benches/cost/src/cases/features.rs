//! What watches, around all three gates: off and on.

use brownout::{Admission, Database, RateLimit, StaleLayer, tracing::Log};
use http::{Request, StatusCode};
use tower::Layer;

use super::{Area::Features, BARE, Case, PLENTY, VALID, Whose, all_three, fed, mixed, ours};
use crate::service::{Bare, Call, answers};

pub fn all() -> Vec<Case> {
    let all = |name, make| ours(Features, name, BARE, make);
    vec![
        all("all three, nobody watches", || fed(|db| called(&all_three(db)))),
        all("all three, with tracing's log", || {
            fed(|db| {
                let builder = Admission::builder().protect(db).rate(RateLimit::new(PLENTY));
                called(&builder.on_event(Log::new()).build().expect(VALID))
            })
        }),
        all("all three, with metrics", || {
            fed(|db| {
                let admission = all_three(db);
                scraped(&admission, called(&admission))
            })
        }),
        all("all three, with the console", || {
            fed(|db| {
                let admission = all_three(db);
                let console = admission.console();
                called(&admission).besides(move || _ = &console)
            })
        }),
        Case { whose: Whose::OursOnHeap, ..all("all three, with stale answers", || fed(kept)) },
    ]
}

/// Each answer is kept, in case there is none later.
fn kept(db: &Database) -> Call {
    let layer = all_three(db).layer().classify(|_: &Request<()>| mixed());
    answers(StaleLayer::new().layer(layer.layer(Bare)), StatusCode::OK)
}

fn called(admission: &Admission) -> Call {
    let layer = admission.layer().classify(|_: &Request<()>| mixed());
    answers(layer.layer(Bare), StatusCode::OK)
}

/// Has its figures recorded now and then.
pub fn scraped(admission: &Admission, call: Call) -> Call {
    let (metrics, mut calls) = (admission.metrics(), 0);
    call.besides(move || {
        calls += 1;
        if calls % 1_000 == 0 {
            metrics.record();
        }
    })
}
