//! A client that waits: what it hears of a request, and whether it hears anything.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::trial::errand::Errand;
use crate::trial::shop::ORDER_ID;

/// Clients that share a machine and its connections.
#[derive(Clone, Debug)]
pub(crate) struct Client(legacy::Client<HttpConnector, Full<Bytes>>);

/// How a request ended for the one who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// With what was asked for, or that there is no such thing.
    Served,
    /// Not now, and whether it was said when.
    Refused { told_when: bool },
    /// With an error of the service.
    Failed(u16),
    /// The connection broke, or nothing came for longer than anybody waits.
    Nothing,
}

impl Client {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(legacy::Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends what this customer wants, once.
    pub(crate) async fn go(&self, shop: SocketAddr, errand: &Errand) -> Heard {
        let method = if errand.order.is_some() { Method::POST } else { Method::GET };
        self.ask(shop, method, &errand.path, errand.order.as_deref()).await
    }

    pub(crate) async fn ask(
        &self,
        shop: SocketAddr,
        method: Method,
        path: &str,
        order: Option<&str>,
    ) -> Heard {
        let mut request = Request::builder().method(method).uri(format!("http://{shop}{path}"));
        if let Some(order) = order {
            request = request.header(ORDER_ID, order);
        }
        let request = request.body(Full::default()).expect("it is plain words and numbers");
        timeout(PATIENCE, self.exchange(request)).await.unwrap_or(Heard::Nothing)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Heard {
        let Ok(response) = self.0.request(request).await else { return Heard::Nothing };
        let (head, body) = response.into_parts();
        // An answer that breaks off is none.
        if body.collect().await.is_err() {
            return Heard::Nothing;
        }
        match head.status.as_u16() {
            200..=299 | 404 => Heard::Served,
            429 | 503 => {
                Heard::Refused { told_when: head.headers.contains_key(header::RETRY_AFTER) }
            }
            status => Heard::Failed(status),
        }
    }
}

/// Far longer than a service that works takes for any of it.
const PATIENCE: Duration = Duration::from_secs(60);
