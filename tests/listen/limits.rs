//! The limits of connections.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use watchword_test_support::http2::{Connection, DATA, END_STREAM, framed};

use crate::client::{CHECK, Client, PATIENCE};
use crate::site::{self, Site};

/// `SETTINGS_INITIAL_WINDOW_SIZE` (RFC 9113 §6.5.2).
const INITIAL_WINDOW_SIZE: u16 = 4;

async fn site(limits: &str) -> Site {
    Site::start(&format!("{{grpc: {{address: '127.0.0.1:0', {limits}}}}}")).await
}

/// A newcomer was turned away, so that strangers could keep out an Envoy that started.
#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_served_and_the_connection_idle_longest_is_told_to_go() {
    let site = site("max_connections: 2").await;
    let [mut used, mut idle] = [site.client().await, site.client().await];
    assert_eq!(idle.check(&site::token()).await.unwrap(), 0);
    // Uses are told apart by the millisecond.
    for _ in 0..20 {
        assert_eq!(used.check(&site::token()).await.unwrap(), 0);
    }
    let mut newcomer = site.client().await;
    assert_eq!(newcomer.check(&site::token()).await.unwrap(), 0);
    idle.told_to_go().await;
    assert_eq!(site.app.connections().refused(), 1);
    assert_eq!(used.check(&site::token()).await.unwrap(), 0);
    site::eventually("room", async || site.app.connections().open() == 2).await;
}

/// Of many that were accepted in a row, the first were closed before anybody had looked at them.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_come_together_are_all_served() {
    let site = site("max_connections: 200").await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(TcpStream::connect(site.app.address()).await.unwrap());
    }
    site::eventually("all of them", async || site.app.connections().open() == 200).await;
    for stream in clients {
        let mut client = Client::over(stream).await.unwrap();
        assert_eq!(client.check(&site::token()).await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_closed() {
    let site = site("max_connections: 1").await;
    let mut silent = TcpStream::connect(site.app.address()).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, silent.read(&mut [0])).await;
    assert!(matches!(closed.unwrap(), Ok(0) | Err(_)));
    assert_eq!(site.app.connections().never_opened(), 1);
}

/// tonic's own servers cut such a call, without having told anybody.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_is_told_to_go_and_its_call_is_answered() {
    let site = site("max_connection_age: 1s, max_connection_age_grace: 1h").await;
    let mut client = site.client().await;
    let half = client.begin().await;
    client.told_to_go().await;
    assert_eq!(half.finish(&site::token()).await.unwrap(), 0);
    client.ended().await;
    assert_eq!(site.client().await.check(&site::token()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_outlasts_the_grace_of_its_connection_is_cut() {
    let site = site("max_connection_age: 1s, max_connection_age_grace: 1s").await;
    let mut client = site.client().await;
    let half = client.begin().await;
    let cut = tokio::time::timeout(PATIENCE, half.cut()).await;
    assert!(cut.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_beyond_the_limit_is_refused() {
    let site = site("max_header_list_size: 16384").await;
    let mut client = site.client().await;
    for (size, status) in [(10_000, Some(200)), (20_000, Some(431))] {
        let value = "v".repeat(size);
        let metadata = [("x-trace", value.as_str())];
        let answer = client.status("/no.Such/Method", &metadata).await;
        assert_eq!(answer, status, "{size}");
    }
}

/// Each part of an answer is followed by two updates of windows, and no call is left to earn them.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_in_small_parts_gets_all_its_answers() {
    let site = site("").await;
    let address = site.app.address();
    let answered = spawn_blocking(move || {
        let mut connection = Connection::open(address, &[(INITIAL_WINDOW_SIZE, 100)]);
        let streams: Vec<u32> = (0..1024).map(|call| 2 * call + 1).collect();
        for stream in &streams {
            connection.start(*stream, CHECK, &[]);
            connection.frame(DATA, END_STREAM, *stream, &framed(0, &[]));
        }
        connection.read_until(PATIENCE, |connection| connection.are_over(&streams));
        let replies = connection.replies.values();
        replies.filter(|reply| reply.message().is_some()).count()
    });
    assert_eq!(answered.await.unwrap(), 1024);
}
