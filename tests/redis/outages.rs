//! A server that is flushed, frozen, gone and back: started for it.

use std::{sync::Arc, time::Duration};

use brownout::{Order, SharedBuckets, SharedRate, Taken, redis::RedisBuckets};
use redis::{Client, cluster::ClusterClient};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{DAY, MS, SECOND, order, rates, server::Server, take, units};

pub(crate) fn client(server: &Server) -> Client {
    Client::open(server.url()).expect("it is an address")
}

pub(crate) fn command(server: &Server, words: &[&str]) -> redis::Value {
    let mut connection = client(server).get_connection().expect("the server is there");
    redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).expect("it is a command")
}

pub(crate) fn one_a_day() -> Arc<[SharedRate]> {
    rates(&[(DAY, 1)])
}

/// An error, and soon: calls have a second each.
pub(crate) async fn fails_soon(buckets: &RedisBuckets, order: &Order) {
    let asked = Instant::now();
    let taken = buckets.take(order.clone()).await;
    assert!(taken.is_err(), "{taken:?}");
    assert!(asked.elapsed() < 3 * SECOND, "after {:?}", asked.elapsed());
}

/// The answer of who asks again and again.
pub(crate) async fn back(buckets: &RedisBuckets, order: &Order) -> Taken {
    let patience = Instant::now() + 60 * SECOND;
    loop {
        match buckets.take(order.clone()).await {
            Ok(taken) => return taken,
            Err(error) => assert!(Instant::now() < patience, "{error}"),
        }
        sleep(5 * MS).await;
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_server_without_the_script_is_given_it() {
    let server = Server::start(&[]).expect("redis-server is installed");
    let (buckets, order) =
        (RedisBuckets::new(client(&server), "shop"), order("one", &one_a_day(), 1, 1));
    assert_eq!(units(&take(&buckets, &order).await), Some(1));
    command(&server, &["SCRIPT", "FLUSH"]);
    assert_eq!(units(&take(&buckets, &order).await), None, "what was taken is known");
    command(&server, &["SCRIPT", "FLUSH"]);
    assert_eq!(buckets.members().await.expect("the server is there"), 1);
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_user_of_its_own_needs_no_more_than_what_is_documented() {
    let server = Server::start(&[]).expect("redis-server is installed");
    let user = "ACL SETUSER quotas on >secret ~brownout:* +evalsha +script|load +time +get +set \
                +zadd +zremrangebyscore +pexpire +zcard";
    command(&server, &user.split_whitespace().collect::<Vec<_>>());
    let url = server.url().replace("//", "//quotas:secret@");
    let buckets = RedisBuckets::new(Client::open(url).expect("it is an address"), "shop");
    assert_eq!(units(&take(&buckets, &order("one", &one_a_day(), 1, 1)).await), Some(1));
    assert_eq!(buckets.members().await.expect("it is allowed to"), 1);
    assert!(!format!("{buckets:?}").contains("secret"));
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_flushed_server_begins_afresh() {
    let server = Server::start(&[]).expect("redis-server is installed");
    let (buckets, order) =
        (RedisBuckets::new(client(&server), "shop"), order("one", &one_a_day(), 1, 1));
    for _ in 0..3 {
        assert_eq!(units(&take(&buckets, &order).await), Some(1));
        assert_eq!(units(&take(&buckets, &order).await), None);
        command(&server, &["FLUSHALL"]);
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn it_begins_without_a_server_and_is_there_when_the_server_is() {
    let mut server = Server::start(&[]).expect("redis-server is installed");
    let (buckets, order) =
        (RedisBuckets::new(client(&server), "shop"), order("one", &one_a_day(), 1, 1));
    server.crash().expect("it is ours");
    fails_soon(&buckets, &order).await;
    fails_soon(&buckets, &order).await;
    server.restart().expect("it is ours");
    assert_eq!(units(&back(&buckets, &order).await), Some(1));
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_crash_is_an_error_and_the_next_server_is_found() {
    let mut server = Server::start(&[]).expect("redis-server is installed");
    let (buckets, order) =
        (RedisBuckets::new(client(&server), "shop"), order("one", &one_a_day(), 1, 1));
    for _ in 0..2 {
        assert_eq!(units(&back(&buckets, &order).await), Some(1));
        server.crash().expect("it is ours");
        fails_soon(&buckets, &order).await;
        fails_soon(&buckets, &order).await;
        server.restart().expect("it is ours");
    }
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_frozen_server_is_an_error_and_no_queue() {
    let server = Server::start(&[]).expect("redis-server is installed");
    let (buckets, order) =
        (RedisBuckets::new(client(&server), "shop"), order("one", &one_a_day(), 1, 1));
    assert_eq!(units(&take(&buckets, &order).await), Some(1));
    server.freeze().expect("it is ours");
    let mut crowd = JoinSet::new();
    for _ in 0..3_000 {
        let (buckets, order) = (buckets.clone(), order.clone());
        crowd.spawn(async move { fails_soon(&buckets, &order).await });
    }
    crowd.join_all().await;
    server.thaw().expect("it is ours");
    assert_eq!(units(&back(&buckets, &order).await), None, "the same server, and nothing is lost");
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_call_that_was_given_up_does_no_harm_to_the_next() {
    let server = Server::start(&[]).expect("redis-server is installed");
    let (buckets, rates) = (RedisBuckets::new(client(&server), "shop"), rates(&[(DAY, 1_000)]));
    for given_up in 0..200 {
        let call = buckets.take(order("one", &rates, 1, 1));
        let _ = tokio::time::timeout(Duration::from_micros(given_up), call).await;
        let own = order(&given_up.to_string(), &rates, 7, 7);
        assert_eq!(units(&take(&buckets, &own).await), Some(7), "its own answer");
    }
}

const CLUSTER: &[&str] = &["--cluster-enabled", "yes", "--cluster-node-timeout", "500"];

fn cluster() -> Server {
    let server = Server::start(CLUSTER).expect("redis-server is installed");
    command(&server, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    server
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn on_a_cluster_each_bucket_is_where_it_belongs() {
    let server = cluster();
    let cluster = ClusterClient::new([server.url()]).expect("it is an address");
    let (buckets, rates) = (RedisBuckets::cluster(cluster, "shop"), rates(&[(DAY, 2), (DAY, 3)]));
    for client in 0..50 {
        // Of keys in several slots, the server would have refused a script.
        let taken = back(&buckets, &order(&client.to_string(), &rates, 2, 2)).await;
        assert_eq!(units(&taken), Some(2));
    }
    assert_eq!(units(&take(&buckets, &order("7", &rates, 1, 1)).await), None);
    assert_eq!(buckets.members().await.expect("the server is there"), 1);
    let redis::Value::Int(keys) = command(&server, &["DBSIZE"]) else { panic!("it is a number") };
    assert_eq!(keys, 51);
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn a_cluster_that_crashes_is_an_error_and_is_found_again() {
    let mut server = cluster();
    let client = ClusterClient::new([server.url()]).expect("it is an address");
    let (buckets, order) =
        (RedisBuckets::cluster(client, "shop"), order("one", &one_a_day(), 1, 1));
    assert_eq!(units(&back(&buckets, &order).await), Some(1));
    server.crash().expect("it is ours");
    fails_soon(&buckets, &order).await;
    server.restart().expect("it is ours");
    assert_eq!(units(&back(&buckets, &order).await), Some(1), "its folder knows the cluster");
}
