//! A server behind a network on which things go wrong, and one that refuses: started for it.

use std::time::Duration;

use brownout::{SharedBuckets, redis::RedisBuckets};
use redis::Client;
use tokio::time::Instant;

use super::{
    MS, SECOND, order,
    outages::{back, client, command, fails_soon, one_a_day},
    proxy::{Loss, Proxy, Way},
    rates,
    server::Server,
    take, units,
};

struct Remote {
    _server: Server,
    proxy: Proxy,
    buckets: RedisBuckets,
}

async fn remote() -> Remote {
    let server = Server::start(&[]).expect("redis-server is installed");
    let proxy = Proxy::before(&server.url()).await.expect("a port is free");
    let buckets = RedisBuckets::open(&proxy.url, "shop").expect("it is an address");
    Remote { _server: server, proxy, buckets }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_slow_network_costs_its_time_and_nothing_else() {
    let Remote { proxy, buckets, .. } = &remote().await;
    let order = order("one", &one_a_day(), 1, 1);
    assert_eq!(units(&take(buckets, &order).await), Some(1));
    proxy.set(Way::Slow(50 * MS));
    let asked = Instant::now();
    assert_eq!(units(&take(buckets, &order).await), None);
    assert!(asked.elapsed() >= 100 * MS);
}

/// A call that ends in an error may have taken the units: so no more are ever told of than
/// there are.
#[tokio::test]
#[ignore = "needs Redis"]
async fn a_network_that_loses_makes_no_more_of_a_bucket() {
    let Remote { proxy, buckets, .. } = &remote().await;
    let order = order("one", &rates(&[(super::DAY, 20)]), 1, 1);
    assert_eq!(units(&back(buckets, &order).await), Some(1));
    proxy.set(Way::Lossy(Loss { lost: 0.02, reset: 0.1 }));
    let (mut taken, mut errors) = (1, 0);
    for _ in 0..60 {
        match buckets.take(order.clone()).await {
            Ok(answer) => taken += units(&answer).unwrap_or_default(),
            Err(_) => errors += 1,
        }
    }
    proxy.set(Way::Clear);
    assert!(taken <= 20, "{taken}");
    assert!(errors > 0, "it was lost");
    back(buckets, &order).await;
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_server_that_refuses_connections_is_an_error_until_it_takes_them() {
    let Remote { proxy, buckets, .. } = &remote().await;
    let order = order("one", &one_a_day(), 1, 1);
    assert_eq!(units(&take(buckets, &order).await), Some(1));
    proxy.set(Way::Closed);
    proxy.cut();
    fails_soon(buckets, &order).await;
    fails_soon(buckets, &order).await;
    proxy.set(Way::Clear);
    assert_eq!(units(&back(buckets, &order).await), None, "the same server, and nothing is lost");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_silent_network_is_an_error_until_it_says_all_of_it() {
    let Remote { proxy, buckets, .. } = &remote().await;
    let order = order("one", &one_a_day(), 1, 1);
    assert_eq!(units(&take(buckets, &order).await), Some(1));
    proxy.set(Way::Silent);
    fails_soon(buckets, &order).await;
    proxy.set(Way::Clear);
    assert_eq!(units(&back(buckets, &order).await), None);
}

/// The far end acknowledges what it is sent and answers nothing, so that no timeout of TCP
/// ever ends it. Who asks has little time, as a fleet's requests have.
#[tokio::test]
#[ignore = "needs Redis"]
async fn a_connection_that_is_half_open_is_replaced() {
    let Remote { proxy, buckets, .. } = &remote().await;
    let order = order("one", &one_a_day(), 1, 1);
    assert_eq!(units(&take(buckets, &order).await), Some(1));
    proxy.forget();
    let (asked, patience) = (Instant::now(), Duration::from_secs(30));
    let found = loop {
        let call = tokio::time::timeout(20 * MS, buckets.take(order.clone()));
        if let Ok(Ok(taken)) = call.await {
            break taken;
        }
        assert!(asked.elapsed() < patience, "it is not replaced");
        tokio::time::sleep(20 * MS).await;
    };
    assert_eq!(units(&found), None, "the same server, and nothing is lost");
    assert!(asked.elapsed() >= SECOND, "one that is slow is not replaced at once");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn another_password_is_an_error_until_it_is_the_old_one() {
    let server = Server::start(&[]).expect("redis-server is installed");
    let rules = "+@all ~* on";
    let set = |password: &str| {
        let words = format!("ACL SETUSER shop resetpass >{password} {rules}");
        command(&server, &words.split_whitespace().collect::<Vec<_>>());
    };
    set("open");
    let url = server.url().replace("//", "//shop:open@");
    let buckets = RedisBuckets::new(Client::open(url).expect("it is an address"), "shop");
    let order = order("one", &one_a_day(), 1, 1);
    assert_eq!(units(&take(&buckets, &order).await), Some(1));
    set("another");
    command(&server, &["CLIENT", "KILL", "USER", "shop"]);
    fails_soon(&buckets, &order).await;
    let error = buckets.take(order.clone()).await.expect_err("it is not let in");
    assert!(error.to_string().to_lowercase().contains("password"), "{error}");
    set("open");
    assert_eq!(units(&back(&buckets, &order).await), None, "the same server, and nothing is lost");
}

/// Redis is told to use no more memory than it does already, and to throw nothing away.
#[tokio::test]
#[ignore = "needs Redis"]
async fn a_server_without_memory_is_an_error_for_new_debts_until_it_has_some() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]).expect("it is installed");
    let buckets = RedisBuckets::new(client(&server), "shop");
    let old = order("old", &one_a_day(), 1, 1);
    assert_eq!(units(&take(&buckets, &old).await), Some(1));
    command(&server, &["CONFIG", "SET", "maxmemory", "1"]);
    let new = order("new", &one_a_day(), 1, 1);
    let error = buckets.take(new.clone()).await.expect_err("it cannot be written down");
    assert!(error.to_string().contains("maxmemory"), "{error}");
    command(&server, &["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(units(&take(&buckets, &new).await), Some(1), "what failed has taken nothing");
    assert_eq!(units(&take(&buckets, &old).await), None, "nothing was thrown away");
}
