//! Probes: the listener for health, and `watchword health`.

use std::process::Output;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::process::Command;
use watchword_test_support::pki::{self, Identity};

use crate::client::{self, Client, PATIENCE};
use crate::site::{self, Site};
use crate::tls;

const SERVING: i32 = 1;

async fn health(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchword"));
    command
        .arg("health")
        .args(arguments)
        .output()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_answered_in_plaintext_beside_tls_and_nothing_else_is() {
    let tls = tls::settings("beside", &Identity::server(), &tls::client_ca());
    let site = Site::start(&format!(
        "{{grpc: {{address: '127.0.0.1:0', tls: {tls}}}, health: {{address: '127.0.0.1:0'}}}}"
    ))
    .await;
    let mut probe = site::client(site.app.health_address().unwrap()).await;
    site::eventually("health", async || probe.health().await.unwrap() == SERVING).await;
    let check = probe.call(client::CHECK, Bytes::new(), &[]).await;
    assert!(check.unwrap().is_empty(), "no check is answered here");
    assert!(site.app.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_connections_for_probes_keeps_no_probe_out() {
    let site =
        Site::start("{grpc: {address: '127.0.0.1:0'}, health: {address: '127.0.0.1:0'}}").await;
    let address = site.app.health_address().unwrap();
    let mut probes = Vec::new();
    for _ in 0..128 {
        let mut probe = site::client(address).await;
        probe.health().await.unwrap();
        probes.push(probe);
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let mut one_more = Client::over(stream).await.unwrap();
    assert!(one_more.health().await.is_ok());
    // The one of least use goes, which on a slow machine is not always the first.
    let told = async {
        loop {
            for (i, probe) in probes.iter_mut().enumerate() {
                if probe.health().await.is_err() {
                    return i;
                }
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    probes.remove(told.expect("one is told to go in time"));
    for probe in &mut probes {
        assert!(probe.health().await.is_ok());
    }
    assert_eq!(site.client().await.check(&site::token()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_asks_over_a_socket() {
    let path = site::path("probe");
    let address = format!("unix:{}", path.display());
    let site = Site::start(&format!("{{grpc: {{address: '{address}'}}}}")).await;
    site::eventually("health", async || {
        health(&[&address]).await.status.success()
    })
    .await;
    assert!(site.app.stop().await);
    let output = health(&[&address]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        output
            .stderr
            .starts_with(format!("no answer from {address}").as_bytes())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_asks_over_tls() {
    let tls = tls::settings("asked", &Identity::server(), "");
    let site = Site::start(&format!("{{grpc: {{address: '127.0.0.1:0', tls: {tls}}}}}")).await;
    let address = site.app.address().to_string();
    let port = site.app.address().port();
    let named = format!("localhost:{port}");
    let (ca, other) = (pki::ca_file(), pki::stranger_ca_file());
    let (ca, other) = (ca.to_str().unwrap(), other.to_str().unwrap());
    let asked = async |arguments: &[&str]| health(arguments).await.status.success();
    site::eventually("health", async || asked(&[&named, "--tls-ca", ca]).await).await;
    assert!(asked(&[&address, "--tls-ca", ca, "--tls-name", "localhost"]).await);
    assert!(!asked(&[&address, "--tls-ca", ca, "--tls-name", "other.example"]).await);
    assert!(!asked(&[&address, "--tls-ca", other, "--tls-name", "localhost"]).await);
    let plaintext = health(&[&address]).await;
    assert_eq!(
        String::from_utf8_lossy(&plaintext.stderr),
        format!("{address} uses TLS: name its certificate authority's file with --tls-ca\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_that_a_server_does_not_use_tls() {
    let site = Site::start("{grpc: {address: '127.0.0.1:0'}}").await;
    let address = site.app.address().to_string();
    let ca = pki::ca_file();
    let output = health(&[&address, "--tls-ca", ca.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("{address} does not use TLS: leave out --tls-ca\n")
    );
}

/// A server that waits for keys would gain nothing by being killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_keys_lives_and_is_not_ready() {
    let site = Site::without_keys().await;
    let address = site.app.address().to_string();
    let alive = health(&[&address, "--service", "live"]).await;
    assert!(alive.status.success(), "{alive:?}");
    let ready = health(&[&address]).await;
    assert_eq!(ready.status.code(), Some(1));
    assert_eq!(ready.stderr, b"NOT_SERVING\n");
    let unknown = health(&[&address, "--service", "another"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    let message = String::from_utf8_lossy(&unknown.stderr);
    let expected = format!("{address} has no service \"another\": ask about live, envoy.service");
    assert!(message.starts_with(&expected), "{message}");
}
