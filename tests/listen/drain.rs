//! The end of a server: first health says so, then calls go on for a while, then connections are told to go.

use std::time::Duration;

use tokio::net::TcpStream;
use watchword::grpc::Health;
use watchword::listen::{ListenAddress, Listener, Server, SocketAccess};

use crate::client::Client;
use crate::site::{self, Site};

const SETTINGS: &str = "{grpc: {address: '127.0.0.1:0'}, health: {address: '127.0.0.1:0'}, drain: 5s, shutdown_timeout: 60s}";

/// Of no meaning for TCP.
const ACCESS: SocketAccess = SocketAccess {
    mode: 0o600,
    group: None,
};

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

/// Keys that come during a drain would have taken a server that is about to end into service.
#[tokio::test]
async fn health_never_turns_back() {
    let (health, routes) = Health::new(&["a.Service"]).await;
    let listener = Listener::bind(&ListenAddress::Tcp(([127, 0, 0, 1], 0).into()), ACCESS).await;
    let limits = site::config(SETTINGS).server.grpc.limits;
    let server = Server::start(listener.unwrap(), None, routes, limits);
    let mut client = site::client(server.address().tcp().unwrap()).await;
    assert_eq!(client.health().await.unwrap(), NOT_SERVING);
    health.serving().await;
    assert_eq!(client.health().await.unwrap(), SERVING);
    health.stopping().await;
    assert_eq!(client.health().await.unwrap(), NOT_SERVING);
    health.serving().await;
    assert_eq!(client.health().await.unwrap(), NOT_SERVING);
}
