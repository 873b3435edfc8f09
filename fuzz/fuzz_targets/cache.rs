//! What an answer says of being kept, and what one user may get of another's.

#![no_main]

use std::{
    convert::Infallible,
    future::ready,
    sync::atomic::{AtomicBool, Ordering},
};

use brownout::StaleLayer;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Builder;
use tower::{Layer, ServiceExt, service_fn};

/// The headers of an answer that say something of it, by a letter each.
const NAMES: [HeaderName; 10] = [
    header::CACHE_CONTROL,
    header::VARY,
    header::EXPIRES,
    header::AGE,
    header::DATE,
    header::PRAGMA,
    header::SET_COOKIE,
    header::LAST_MODIFIED,
    header::ETAG,
    header::CONTENT_LENGTH,
];

fuzz_target!(|data: &[u8]| {
    let said = headers(data);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("it is to be had");
    let (ann, bob) = runtime.block_on(asked_by_two(&said));
    let controls = text(&said, &header::CACHE_CONTROL);
    if ["public", "s-maxage", "must-revalidate"].iter().all(|own| !controls.contains(own)) {
        assert!(!bob, "what was made for one user reached another: {said:?}");
    }
    if controls.split(',').any(|own| own.trim() == "no-store") {
        assert!(!ann && !bob, "it was not to be kept: {said:?}");
    }
});

fn headers(data: &[u8]) -> HeaderMap {
    let mut said = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some((first, value)) = line.split_first() else { continue };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            said.append(NAMES[usize::from(*first) % NAMES.len()].clone(), value);
        }
    }
    said
}

fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    values.join(",").to_ascii_lowercase()
}

/// Ann asks, then the service fails for her and for Bob. Tells who gets what was made for her.
async fn asked_by_two(said: &HeaderMap) -> (bool, bool) {
    let fails = AtomicBool::new(false);
    let service = service_fn(|_: Request<()>| {
        let mut response = Response::new(Full::<Bytes>::from("ann"));
        if fails.load(Ordering::Relaxed) {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            *response.body_mut() = Full::default();
        } else {
            *response.headers_mut() = said.clone();
        }
        ready(Ok::<_, Infallible>(response))
    });
    let service = StaleLayer::new().layer(service);
    let ask = async |user: &'static str| {
        let request = Request::get("http://shop.example/").header(header::AUTHORIZATION, user);
        let request = request.body(()).expect("it is valid");
        let response = service.clone().oneshot(request).await.expect("it is infallible");
        let body = response.into_body().collect().await;
        body.is_ok_and(|body| body.to_bytes() == "ann")
    };
    ask("ann").await;
    fails.store(true, Ordering::Relaxed);
    (ask("ann").await, ask("bob").await)
}
