//! Background jobs beside customers: a job asks for leave like a request, as `Bulk`, and gives way
//! where customers come.
//!
//! `cargo run --example jobs --no-default-features --features tower`

use std::{convert::Infallible, error::Error, time::Duration};

use brownout::{Admission, Class, ConcurrencyLimit, Database, Priority, attributed, limit::Fixed};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// Customers of a rush, who all come at once.
const RUSH: usize = 60;
const JOBS: usize = 200;

// The time of the example is not that of the clock: nobody has to wait for it.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("shop");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(8)).queue(RUSH);
    let admission = Admission::builder().protect(&db).concurrency(limit).build()?;

    let mut workers = JoinSet::new();
    for _ in 0..16 {
        workers.spawn(work(admission.clone(), db.clone(), JOBS / 16));
    }
    sleep(Duration::from_millis(300)).await;
    println!("jobs alone: {} done", admission.snapshot().admitted_of(Priority::Bulk));

    let longest = rush(&admission, &db).await?;
    println!("{RUSH} customers came at once: all were served, the last after {longest:?}");

    let pauses: usize = workers.join_all().await.into_iter().sum();
    println!("all jobs are done; they gave way {pauses} times");
    println!("{}", admission.snapshot());
    assert!(pauses > 0, "whoever waits gives its place to a customer");
    assert_eq!(admission.snapshot().admitted_of(Priority::Bulk), (JOBS / 16 * 16) as u64);
    assert_eq!(admission.snapshot().in_flight, 0);
    Ok(())
}

/// Does so many jobs, one by one; tells how often it had to come back later.
async fn work(admission: Admission, db: Database, jobs: usize) -> usize {
    let (job, mut done, mut pauses) = (Class::new(Priority::Bulk), 0, 0);
    while done < jobs {
        match admission.acquire(&job).await {
            Ok(permit) => {
                // No request's, so that they are not taken for strays.
                attributed(query(&db, "reindex")).await;
                drop(permit);
                done += 1;
            }
            Err(refused) => {
                pauses += 1;
                sleep(refused.retry_after()).await;
            }
        }
    }
    pauses
}

/// How long the last of them waited. A real service has the layer do this.
async fn rush(admission: &Admission, db: &Database) -> Result<Duration, Box<dyn Error>> {
    let (mut customers, since) = (JoinSet::new(), Instant::now());
    for _ in 0..RUSH {
        let (admission, db) = (admission.clone(), db.clone());
        customers.spawn(async move {
            let permit = admission.acquire(&Class::default()).await?;
            attributed(query(&db, "product")).await;
            drop(permit);
            Ok::<_, brownout::Rejection>(())
        });
    }
    while let Some(customer) = customers.join_next().await {
        customer??;
    }
    // Eight at a time, 20 ms each, and the jobs that were running when they came.
    let longest = since.elapsed();
    assert!(longest <= Duration::from_millis(20) * (RUSH.div_ceil(8) as u32 + 1), "{longest:?}");
    Ok(longest)
}

async fn query(db: &Database, statement: &str) {
    let query = async {
        sleep(Duration::from_millis(20)).await;
        Ok::<_, Infallible>(())
    };
    db.statement(statement).observe(query).await.expect("it cannot fail");
}
