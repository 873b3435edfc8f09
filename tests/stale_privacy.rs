//! An answer made for one user never reaches another, unless the rules allow it.

#![cfg(feature = "stale")]

mod support;

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use brownout::{Reason, Rejection, StaleLayer};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use proptest::{collection::vec, prelude::*};
use support::{SECOND, origin::fields};
use tokio::task::JoinSet;
use tower::{Layer, Service, ServiceExt, service_fn};

type Fields = &'static [(&'static str, &'static str)];

/// Cookies come in one line or, as in HTTP/2, in several.
const USERS: [Fields; 12] = [
    &[],
    &[("accept-language", "de")],
    &[("cookie", "lang=de")],
    &[("cookie", "sid=ann")],
    &[("cookie", "sid=bob")],
    &[("cookie", "lang=de"), ("cookie", "sid=cid")],
    &[("cookie", "lang=de"), ("cookie", "sid=dan")],
    &[("authorization", "Bearer ann")],
    &[("authorization", "Bearer bob"), ("cookie", "sid=bob")],
    &[("proxy-authorization", "Basic ann")],
    &[("x-user", "ann")],
    &[("x-user", "bob"), ("accept-language", "de")],
];

const CONTROLS: [&str; 17] = [
    "",
    "max-age=60",
    "public",
    "public, max-age=60",
    "s-maxage=60",
    "S-MaxAge=60, max-age=1",
    "private",
    "Private, max-age=60",
    "public, private",
    "max-age=60, no-store",
    "max-age=\"60\", No-Store",
    "public, no-cache",
    "must-revalidate",
    "max-age=60, must-revalidate",
    "max-age=60, stale-while-revalidate=60",
    "x=\"a, public\"",
    "x=\"public\", max-age=60, stale-if-error=60",
];

const VARIES: [&str; 8] = [
    "",
    "Accept-Language",
    "Cookie",
    "cookie, accept-language",
    "Authorization, Cookie",
    "X-User",
    "*",
    "accept, *",
];

#[derive(Clone, Copy, Debug)]
struct Ask {
    user: usize,
    page: u8,
    control: usize,
    vary: usize,
    sets_cookie: bool,
    leaves: bool,
}

/// Requests at the same time.
#[derive(Clone, Debug)]
struct Burst {
    asks: Vec<Ask>,
    trouble: bool,
    pause: u64,
}

fn ask() -> impl Strategy<Value = Ask> {
    let page = 0..2_u8;
    let (often, seldom) = (prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    (0..USERS.len(), page, 0..CONTROLS.len(), 0..VARIES.len(), often, seldom).prop_map(
        |(user, page, control, vary, leaves, sets_cookie)| Ask {
            user,
            page,
            control,
            vary,
            sets_cookie,
            leaves,
        },
    )
}

fn burst() -> impl Strategy<Value = Burst> {
    (vec(ask(), 1..6), prop::bool::weighted(0.4), prop::sample::select(vec![0, 1, 59, 70, 4_000]))
        .prop_map(|(asks, trouble, pause)| Burst { asks, trouble, pause })
}

/// How the layer is set.
#[derive(Clone, Copy, Debug)]
struct Options {
    fresh: bool,
    coalesce: bool,
    background: bool,
    only_sid: bool,
}

fn options() -> impl Strategy<Value = Options> {
    any::<[bool; 4]>().prop_map(|[fresh, coalesce, background, only_sid]| Options {
        fresh,
        coalesce,
        background,
        only_sid,
    })
}

impl Options {
    fn layer(self) -> StaleLayer {
        let mut layer = StaleLayer::new().personal_header(HeaderName::from_static("x-user"));
        if self.fresh {
            layer = layer.fresh();
        }
        if self.coalesce {
            layer = layer.coalesce();
        }
        if self.only_sid {
            layer = layer.personal_cookies(["sid"]);
        }
        layer
    }

    /// Whether `name` in these headers is one person's.
    fn is_personal(self, name: &str, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(name).iter().map(|line| line.to_str().expect("it is text"));
        match name {
            "cookie" if self.only_sid => lines.any(|line| line.contains("sid=")),
            _ => lines.next().is_some(),
        }
    }

    /// Whether what was `made` may be for somebody else, who sends `headers`.
    fn allows(self, made: &Made, headers: &HeaderMap) -> bool {
        let control = CONTROLS[made.ask.control].to_ascii_lowercase();
        let vary = VARIES[made.ask.vary].to_ascii_lowercase();
        let forbidden =
            ["private", "no-store", "no-cache"].iter().any(|word| control.contains(word));
        if forbidden || made.ask.sets_cookie || vary.contains('*') {
            return false;
        }
        let varies: Vec<_> = vary.split(", ").filter(|name| !name.is_empty()).collect();
        let equal = |name: &&str| headers.get_all(*name).iter().eq(made.headers.get_all(*name));
        if !varies.iter().all(equal) {
            return false;
        }
        let everybodys = control.starts_with("public") || control.starts_with("s-maxage");
        let personal = ["authorization", "proxy-authorization", "cookie", "x-user"];
        everybodys
            || personal.into_iter().all(|name| {
                let seen_to = name != "authorization" && varies.contains(&name);
                let one = self.is_personal(name, headers) || self.is_personal(name, &made.headers);
                seen_to || !one
            })
    }
}

/// What the service made for whom.
#[derive(Clone, Debug)]
struct Made {
    ask: Ask,
    headers: HeaderMap,
    by: usize,
}

#[derive(Clone, Default)]
struct Shop {
    made: Arc<Mutex<Vec<Made>>>,
    trouble: Arc<AtomicBool>,
}

#[derive(Clone, Copy)]
struct By(usize, Ask);

impl Shop {
    async fn answer(self, request: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
        // Others come meanwhile.
        tokio::task::yield_now().await;
        let mut response = Response::new(Full::default());
        if self.trouble.load(Ordering::Relaxed) {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response.extensions_mut().insert(Rejection::new(Reason::QueueFull, SECOND));
            return Ok(response);
        }
        let By(by, ask) = *request.extensions().get().expect("the test put it there");
        let mut made = self.made.lock().expect("no test panics here");
        *response.body_mut() = Full::from(made.len().to_string());
        made.push(Made { ask, headers: request.headers().clone(), by });
        let said = [("cache-control", CONTROLS[ask.control]), ("vary", VARIES[ask.vary])];
        let said: Vec<_> = said.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        *response.headers_mut() = fields(&said);
        if ask.sets_cookie {
            response.headers_mut().extend(fields(&[("set-cookie", "sid=new")]));
        }
        Ok(response)
    }
}

/// Who got whose answer: the number of the request, what it sent, and what was made.
type Got = Vec<(usize, HeaderMap, Made)>;

async fn play<S, B>(service: S, inner: Shop, bursts: &[Burst]) -> Got
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Error: std::fmt::Debug, Data: Send> + Send + 'static,
{
    let (mut got, mut number) = (Vec::new(), 0);
    for burst in bursts {
        tokio::time::advance(Duration::from_secs(burst.pause)).await;
        inner.trouble.store(burst.trouble, Ordering::Relaxed);
        let mut crowd = JoinSet::new();
        for ask in &burst.asks {
            number += 1;
            let mut request = Request::get(format!("/{}", ask.page)).body(()).expect("it is valid");
            *request.headers_mut() = fields(USERS[ask.user]);
            request.extensions_mut().insert(By(number, *ask));
            let (by, headers, service) = (number, request.headers().clone(), service.clone());
            let asking = crowd.spawn(async move {
                let response = service.oneshot(request).await.expect("it is infallible");
                let whole = response.into_body().collect().await.expect("it is whole").to_bytes();
                (by, headers, String::from_utf8_lossy(&whole).into_owned())
            });
            if ask.leaves {
                tokio::task::yield_now().await;
                asking.abort();
            }
        }
        while let Some(done) = crowd.join_next().await {
            let Ok((by, headers, text)) = done else { continue };
            if let Ok(index) = text.parse::<usize>() {
                let made = inner.made.lock().expect("no test panics here")[index].clone();
                got.push((by, headers, made));
            }
        }
    }
    got
}

fn run(options: Options, bursts: &[Burst]) -> Got {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("it starts");
    runtime.block_on(async {
        let inner = Shop::default();
        let answering = inner.clone();
        let service = service_fn(move |request| answering.clone().answer(request));
        if options.background {
            let layer = options.layer().in_background();
            play(layer.layer(service), inner, bursts).await
        } else {
            play(options.layer().layer(service), inner, bursts).await
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_for_one_user_never_reaches_another(
        options in options(),
        bursts in vec(burst(), 1..12),
    ) {
        for (by, headers, made) in run(options, &bursts) {
            prop_assert!(
                by == made.by || options.allows(&made, &headers),
                "{:?} got {:?}, control {:?}, vary {:?}",
                headers, made, CONTROLS[made.ask.control], VARIES[made.ask.vary],
            );
        }
    }
}

/// The test above proves nothing if nothing is ever shared.
#[test]
fn an_answer_for_everybody_reaches_everybody() {
    let options = Options { fresh: false, coalesce: false, background: false, only_sid: false };
    let ask = |user| Ask { user, page: 0, control: 2, vary: 0, sets_cookie: false, leaves: false };
    let burst = |users: &[usize], trouble| {
        let asks = users.iter().copied().map(ask).collect();
        Burst { asks, trouble, pause: 1 }
    };
    let everybody: Vec<_> = (0..USERS.len()).collect();
    for (maker, sent) in USERS.into_iter().enumerate() {
        let got = run(options, &[burst(&[maker], false), burst(&everybody, true)]);
        assert_eq!(got.len(), 1 + USERS.len(), "made for {sent:?}");
        let got = run(
            Options { coalesce: true, ..options },
            &[burst(&[maker], false), burst(&everybody, false)],
        );
        let makers: std::collections::BTreeSet<_> =
            got.iter().map(|(_, _, made)| made.by).collect();
        assert_eq!((got.len(), makers.len()), (1 + USERS.len(), 2), "one of them asks for all");
    }
}
