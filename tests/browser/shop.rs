//! A shop whose state is what a test says, with a console on loopback.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use brownout::{
    Admission, AdmissionBuilder, Class, ConcurrencyLimit, Database, GatesPermit, Outcome, Priority,
    console::Console, limit::Fixed,
};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle, time::interval};

pub(crate) const LIMIT: usize = 8;

pub(crate) struct Shop {
    pub(crate) admission: Admission,
    console: Console,
    overloaded: Arc<AtomicBool>,
    life: JoinHandle<()>,
}

impl Shop {
    /// With a database of this name that runs these statements.
    pub(crate) fn open(name: &str, statements: [&str; 2]) -> Self {
        Self::open_with(name, statements, |builder| builder)
    }

    pub(crate) fn open_with(
        name: &str,
        statements: [&str; 2],
        settings: fn(AdmissionBuilder) -> AdmissionBuilder,
    ) -> Self {
        let db = Database::new(name);
        let limit = ConcurrencyLimit::new().algorithm(Fixed::new(LIMIT)).queue(0);
        let builder = Admission::builder().protect(&db).concurrency(limit);
        let admission = settings(builder).build().expect("it is valid");
        let (console, overloaded) = (admission.console(), Arc::<AtomicBool>::default());
        let statements = statements.map(|statement| db.statement(statement));
        let (gates, mood) = (admission.clone(), overloaded.clone());
        let life = tokio::spawn(async move {
            let mut beat = interval(Duration::from_millis(20));
            loop {
                beat.tick().await;
                let overloaded = mood.load(Ordering::Relaxed);
                let times = if overloaded { 8 } else { 1 };
                statements[0].record(Duration::from_millis(4) * times, Outcome::Success);
                statements[1].record(Duration::from_millis(12) * times, Outcome::Success);
                visits(&gates).await;
            }
        });
        Self { admission, console, overloaded, life }
    }

    /// Takes all places, so that everybody else is refused, slows the queries down, and
    /// opens the circuit, until what it gives is dropped.
    pub(crate) async fn overload(&self) -> Overload<'_> {
        self.overloaded.store(true, Ordering::Relaxed);
        let places = self.fill().await;
        self.admission.breaker().force_open();
        Overload { shop: self, _places: places }
    }

    /// Takes all places, until what it gives is dropped.
    pub(crate) async fn fill(&self) -> Vec<GatesPermit> {
        let mut places = Vec::new();
        while places.len() < LIMIT {
            places.extend(self.admission.acquire(&Class::new(Priority::Critical)).await);
        }
        places
    }

    /// On this address.
    pub(crate) fn serve_at(&self, address: &str) -> Server {
        let runtime = Runtime::new().expect("a runtime is to be had");
        let app = Router::new().nest_service("/console", self.console.clone());
        let listener = std::net::TcpListener::bind(address).expect("the port is free");
        listener.set_nonblocking(true).expect("it can be");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(async move {
            axum::serve(TcpListener::from_std(listener).expect("it is valid"), app).await
        });
        Server { runtime: Some(runtime), address }
    }
}

/// One of each priority.
async fn visits(admission: &Admission) {
    for priority in Priority::ALL {
        // Refused or not, it is over at once.
        drop(admission.acquire(&Class::new(priority)).await);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.life.abort();
    }
}

pub(crate) struct Overload<'s> {
    shop: &'s Shop,
    _places: Vec<GatesPermit>,
}

impl Drop for Overload<'_> {
    fn drop(&mut self) {
        self.shop.overloaded.store(false, Ordering::Relaxed);
        self.shop.admission.breaker().release();
    }
}

/// With a runtime of its own, with which all its connections end.
pub(crate) struct Server {
    runtime: Option<Runtime>,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn url(&self) -> String {
        format!("http://{}/console/", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.take().expect("it is dropped once").shutdown_background();
    }
}
