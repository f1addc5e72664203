//! A key server that is away, and comes back.

use std::io::ErrorKind;

use tokio::net::TcpSocket;

use super::{KeyServer, Reply, SET, client, failure, fetch};

#[tokio::test]
async fn a_server_that_is_down_refuses_and_comes_back_at_the_same_place() {
    let server = KeyServer::start(Reply::ok(SET));
    let uri = server.uri();
    for round in 1..=20 {
        assert_eq!(fetch(&server).await.unwrap(), SET);
        server.down().await;
        let error = failure(&server).await;
        assert!(error.contains("ConnectionRefused"), "{error}");
        assert_eq!((server.connections(), server.requests()), (round, round));
        server.up();
    }
    assert_eq!(server.uri(), uri);
    assert_eq!(fetch(&server).await.unwrap(), SET);
}

#[tokio::test]
async fn a_server_can_be_absent_from_the_start() {
    let server = KeyServer::absent(Reply::ok(SET));
    let error = failure(&server).await;
    assert!(error.contains("ConnectionRefused"), "{error}");
    server.up();
    assert_eq!(fetch(&server).await.unwrap(), SET);
}

#[tokio::test]
async fn going_down_or_up_twice_changes_nothing() {
    let server = KeyServer::start(Reply::ok(SET));
    server.down().await;
    server.down().await;
    server.up();
    server.up();
    assert_eq!(fetch(&server).await.unwrap(), SET);
}

#[tokio::test]
async fn going_down_ends_what_is_held_and_what_is_kept_open() {
    let server = KeyServer::start(Reply::ok(SET).keep_alive());
    let client = client();
    let kept = client.get(server.uri()).send().await.unwrap();
    assert_eq!(kept.text().await.unwrap(), SET);
    server.reply(Reply::ok(SET).held());
    let held = tokio::spawn(client.get(server.uri()).send());
    server.requests_reach(2).await;
    assert_eq!(server.connections(), 1, "the one that was kept");

    server.down().await;
    held.await.unwrap().unwrap_err();
    server.up();
    server.reply(Reply::ok(SET));
    let again = client.get(server.uri()).send().await.unwrap();
    assert_eq!(again.text().await.unwrap(), SET);
    assert_eq!(server.connections(), 2);
}

/// Otherwise another test's server may turn up where this test expects nobody.
#[tokio::test]
async fn the_port_of_a_server_that_is_down_is_not_free() {
    let server = KeyServer::start(Reply::ok(SET));
    let another = || TcpSocket::new_v4().unwrap().bind(server.address);
    for _ in 0..2 {
        assert_eq!(another().unwrap_err().kind(), ErrorKind::AddrInUse);
        server.down().await;
    }
    let address = server.address;
    drop(server);
    TcpSocket::new_v4().unwrap().bind(address).unwrap();
}

#[tokio::test]
async fn a_server_that_is_dropped_is_gone() {
    let server = KeyServer::start(Reply::ok(SET).withheld());
    let answer = client().get(server.uri()).send().await.unwrap();
    drop(server);
    answer.text().await.unwrap_err();
}
