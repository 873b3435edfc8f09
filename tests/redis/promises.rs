//! What holds at the server's own time.

use brownout::{Order, SharedBuckets, Taken};
use redis::Commands;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{DAY, MS, Own, SECOND, order, rates, take, units};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis"]
async fn many_at_once_take_no_more_than_burst_and_rate() {
    let (own, rates) = (Own::new(), rates(&[(MS, 40), (10 * MS, 60)]));
    let (start, mut crowd) = (Instant::now(), JoinSet::new());
    for process in 0..8 {
        let (buckets, order) = (own.buckets(), order("hot", &rates, 1, 1 + process % 3));
        crowd.spawn(async move {
            let mut sum = 0;
            for _ in 0..100 {
                sum += units(&take(&buckets, &order).await).unwrap_or_default();
            }
            sum
        });
    }
    let sum: u32 = crowd.join_all().await.into_iter().sum();
    let ms = start.elapsed().as_millis() as u32 + 1;
    assert!(sum <= (40 + ms).min(60 + ms / 10), "{sum} in {ms} ms");
    assert!(sum >= 40, "there was a burst for them, but {sum}");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn who_has_waited_as_told_is_admitted() {
    let own = Own::new();
    let (buckets, order) = (own.buckets(), order("one", &rates(&[(MS * 30 / 7, 5)]), 2, 2));
    for _ in 0..50 {
        if let Taken::Lack { wait, .. } = take(&buckets, &order).await {
            sleep(wait).await;
            assert_eq!(units(&take(&buckets, &order).await), Some(2), "after {wait:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn all_rates_are_taken_from_or_none() {
    let own = Own::new();
    let (buckets, order) = (own.buckets(), order("one", &rates(&[(SECOND, 9), (DAY, 2)]), 2, 2));
    let Taken::Units { units: 2, full_after } = take(&buckets, &order).await else { panic!() };
    assert_eq!(full_after, [2 * SECOND, 2 * DAY]);
    let Taken::Lack { rate, wait, full_after } = take(&buckets, &order).await else { panic!() };
    assert_eq!(rate, 1);
    assert!(wait <= 2 * DAY && wait > 2 * DAY - 60 * SECOND, "{wait:?}");
    assert!(full_after[0] <= 2 * SECOND, "nothing was taken of the other: {full_after:?}");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn who_wants_more_gets_what_there_is() {
    let (own, rates) = (Own::new(), rates(&[(DAY, 10)]));
    let buckets = own.buckets();
    let mut got = Vec::new();
    for (least, most) in [(1, 7), (1, 7), (1, 7), (0, 0)] {
        got.push(units(&take(&buckets, &order("one", &rates, least, most)).await));
    }
    assert_eq!(got, [Some(7), Some(3), None, None], "none is no order, so it is one");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn what_costs_more_than_a_burst_takes_a_whole_one() {
    let (own, rates) = (Own::new(), rates(&[(DAY, 3), (DAY, 100)]));
    let buckets = own.buckets();
    let Taken::Units { units: 50, full_after } =
        take(&buckets, &order("one", &rates, 50, 90)).await
    else {
        panic!("it is whole")
    };
    assert_eq!(full_after, [3 * DAY, 50 * DAY]);
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn each_client_has_a_bucket_and_those_without_a_key_have_one() {
    let (own, rates) = (Own::new(), rates(&[(DAY, 1)]));
    let buckets = own.buckets();
    let nobody = Order::new(None, rates.clone(), 1, 1);
    let [one, two] = ["one", "two"].map(|client| order(client, &rates, 1, 1));
    for order in [&nobody, &one, &two] {
        assert_eq!(units(&take(&buckets, order).await), Some(1));
    }
    for order in [&nobody, &one, &two] {
        assert_eq!(units(&take(&buckets, order).await), None);
    }
    let mut lengths: Vec<_> = own.keys().iter().map(|key| key.len() - own.key("").len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [3, 16, 16], "`all` and two keys in hexadecimal");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_bucket_is_gone_when_it_is_whole() {
    let (own, rates) = (Own::new(), rates(&[(20 * MS, 5), (DAY, 5)]));
    let (quick, slow) = (order("quick", &rates[..1].into(), 3, 3), order("slow", &rates, 3, 3));
    take(&own.buckets(), &slow).await;
    let mut connection = own.connection();
    let ttl: u64 = connection.pttl(&own.keys()[0]).expect("the server is there");
    let days = 3 * DAY.as_millis() as u64;
    assert!((days - 60_000..=days + 1).contains(&ttl), "{ttl} ms");
    take(&own.buckets(), &quick).await;
    let patience = Instant::now() + 60 * SECOND;
    while own.keys().len() > 1 {
        assert!(Instant::now() < patience, "it is still there");
        sleep(5 * MS).await;
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_second_rate_does_not_forget_the_first() {
    let (own, both) = (Own::new(), rates(&[(DAY, 5), (DAY, 5)]));
    let (buckets, first) = (own.buckets(), both[..1].into());
    take(&buckets, &order("one", &both, 3, 3)).await;
    take(&buckets, &order("one", &first, 1, 1)).await;
    assert_eq!(units(&take(&buckets, &order("one", &both, 1, 9)).await), Some(1), "5 - 3 - 1");
    assert_eq!(units(&take(&buckets, &order("one", &both, 1, 9)).await), None);
    assert_eq!(units(&take(&buckets, &order("one", &first, 1, 9)).await), None);
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_key_that_holds_something_else_is_an_error() {
    let own = Own::new();
    let buckets = own.buckets();
    let _: usize = own.connection().rpush(own.key("all"), 7).expect("the server is there");
    let order = Order::new(None, rates(&[(SECOND, 1)]), 1, 1);
    let error = buckets.take(order).await.expect_err("it is a list");
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_rate_beyond_a_century_is_an_error() {
    let order = order("one", &rates(&[(366 * DAY, 1_000)]), 1, 1);
    let error = Own::new().buckets().take(order).await.expect_err("that is a millennium");
    assert!(error.to_string().contains("out of range"), "{error}");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn members_are_those_who_came_of_late() {
    let (own, other) = (Own::new(), Own::new());
    let fleet = [own.buckets(), own.buckets(), own.buckets()];
    for (present, buckets) in fleet.iter().enumerate() {
        let members = buckets.members().await.expect("the server is there");
        assert_eq!(members, present + 1);
        assert_eq!(buckets.clone().members().await.expect("it is there"), members, "the same one");
    }
    assert_eq!(other.buckets().members().await.expect("the server is there"), 1);
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn members_from_long_ago_or_from_the_future_do_not_count() {
    let own = Own::new();
    let (key, mut connection) = (own.key("members"), own.connection());
    let (seconds, _): (u64, u64) =
        redis::cmd("TIME").query(&mut connection).expect("the server is there");
    for (name, second) in [("gone", seconds - 11), ("late", seconds + 3_600)] {
        let _: usize = connection.zadd(&key, name, second * 1_000).expect("the server is there");
    }
    assert_eq!(own.buckets().members().await.expect("the server is there"), 1);
    let ttl: u64 = connection.pttl(&key).expect("the server is there");
    assert!(ttl <= 10_000, "{ttl} ms");
}
