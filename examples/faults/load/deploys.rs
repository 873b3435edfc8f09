//! Deploys under load: two instances, of which one after the other is drained, stopped and
//! replaced, and customers who go to the other one when they are refused.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::account::Account;
use super::books::Books;
use super::client::{Client, Heard};
use super::customers::{Seen, room};
use super::instance::Instance;
use super::tally::Tally;
use crate::trial::Stage;
use crate::trial::errand::{Errand, Route, arrivals};
use crate::trial::failure::{Failure, Result};
use crate::trial::panics;
use crate::trial::seed;
use crate::trial::server::Login;

pub(crate) async fn run(stage: &mut Stage, deploys: usize) -> Result<Account> {
    let panicked = panics::so_far();
    eprintln!("deploys: {deploys} …");
    let url = stage.server.url(Login::Shop);
    seed::open_books(&url).await?;
    let client = Client::new();
    let mut instances = Vec::new();
    for _ in 0..2 {
        instances.push(started(stage, &client).await?);
    }
    let start = Instant::now();
    let balancer = Balancer::over(&instances, client.clone());
    let customers = balancer.clone().customers();
    let mut leaked = 0;
    for deploy in 0..deploys {
        sleep(BETWEEN).await;
        let fresh = started(stage, &client).await?;
        let old = std::mem::replace(&mut instances[deploy % 2], fresh);
        leaked += replace(&balancer, old, instances[deploy % 2].address).await?;
    }
    sleep(BETWEEN).await;
    let Balancer { seen, attempts, .. } = customers.stop().await;
    for instance in &instances {
        leaked += instance.leaked().await;
    }
    let books = Books::settle(&[&seen.books], &url).await?;
    let mut account = Account {
        trial: "deploys under load".to_owned(),
        requests: seen.all.all(),
        seconds: start.elapsed().as_secs_f64(),
        faults: deploys as u64,
        // One that broke off is not sent again.
        lost: attempts.lost(),
        leaked,
        checkouts: books.acknowledged,
        wrong_checkouts: books.wrong(),
        panics: (panics::so_far() - panicked) as u64,
        ..Account::default()
    };
    account
        .promise(attempts.curt() == 0, format!("{} refusals without Retry-After", attempts.curt()));
    account.promise(attempts.refused() > 0, "nobody met an instance that was draining");
    account.promise(attempts.failed() == 0, format!("{} attempts failed", attempts.failed()));
    account.notes = vec![
        format!(
            "{deploys} instances drained, stopped and replaced; of {} attempts {} were refused, all \
             with Retry-After, {} broke off",
            attempts.all(),
            attempts.refused(),
            attempts.lost(),
        ),
        seen.describe(),
    ];
    Ok(account)
}

async fn started(stage: &Stage, client: &Client) -> Result<Instance> {
    let instance = Instance::start(stage, POOL).await?;
    instance.learn(client).await;
    Ok(instance)
}

/// Has the one drained and stopped, and the other in its place; what the first has not given
/// back.
async fn replace(balancer: &Balancer, old: Instance, fresh: SocketAddr) -> Result<u64> {
    old.admission.drain();
    // It is found out by what it answers, as by a balancer that looks from time to time.
    sleep(NOTICED).await;
    let drained = timeout(PATIENCE, old.admission.drained()).await;
    drained.map_err(|_| Failure::new("an instance that drains does not come to its end"))?;
    balancer.replace(old.address, fresh);
    // Who is on the way to it by then is still told so; a connection that closes would break off.
    sleep(NOTICED).await;
    let leaked = old.occupied();
    old.drain_and_stop().await?;
    Ok(leaked)
}

/// Knows the instances. Clones are the same.
#[derive(Clone, Debug)]
struct Balancer {
    instances: Arc<Mutex<Vec<SocketAddr>>>,
    client: Client,
    /// What customers have seen in the end.
    seen: Seen,
    /// What each of their attempts has.
    attempts: Tally,
}

/// Customers who come until they are stopped.
struct Customers {
    balancer: Balancer,
    leave: watch::Sender<bool>,
    coming: JoinHandle<()>,
}

impl Balancer {
    fn over(instances: &[Instance], client: Client) -> Self {
        let instances = instances.iter().map(|instance| instance.address).collect();
        let seen = Seen::nothing(RUN, client.clone(), room(RATE, LONGEST));
        let instances = Arc::new(Mutex::new(instances));
        Self { instances, client, seen, attempts: Tally::default() }
    }

    fn replace(&self, old: SocketAddr, fresh: SocketAddr) {
        let mut instances = self.instances.lock().expect("nobody panics with it");
        instances.iter_mut().filter(|own| **own == old).for_each(|own| *own = fresh);
    }

    fn customers(self) -> Customers {
        let (leave, mut told) = watch::channel(false);
        let own = self.clone();
        let coming = tokio::spawn(async move {
            let (start, mut out) = (Instant::now(), JoinSet::new());
            for errand in arrivals(RUN, RATE).take_while(|errand| errand.at < LONGEST) {
                tokio::select! {
                    () = sleep_until(start + errand.at) => {}
                    _ = told.wait_for(|told| *told) => break,
                }
                let own = own.clone();
                out.spawn(async move { own.serve(errand).await });
                while out.try_join_next().is_some() {}
            }
            out.join_all().await;
        });
        Customers { balancer: self, leave, coming }
    }

    /// Goes to one instance, and to the other where it is refused.
    async fn serve(&self, mut errand: Errand) {
        // Some take long enough to be in flight when an instance is drained.
        if errand.route == Route::Search {
            errand.path = format!("/search?slow={SLOW}");
        }
        self.seen.begin(&errand);
        let mut which = rand::rng().random_range(0..2);
        let mut heard = Heard::Nothing;
        for attempt in 0..ATTEMPTS {
            let address = self.instances.lock().expect("nobody panics with it")[which];
            heard = self.client.go(address, &errand).await;
            self.attempts.note(heard);
            if !matches!(heard, Heard::Refused { .. }) {
                break;
            }
            which = 1 - which;
            sleep(BACKOFF * attempt).await;
        }
        self.seen.end(&errand, heard);
    }
}

impl Customers {
    async fn stop(self) -> Balancer {
        self.leave.send_replace(true);
        self.coming.await.expect("customers do not panic");
        self.balancer
    }
}

const RUN: &str = "deploys";
/// Connections of an instance: the server has enough for three, of which one is new.
const POOL: u32 = 10;
/// Requests per second.
const RATE: f64 = 100.0;
/// Seconds that a search takes.
const SLOW: f64 = 0.2;
const ATTEMPTS: u32 = 6;
const BACKOFF: Duration = Duration::from_millis(100);
const BETWEEN: Duration = Duration::from_millis(700);
const NOTICED: Duration = Duration::from_millis(200);
/// Longest wait for those who are in flight.
const PATIENCE: Duration = Duration::from_secs(20);
/// No trial takes longer.
const LONGEST: Duration = Duration::from_secs(3_600);
