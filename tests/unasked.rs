//! A service that leaves nothing out is told of nothing that was left out. In a process of its
//! own, since who asks once has asked for all.

#![cfg(feature = "tower")]

use std::time::Duration;

use brownout::{Admission, Brownout, Circuit, Class, ConcurrencyLimit, Database, limit};
use tokio::{task::JoinSet, time::sleep};

const MS: Duration = Duration::from_millis(1);

/// So many clients, one request after the other, for so many tenths of a second.
async fn surge(admission: &Admission, db: &Database, clients: usize, tenths: usize) {
    let mut all = JoinSet::new();
    for _ in 0..clients {
        let (admission, db) = (admission.clone(), db.clone());
        all.spawn(async move {
            let until = tokio::time::Instant::now() + 100 * MS * tenths as u32;
            while tokio::time::Instant::now() < until {
                let permit = admission.acquire(&Class::default()).await;
                if permit.is_ok() {
                    let query = async {
                        sleep(50 * MS).await;
                        Ok::<_, std::io::Error>(())
                    };
                    db.observe(query).await.expect("it succeeds");
                }
                drop(permit);
                sleep(MS).await;
            }
        });
    }
    while all.join_next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn without_anybody_who_asks_the_level_is_that_of_the_circuit_alone() {
    let db = Database::new("shop");
    let fixed =
        ConcurrencyLimit::new().algorithm(limit::Fixed::new(4)).max_wait(Duration::from_secs(1));
    let admission = Admission::builder().protect(&db).concurrency(fixed);
    let admission = admission.build().expect("it is valid");
    surge(&admission, &db, 20, 50).await;
    assert_eq!(admission.snapshot().level, 0.0);
    let told: Vec<_> = admission.transitions().into_iter().map(|own| own.event).collect();
    assert_eq!(told, [], "nothing has changed");
    let sentence = admission.overview().sentence;
    assert!(!sentence.contains("optional"), "{sentence}");

    admission.breaker().force_open();
    sleep(200 * MS).await;
    let snapshot = admission.snapshot();
    assert_eq!((snapshot.circuit, snapshot.level), (Circuit::Open, 1.0));
    admission.breaker().force_closed();
    sleep(200 * MS).await;
    assert_eq!(admission.snapshot().level, 0.0);

    assert_eq!(Brownout::default().level(), 0.0);
    surge(&admission, &db, 20, 50).await;
    assert!(admission.snapshot().level > 0.9, "somebody has asked");
}
