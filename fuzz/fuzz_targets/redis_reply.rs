//! What a broken or hostile Redis may answer: the first byte is how many quotas there are, and the
//! rest the reply as it is on the wire. Whatever it is, nothing panics, each request is answered,
//! and an answer lets in no more than what was asked for.

#![no_main]

use std::{
    convert::Infallible,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use brownout::{
    Fleet, Order, Outage, Quota, RateLimit, Shared, SharedBuckets, SharedRate, Taken,
    redis::fuzzing::{members_of, taken_of},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use tower::{Layer, ServiceExt, service_fn};

const LEASE: u32 = 10;
const RATE: SharedRate = SharedRate::new(Duration::from_secs(1), 20);

fuzz_target!(|data: &[u8]| {
    let Some((quotas, reply)) = data.split_first() else { return };
    let quotas = usize::from(quotas % 4) + 1;
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("there is memory");
    runtime.block_on(answered(reply, quotas));
});

async fn answered(reply: &[u8], quotas: usize) {
    let asked = Arc::new(AtomicU32::default());
    let taken = taken_of(reply, &[RATE; 4][..quotas]);
    if let Some(Taken::Units { full_after, .. } | Taken::Lack { full_after, .. }) = &taken {
        assert_eq!(full_after.len(), quotas);
    }
    let server = Says { taken, members: members_of(reply), asked: asked.clone() };
    let fleet = Fleet::new("redis", server).lease(LEASE).on_outage(Outage::Refuse);
    let names = ["a", "b", "c", "d"].map(|name| Quota::per_minute(60).burst(20).named(name));
    let limit =
        names[1..quotas].iter().fold(RateLimit::new(names[0]), |limit, own| limit.and(*own));
    let layer = limit.tell_all().shared(&fleet).layer().expect("it is valid");
    let service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    }));
    let mut admitted = 0;
    for _ in 0..40 {
        let answer = service.clone().oneshot(Request::new(())).await.expect("it is infallible");
        admitted += u32::from(answer.status() == StatusCode::OK);
    }
    let asked = asked.load(Ordering::Relaxed);
    assert!(admitted <= asked * (LEASE + 1), "{admitted} of {asked}");
}

/// The same to everybody.
struct Says {
    taken: Option<Taken>,
    members: Option<usize>,
    asked: Arc<AtomicU32>,
}

impl SharedBuckets for Says {
    fn take(&self, _: Order) -> Shared<Taken> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(ready(self.taken.clone().ok_or_else(|| "no answer".into())))
    }

    fn members(&self) -> Shared<usize> {
        Box::pin(ready(self.members.ok_or_else(|| "no answer".into())))
    }
}
