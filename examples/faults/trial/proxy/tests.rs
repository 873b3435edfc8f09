use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::*;

const SOON: Duration = Duration::from_millis(50);

/// A server that says what it hears, behind a proxy.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let server = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = client.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    Proxy::before(&format!("echo://user:word@{server}/there")).await.expect("a port is free")
}

async fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
    TcpStream::connect(authority(&proxy.url).expect("it has one")).await
}

/// What a client hears when it has said a word.
async fn ask(client: &mut TcpStream) -> io::Result<[u8; 4]> {
    client.write_all(b"word").await?;
    let mut heard = [0; 4];
    client.read_exact(&mut heard).await?;
    Ok(heard)
}

#[tokio::test]
async fn it_stands_where_the_server_stood_in_the_address() {
    let proxy = echo().await;
    assert!(proxy.url.starts_with("echo://user:word@127.0.0.1:"), "{}", proxy.url);
    assert!(proxy.url.ends_with("/there"), "{}", proxy.url);
    let mut client = connect(&proxy).await.expect("it listens");
    assert_eq!(ask(&mut client).await.expect("it is clear"), *b"word");
    assert!(Proxy::before("echo://server/there").await.is_err(), "a name is no number");
}

#[tokio::test]
async fn a_slow_way_takes_so_much_longer_there_and_back() {
    let proxy = echo().await;
    proxy.set(Way::Slow(SOON));
    let mut client = connect(&proxy).await.expect("it listens");
    let asked = Instant::now();
    assert_eq!(ask(&mut client).await.expect("nothing is lost"), *b"word");
    assert!(asked.elapsed() >= 2 * SOON, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn what_is_lost_comes_again_and_what_is_reset_does_not() {
    let proxy = echo().await;
    let mut client = connect(&proxy).await.expect("it listens");
    proxy.set(Way::Lossy(Loss { lost: 1.0, reset: 0.0 }));
    let asked = Instant::now();
    assert_eq!(ask(&mut client).await.expect("it comes again"), *b"word");
    assert!(asked.elapsed() >= Duration::from_millis(2 * (200 + 400 + 800)));
    proxy.set(Way::Lossy(Loss { lost: 0.0, reset: 1.0 }));
    let error = ask(&mut client).await.expect_err("it is reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_silent_way_says_nothing_and_then_all_of_it() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await.expect("it listens");
    ask(&mut old).await.expect("it is clear");
    proxy.set(Way::Silent);
    let mut new = connect(&proxy).await.expect("it takes connections all the same");
    let mut asked = Box::pin(async { tokio::try_join!(ask(&mut old), ask(&mut new)) });
    assert!(timeout(SOON, &mut asked).await.is_err(), "neither answer nor end");
    proxy.set(Way::Clear);
    assert_eq!(asked.await.expect("nothing is lost"), (*b"word", *b"word"));
}

#[tokio::test]
async fn a_mute_way_lets_the_server_hear_and_holds_back_what_it_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("say://{}", listener.local_addr().expect("it is bound"));
    let proxy = Proxy::before(&url).await.expect("a port is free");
    let mut client = connect(&proxy).await.expect("it listens");
    let (mut server, _) = listener.accept().await.expect("it comes through");
    proxy.set(Way::Mute);
    client.write_all(b"?").await.expect("it is taken");
    assert_eq!(server.read_u8().await.expect("it is heard"), b'?');
    server.write_all(b"!").await.expect("it is taken");
    assert!(timeout(SOON, client.read_u8()).await.is_err(), "neither answer nor end");
    proxy.set(Way::Clear);
    assert_eq!(client.read_u8().await.expect("nothing is lost"), b'!');
}

#[tokio::test]
async fn connections_that_are_forgotten_are_silent_until_they_are_cut() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await.expect("it listens");
    ask(&mut old).await.expect("it is clear");
    proxy.forget();
    assert!(timeout(SOON, ask(&mut old)).await.is_err(), "neither answer nor end");
    let mut new = connect(&proxy).await.expect("it listens");
    assert_eq!(ask(&mut new).await.expect("it is a new one"), *b"word");
    proxy.cut();
    let error = old.read_u8().await.expect_err("it is reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(new.read_u8().await.is_err(), "it was there, too");
}

#[tokio::test]
async fn a_closed_way_refuses_until_it_is_open_again() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await.expect("it listens");
    ask(&mut old).await.expect("it is clear");
    proxy.set(Way::Closed);
    // It takes a moment until the listener is gone.
    within_ten_seconds(async {
        while !matches!(connect(&proxy).await, Err(error) if error.kind() == REFUSED) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(ask(&mut old).await.expect("it stays"), *b"word");
    proxy.set(Way::Clear);
    let mut new = within_ten_seconds(async {
        loop {
            match connect(&proxy).await {
                Ok(client) => break client,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    assert_eq!(ask(&mut new).await.expect("it is clear"), *b"word");
}

async fn within_ten_seconds<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), work).await.expect("it does not take that long")
}

const REFUSED: io::ErrorKind = io::ErrorKind::ConnectionRefused;
