//! The key server does what its methods say, good and bad.

mod bodies;
mod cues;
mod presence;
mod transports;

use std::time::Duration;

use reqwest::{Client, Response};
use rustls::ClientConfig;
use watchword_test_support::key_server::deadline::{TIMEOUT, within};
use watchword_test_support::key_server::record::Record;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::pki::{self, Identity};

const SET: &str = r#"{"keys":[]}"#;

/// Trusts the authority alone, and follows redirects.
fn client() -> Client {
    client_of(None)
}

fn client_of(identity: Option<&Identity>) -> Client {
    let config = ClientConfig::builder_with_provider(pki::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(pki::roots());
    let config = match identity {
        Some(identity) => config
            .with_client_auth_cert(identity.chain(), identity.private_key())
            .unwrap(),
        None => config.with_no_client_auth(),
    };
    let client = Client::builder().tls_backend_preconfigured(config);
    client.no_proxy().build().unwrap()
}

/// The whole answer of a new client.
async fn fetch(server: &KeyServer) -> Result<String, reqwest::Error> {
    let answer = async { client().get(server.uri()).send().await?.text().await };
    within(TIMEOUT, answer).await.unwrap()
}

async fn response(server: &KeyServer) -> Response {
    client().get(server.uri()).send().await.unwrap()
}

/// All that is known of a failure.
async fn failure(server: &KeyServer) -> String {
    causes(&fetch(server).await.unwrap_err())
}

/// The causes of an error are in its debug form already.
fn causes(error: &reqwest::Error) -> String {
    format!("{error:?}")
}

#[tokio::test]
async fn a_good_reply_arrives_over_tls_and_is_counted() {
    let server = KeyServer::start(Reply::ok(SET).with("etag", "\"v1\""));
    let response = response(&server).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["etag"], "\"v1\"");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.text().await.unwrap(), SET);
    server.completed_reach(1).await;
    assert_eq!(
        (server.connections(), server.requests(), server.abandoned()),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_request_is_remembered_as_it_came() {
    let server = KeyServer::start(Reply::ok(SET));
    let request = client().get(server.uri_of("/keys?tenant=a"));
    let request = request.header("If-None-Match", "\"v1\"");
    request.send().await.unwrap();
    let request = server.last_request();
    assert_eq!((&*request.method, &*request.path), ("GET", "/keys"));
    assert_eq!(request.query.as_deref(), Some("tenant=a"));
    assert_eq!(request.header("if-none-match"), Some("\"v1\""));
    assert_eq!(request.header("authorization"), None);
    assert!(!request.with_client_certificate);
}

#[tokio::test]
async fn a_path_has_its_own_reply_and_its_own_count() {
    let server = KeyServer::start(Reply::ok(SET));
    let discovery = "/.well-known/openid-configuration";
    server.reply_at(discovery, Reply::ok("{}"));
    let uri = server.uri_of(discovery);
    let there = client().get(uri).send().await.unwrap();
    assert_eq!(there.text().await.unwrap(), "{}");
    assert_eq!(fetch(&server).await.unwrap(), SET);
    server.requests_at_reach(discovery, 1).await;
    assert_eq!((server.requests_at(discovery), server.requests()), (1, 2));
    assert_eq!(server.recorded()[0].path, discovery);
}

#[tokio::test]
async fn a_connection_is_kept_only_where_the_reply_says_so() {
    for (reply, connections) in [(Reply::ok(SET), 2), (Reply::ok(SET).keep_alive(), 1)] {
        let server = KeyServer::start(reply);
        let client = client();
        for _ in 0..2 {
            let response = client.get(server.uri()).send().await.unwrap();
            assert_eq!(response.text().await.unwrap(), SET);
        }
        assert_eq!(server.connections(), connections);
    }
}

#[tokio::test]
async fn waiting_for_what_never_comes_ends() {
    let never = std::future::pending::<()>();
    assert!(within(Duration::from_millis(20), never).await.is_none());
    let now = std::future::ready(7);
    assert_eq!(within(Duration::ZERO, now).await, Some(7));
}

#[tokio::test]
#[should_panic(expected = "for 2 requests, and there are 0")]
async fn a_wait_that_fails_says_what_was_missing() {
    let record = Record::default();
    let no_time = Duration::from_millis(20);
    let count = watchword_test_support::key_server::record::Events::requests;
    record.reaches(no_time, 2, "requests", count).await;
}
