//! One customer: asks, waits two seconds, asks again at most twice.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{Method, Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{sleep, timeout};

use crate::errand::Errand;
use crate::mix::Route;
use crate::record::Answer;
use crate::shop::{ORDER_ID, OTHERS};
use crate::watching::origin::Origin;

/// How long a customer waits for an answer to one attempt.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// Mean waits before the first and the second retry.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];
/// How often an order is asked for until there is a clear answer.
const QUESTIONS: u32 = 20;

/// What came of one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    /// Whether the page had the part that it can do without.
    pub(crate) whole: bool,
}

/// Customers that share a machine and its connections.
#[derive(Clone, Debug)]
pub(crate) struct Customers {
    http: Client<HttpConnector, Empty<Bytes>>,
    shop: SocketAddr,
}

impl Customers {
    pub(crate) fn new(shop: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { http: Client::builder(TokioExecutor::new()).build(connector), shop }
    }

    /// The first attempt and its retries; returns what came of each.
    pub(crate) async fn insist(&self, errand: &Errand) -> Vec<Reply> {
        let mut replies = vec![self.attempt(errand).await];
        for (pause, jitter) in BACKOFF.into_iter().zip(errand.jitter) {
            if !replies.last().is_some_and(|reply| reply.answer.calls_for_retry()) {
                break;
            }
            sleep(pause.mul_f64(jitter)).await;
            replies.push(self.attempt(errand).await);
        }
        replies
    }

    /// One attempt. Losing patience drops the connection, so that the shop sees
    /// the customer leave.
    pub(crate) async fn attempt(&self, errand: &Errand) -> Reply {
        let method = match errand.route {
            Route::Checkout | Route::Review | Route::View => Method::POST,
            _ => Method::GET,
        };
        self.ask(method, &errand.path, errand.order.as_deref()).await
    }

    /// Whether an order was placed; `None` if the shop will not say.
    pub(crate) async fn was_placed(&self, order: &str) -> Option<bool> {
        for _ in 0..QUESTIONS {
            match self.ask(Method::GET, &format!("/orders/{order}"), None).await.answer {
                Answer::Status(200, _) => return Some(true),
                Answer::Status(404, _) => return Some(false),
                _ => sleep(BACKOFF[0]).await,
            }
        }
        None
    }

    async fn ask(&self, method: Method, path: &str, order: Option<&str>) -> Reply {
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.shop.to_string())
            .path_and_query(path)
            .build()
            .expect("paths are made of plain words and numbers");
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(order) = order {
            request = request.header(ORDER_ID, order);
        }
        let request = request.body(Empty::new()).expect("order ids are plain words and numbers");
        match timeout(PATIENCE, self.exchange(request)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(())) => Reply { answer: Answer::NoConnection, whole: false },
            Err(_) => Reply { answer: Answer::Timeout, whole: false },
        }
    }

    async fn exchange(&self, request: Request<Empty<Bytes>>) -> Result<Reply, ()> {
        let response = self.http.request(request).await.map_err(drop)?;
        let (head, body) = response.into_parts();
        // Only a connection whose answer was read can serve again.
        let page = body.collect().await.map_err(drop)?.to_bytes();
        let answer = Answer::Status(head.status.as_u16(), Origin::of(&head.headers));
        let whole = page.windows(OTHERS.len()).any(|part| part == OTHERS.as_bytes());
        Ok(Reply { answer, whole })
    }
}
