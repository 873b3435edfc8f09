//! Sends one request and says what came of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{future, net::SocketAddr, vec};

use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{HttpConnector, dns::Name};
use hyper_util::rt::TokioExecutor;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tower::Service;

use crate::answer::Kind;
use crate::plan::Plan;
use crate::schedule::Due;
use crate::target::Target;

/// All customers; they share what connections are idle. Redirects are answers, and not
/// followed.
#[derive(Clone, Debug)]
pub(crate) struct Customers {
    http: Client<HttpConnector<Checked>, Full<Bytes>>,
    plan: Arc<Plan>,
    target: Target,
}

/// What is connected to: the addresses that were checked, whatever the name says by now.
#[derive(Clone, Debug)]
struct Checked(Vec<SocketAddr>);

impl Service<Name> for Checked {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        future::ready(Ok(self.0.clone().into_iter()))
    }
}

type Request = http::Request<Full<Bytes>>;

impl Customers {
    pub(crate) fn new(plan: Arc<Plan>, target: Target) -> Self {
        let mut connector = HttpConnector::new_with_resolver(Checked(target.addresses.clone()));
        connector.set_nodelay(true);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_max_idle_per_host(plan.max_in_flight);
        Self { http: client.build(connector), plan, target }
    }

    /// Asks and reads the answer to its end; also says its status.
    pub(crate) async fn ask(&self, due: &Due) -> (Kind, Option<u16>) {
        let Some(request) = self.request(due) else { return (Kind::Failed, None) };
        let Ok(response) = self.http.request(request).await else { return (Kind::Failed, None) };
        let (head, mut body) = response.into_parts();
        // Only a connection whose answer was read can serve again.
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return (Kind::Failed, Some(head.status.as_u16()));
            }
        }
        let asked = &self.plan.requests[due.request];
        let fallback = self.plan.fallback_header.as_deref();
        (Kind::of(asked, head.status, &head.headers, fallback), Some(head.status.as_u16()))
    }

    /// `None` if it cannot be one, which the plan was checked for.
    fn request(&self, due: &Due) -> Option<Request> {
        let mut rng = StdRng::seed_from_u64(due.ticket);
        let asked = &self.plan.requests[due.request];
        let filled = asked.fill(&mut rng);
        let mut request = http::Request::builder()
            .method(asked.method.as_str())
            .uri(self.target.uri(&filled.path))
            .body(Full::from(filled.body))
            .ok()?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static("brownout-rehearsal"));
        let plan = self.plan.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        let own = filled.headers.into_iter().chain(self.priority(due)).chain(self.client(&mut rng));
        for (name, value) in plan.chain(own) {
            headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
        Some(request)
    }

    fn priority(&self, due: &Due) -> Option<(String, String)> {
        let priority = self.plan.requests[due.request].priority.clone()?;
        Some((self.plan.priority_header.clone()?, priority))
    }

    /// Who asks, as one of so many.
    fn client(&self, rng: &mut StdRng) -> Option<(String, String)> {
        let clients = self.plan.clients.as_ref()?;
        let number = rng.random_range(1..=clients.count);
        Some((clients.header.clone(), format!("{}{number}", clients.prefix)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_request_has_all_that_the_plan_says() {
        let plan = Plan::parse(include_str!("../campaign.toml")).unwrap();
        let checkout = plan.requests.iter().position(|own| own.name == "checkout").unwrap();
        let target = Target::find("http://127.0.0.1:9/v1/", None).await.unwrap();
        let customers = Customers::new(Arc::new(plan), target);
        let of = |ticket| Due { at: Duration::ZERO, request: checkout, ticket };
        let requests: Vec<_> = (0..50).map(|n| customers.request(&of(n)).unwrap()).collect();
        let first = &requests[0];
        assert_eq!(first.method(), "POST");
        assert_eq!(first.uri(), "http://127.0.0.1:9/v1/checkout");
        assert_eq!(first.headers()["x-request-priority"], "critical");
        let distinct = |header: &str| {
            let values = requests.iter().map(|own| own.headers()[header].to_str().unwrap());
            values.collect::<HashSet<_>>().len()
        };
        assert_eq!(distinct("idempotency-key"), 50);
        assert!((20..=50).contains(&distinct("x-client")), "there are some hundred clients");
    }
}
