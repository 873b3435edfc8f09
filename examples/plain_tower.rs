//! Services that do not speak HTTP: a refusal is an error, and either downcasts or becomes one of
//! your own.
//!
//! `cargo run --example plain_tower --no-default-features --features tower`

use std::{error::Error, fmt, time::Duration};

use brownout::{
    Admission, Class, ConcurrencyLimit, Database, Priority, Reason, Rejection, limit::Fixed,
    rejection_of,
};
use tokio::{task::JoinSet, time::sleep};
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

/// What this service is asked.
enum Question {
    Stock(u32),
    Forecast(u32),
}

// The time of the example is not that of the clock: nobody has to wait for it.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let db = Database::new("stock");
    let limit = ConcurrencyLimit::new().algorithm(Fixed::new(2)).queue(3);
    let admission = Admission::builder().protect(&db).concurrency(limit).build()?;
    let class = |question: &Question| match question {
        Question::Stock(_) => Class::new(Priority::Critical),
        Question::Forecast(_) => Class::new(Priority::Bulk),
    };
    let layer = admission.layer().classify(class).refuse_with_error();

    println!("an error in a box holds the refusal:");
    let ask = service_fn(|question| async { Ok::<_, BoxError>(answer(&db, question).await?) });
    let service = ServiceBuilder::new().layer(layer.clone()).service(ask);
    let _places =
        [admission.acquire(&Class::default()).await?, admission.acquire(&Class::default()).await?];
    let error = service.oneshot(Question::Forecast(1)).await.expect_err("both places are taken");
    let rejection = rejection_of(error.as_ref()).ok_or("it is a refusal")?;
    println!("  {error}");
    assert_eq!(rejection.reason(), Reason::QueueTimeout, "nobody left in time");
    assert!(rejection.retry_after() > Duration::ZERO);
    drop(_places);

    println!("an error of one's own takes it over:");
    let db = db.clone();
    let service = ServiceBuilder::new().layer(layer).service(service_fn(move |question| {
        let db = db.clone();
        async move { answer(&db, question).await }
    }));
    let mut crowd = JoinSet::new();
    for item in 0..30 {
        let question =
            if item % 10 == 0 { Question::Stock(item) } else { Question::Forecast(item) };
        let is_stock = matches!(question, Question::Stock(_));
        let answer = service.clone().oneshot(question);
        crowd.spawn(async move { (is_stock, answer.await) });
    }
    let mut busy = 0;
    for (is_stock, answer) in crowd.join_all().await {
        match answer {
            Ok(_) => {}
            Err(Trouble::Busy(wait)) => {
                assert!(!is_stock && !wait.is_zero(), "the important go first");
                busy += 1;
            }
            Err(other) => return Err(other.into()),
        }
    }
    println!("  {busy} of 30 were told that it is busy, and for how long");
    println!("{}", admission.snapshot());
    assert_eq!(busy, 25, "two work, and three wait");
    Ok(())
}

async fn answer(db: &Database, question: Question) -> Result<u32, Trouble> {
    let (Question::Stock(item) | Question::Forecast(item)) = question;
    let query = async {
        sleep(Duration::from_millis(20)).await;
        item.checked_add(1).ok_or(Trouble::NoSuchItem)
    };
    db.observe(query).await
}

#[derive(Debug)]
enum Trouble {
    NoSuchItem,
    Busy(Duration),
}

impl From<Rejection> for Trouble {
    fn from(rejection: Rejection) -> Self {
        Self::Busy(rejection.retry_after())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchItem => f.write_str("there is no such item"),
            Self::Busy(wait) => write!(f, "busy, come back in {wait:?}"),
        }
    }
}

impl Error for Trouble {}
