//! The end of a server: first health says so, then calls go on for a while, then connections are
//! told to go.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use watchword::grpc::{Health, Methods};
use watchword::listen::{ListenAddress, Listener, Server, SocketAccess};

use crate::client::Client;
use crate::site::{self, Site};

const SETTINGS: &str = "{grpc: {address: '127.0.0.1:0'}, health: {address: '127.0.0.1:0'}, \
    drain: 5s, shutdown_timeout: 60s}";

/// Of no meaning for TCP.
const ACCESS: SocketAccess = SocketAccess {
    mode: 0o600,
    group: None,
};

/// A frame's type, and the flag of its answer (RFC 9113 §6.7).
const PING: u8 = 6;
const ACK: u8 = 1;

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_server_answers_while_its_health_says_not_serving() {
    let site = Site::start(SETTINGS).await;
    let mut probe = site::client(site.app.health_address().unwrap()).await;
    let mut client = site.client().await;
    let healthy = async || probe.health().await.unwrap() == SERVING;
    site::eventually("health", healthy).await;
    {
        let mut drain = Box::pin(site.app.drain());
        let rest = async {
            // Once health has turned, on both listeners, everything else is as before.
            while client.health().await.unwrap() != NOT_SERVING {}
            assert_eq!(probe.health().await.unwrap(), NOT_SERVING);
            assert_eq!(client.check(&site::token()).await.unwrap(), 0);
            assert_eq!(site.client().await.check(&site::token()).await.unwrap(), 0);
            site.clock.advance(Duration::from_millis(4999));
            assert_eq!(client.check(&site::token()).await.unwrap(), 0);
        };
        tokio::select! {
            () = &mut drain => panic!("the drain ended early"),
            () = rest => {}
        }
        site.clock.advance(Duration::from_millis(1));
        drain.await;
    }
    assert!(site.app.stop().await);
    client.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_are_answered_after_new_connections_are_refused() {
    let site = Site::start(SETTINGS).await;
    let address = site.app.address();
    let mut client = site.client().await;
    let half = client.begin().await;
    let stop = tokio::spawn(site.app.stop());
    client.told_to_go().await;
    let refused = async || match TcpStream::connect(address).await {
        Err(_) => true,
        Ok(stream) => Client::over(stream).await.is_err(),
    };
    site::eventually("refusal", refused).await;
    assert!(!stop.is_finished());
    assert_eq!(half.finish(&site::token()).await.unwrap(), 0);
    assert!(stop.await.unwrap());
    client.ended().await;
}

/// A connection that is closed while the client sends is reset, and what was on its way to the
/// client is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_send_until_it_has_read_to_the_end() {
    let site = Site::start(SETTINGS).await;
    let mut stream = TcpStream::connect(site.app.address()).await.unwrap();
    // The preface of RFC 9113 §3.4, and the frames that a stop waits for: SETTINGS, and the answer
    // to its PING.
    let opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(opening).await.unwrap();
    let stop = tokio::spawn(site.app.stop());
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            break;
        }
        let mut payload = vec![0; usize::from(head[2])];
        stream.read_exact(&mut payload).await.unwrap();
        if head[3] == PING {
            head[4] = ACK;
            let answer = [&head[..], &payload].concat();
            stream.write_all(&answer).await.unwrap();
        }
    }
    for _ in 0..3 {
        stream.write_all(b"anything").await.unwrap();
    }
    assert!(!stop.is_finished());
    drop(stream);
    assert!(stop.await.unwrap());
}

/// Keys that come during a drain would have taken a server that is about to end into service.
#[tokio::test]
async fn health_never_turns_back() {
    let (health, routes) = Health::new(&["a.Service"]).await;
    let listener = Listener::bind(&ListenAddress::Tcp(([127, 0, 0, 1], 0).into()), ACCESS).await;
    let limits = site::config(SETTINGS).server.grpc.limits;
    let bounds = site::bounds(limits);
    let methods = Arc::new(Methods::of_health(routes));
    let server = Server::start(listener.unwrap(), None, methods, bounds);
    let mut client = site::client(server.address().tcp().unwrap()).await;
    assert_eq!(client.health().await.unwrap(), NOT_SERVING);
    health.serving().await;
    assert_eq!(client.health().await.unwrap(), SERVING);
    health.stopping().await;
    assert_eq!(client.health().await.unwrap(), NOT_SERVING);
    health.serving().await;
    assert_eq!(client.health().await.unwrap(), NOT_SERVING);
}
