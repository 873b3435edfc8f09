//! Ten times what the service sustains, for minutes: customers who come whatever happens.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::account::Account;
use super::books::Books;
use super::client::Client;
use super::customers::{Seen, room};
use super::instance::Instance;
use super::memory::{Memory, Watch};
use crate::trial::Stage;
use crate::trial::failure::Result;
use crate::trial::panics;
use crate::trial::seed;
use crate::trial::server::Login;
use crate::trial::store::POOL;

pub(crate) async fn run(stage: &mut Stage, time: Duration) -> Result<Account> {
    let panicked = panics::so_far();
    let sustained = stage.sustained().await?;
    let rate = (TIMES * sustained).min(MOST);
    eprintln!("overload: {rate:.0} requests/s for {:.0} s …", time.as_secs_f64());
    let url = stage.server.url(Login::Shop);
    seed::open_books(&url).await?;
    let instance = Instance::start(stage, POOL).await?;
    let client = Client::new();
    instance.learn(&client).await;
    let seen = Seen::nothing("overload", client, room(rate, time));
    let store = instance.shop.store.clone();
    // Only the trials of faults look at when queries began.
    let memory = Watch::during(time, move || drop(store.take_starts()));
    let start = Instant::now();
    let (_stay, mut leave) = watch::channel(false);
    seen.come("overload", instance.address, rate, time, &mut leave).await;
    let (seconds, memory) = (start.elapsed().as_secs_f64(), memory.stop());
    let leaked = instance.leaked().await;
    let books = Books::settle(&[&seen.books], &url).await?;
    let mut account = Account {
        trial: "overload, 10 × what it sustains".to_owned(),
        requests: seen.all.all(),
        seconds,
        lost: seen.all.lost(),
        leaked,
        checkouts: books.acknowledged,
        wrong_checkouts: books.wrong(),
        panics: (panics::so_far() - panicked) as u64,
        ..Account::default()
    };
    judge(&mut account, &seen, &memory);
    account.notes.insert(0, format!("it sustains {sustained:.0} requests/s of this mix"));
    Ok(account)
}

fn judge(account: &mut Account, seen: &Seen, memory: &Memory) {
    let Seen { all, pages, .. } = seen;
    let unserved = pages.all() - pages.served();
    account.promise(unserved == 0, format!("{unserved} pages without a database not served"));
    account.promise(all.curt() == 0, format!("{} refusals say not when to come", all.curt()));
    let grown = memory.growth();
    // In seconds, connections and whoever waits have not yet become as many as they will.
    let is_flat = grown < MAY_GROW || memory.lasted() < LONG;
    account.promise(is_flat, format!("the heap grew by {grown:.0} bytes"));
    account.notes = vec![
        seen.describe(),
        format!("sent late by {} ms at most", all.late().as_millis()),
        memory.describe(),
    ];
}

const TIMES: f64 = 10.0;
/// What one process can send, per second.
const MOST: f64 = 20_000.0;
/// From when on the heap says something.
const LONG: Duration = Duration::from_secs(60);
/// Bytes of the heap, from the first tenth of the time to the last.
const MAY_GROW: f64 = 32.0 * 1_048_576.0;
