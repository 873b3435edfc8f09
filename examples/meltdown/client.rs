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
use crate::shop::ORDER_ID;

/// How long a customer waits for an answer to one attempt.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// Mean waits before the first and the second retry.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];
/// How often an order is asked for until there is a clear answer.
const QUESTIONS: u32 = 20;

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

    /// The first attempt and its retries; returns the answer to each.
    pub(crate) async fn insist(&self, errand: &Errand) -> Vec<Answer> {
        let mut answers = vec![self.attempt(errand).await];
        for (pause, jitter) in BACKOFF.into_iter().zip(errand.jitter) {
            if !answers.last().is_some_and(Answer::calls_for_retry) {
                break;
            }
            sleep(pause.mul_f64(jitter)).await;
            answers.push(self.attempt(errand).await);
        }
        answers
    }

    /// One attempt. Losing patience drops the connection, so that the shop sees
    /// the customer leave.
    pub(crate) async fn attempt(&self, errand: &Errand) -> Answer {
        let method = match errand.route {
            Route::Checkout => Method::POST,
            _ => Method::GET,
        };
        self.ask(method, &errand.path, errand.order.as_deref()).await
    }

    /// Whether an order was placed; `None` if the shop will not say.
    pub(crate) async fn was_placed(&self, order: &str) -> Option<bool> {
        for _ in 0..QUESTIONS {
            match self.ask(Method::GET, &format!("/orders/{order}"), None).await {
                Answer::Status(200) => return Some(true),
                Answer::Status(404) => return Some(false),
                _ => sleep(BACKOFF[0]).await,
            }
        }
        None
    }

    async fn ask(&self, method: Method, path: &str, order: Option<&str>) -> Answer {
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
            Ok(Ok(status)) => Answer::Status(status),
            Ok(Err(())) => Answer::NoConnection,
            Err(_) => Answer::Timeout,
        }
    }

    async fn exchange(&self, request: Request<Empty<Bytes>>) -> Result<u16, ()> {
        let response = self.http.request(request).await.map_err(drop)?;
        let status = response.status().as_u16();
        // Only a connection whose answer was read can serve again.
        response.into_body().collect().await.map_err(drop)?;
        Ok(status)
    }
}
