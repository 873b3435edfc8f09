//! One customer: asks and waits two seconds. Only who buys asks once more.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{Method, Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{sleep, timeout};

use super::errand::Errand;
use super::record::Answer;
use super::shop::ORDER_ID;

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

    /// The answers to the attempt and, for a checkout that failed, to a second one with
    /// the same order id.
    pub(crate) async fn go(&self, errand: &Errand) -> Vec<Answer> {
        let first = self.attempt(errand).await;
        if errand.order.is_none() || !first.calls_for_retry() {
            return vec![first];
        }
        sleep(BACKOFF).await;
        vec![first, self.attempt(errand).await]
    }

    /// Whether an order was placed; `None` if the shop will not say.
    pub(crate) async fn was_placed(&self, order: &str) -> Option<bool> {
        for _ in 0..QUESTIONS {
            match self.ask(Method::GET, &format!("/order/{order}"), None, PATIENCE).await {
                Answer::Status(200) => return Some(true),
                Answer::Status(404) => return Some(false),
                _ => sleep(BACKOFF).await,
            }
        }
        None
    }

    /// A search of a client that waits for ever, for so many seconds.
    pub(crate) async fn search_slowly(&self, seconds: f64) -> Answer {
        self.ask(Method::GET, &format!("/search?slow={seconds}"), None, Duration::MAX).await
    }

    /// Has the shop keep a connection for so long.
    pub(crate) async fn leak(&self, time: Duration) -> Answer {
        let path = format!("/leak?millis={}", time.as_millis());
        self.ask(Method::GET, &path, None, PATIENCE).await
    }

    /// Losing patience drops the connection, so that the shop sees the customer leave.
    async fn attempt(&self, errand: &Errand) -> Answer {
        let method = if errand.order.is_some() { Method::POST } else { Method::GET };
        self.ask(method, &errand.path, errand.order.as_deref(), PATIENCE).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        order: Option<&str>,
        patience: Duration,
    ) -> Answer {
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
        match timeout(patience, self.exchange(request)).await {
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

/// How long a customer waits for an answer to one attempt.
const PATIENCE: Duration = Duration::from_secs(2);
/// The wait before asking again.
const BACKOFF: Duration = Duration::from_millis(200);
/// How often an order is asked for until there is a clear answer.
const QUESTIONS: u32 = 20;
