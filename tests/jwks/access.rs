//! The credentials that Watchword shows to key servers: certificates, headers and files, read for
//! each fetch.

use std::fs;

use watchword_test_support::key_server::{KeyServer, Transport};
use watchword_test_support::mint::Signer;
use watchword_test_support::pki::{self, Identity};

use crate::say;
use crate::settings::{folder, issuer, key_set, keys_at, keys_of, token};
use crate::site::Site;

#[tokio::test]
async fn a_client_certificate_opens_a_server_that_asks_for_one() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    server.use_transport(Transport::mutual_tls(&Identity::server()));
    let (certificate, key) = Identity::client().pem_files("access-client");
    let shown = format!(
        "client_certificate: '{}', client_key: '{}'",
        certificate.display(),
        key.display()
    );
    let site = Site::start(&[issuer("corp", &keys_of(&server, &shown))]).await;
    site.fetched(1).await;
    assert_eq!(site.check(&token(&signer)).await, "allowed");
    assert!(server.last_request().with_client_certificate);

    // Rotated in place: a certificate that the server does not know any more.
    let (other, other_key) = Identity::stranger_client().pem_files("access-stranger");
    fs::copy(other, certificate).unwrap();
    fs::copy(other_key, key).unwrap();
    site.next_fetch().await;
    let source = site.source();
    assert_eq!(source.fetches["request"], 1, "{source:?}");
    assert_eq!(site.check(&token(&signer)).await, "allowed", "the old set");

    let without = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    without.fetched(1).await;
    assert_eq!(without.check(&token(&signer)).await, "jwks_unavailable");
    say("client certificate: shown, and rotated in place; without one, 503");
}

#[tokio::test]
async fn an_authority_is_trusted_instead_of_others_and_is_read_anew() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let ca = folder("access-ca").join("ca.pem");
    fs::copy(pki::stranger_ca_file(), &ca).unwrap();
    let jwks = format!("uri: '{}', ca: '{}'", server.uri(), ca.display());
    let site = Site::start(&[issuer("corp", &jwks)]).await;
    site.fetched(1).await;
    assert_eq!(site.check(&token(&signer)).await, "jwks_unavailable");
    fs::copy(pki::ca_file(), &ca).unwrap();
    site.next_fetch().await;
    assert_eq!(site.check(&token(&signer)).await, "allowed");

    let of_system = format!("uri: '{}'", server.uri());
    let site = Site::start(&[issuer("corp", &of_system)]).await;
    site.fetched(1).await;
    assert_eq!(site.check(&token(&signer)).await, "jwks_unavailable");
}

#[tokio::test]
async fn headers_are_sent_to_the_key_server_and_to_nobody_else() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let jwks = keys_of(&server, "headers: {X-Api-Key: s3cret, x-tenant: a}");
    let site = Site::start(&[issuer("corp", &jwks)]).await;
    site.fetched(1).await;
    let request = server.last_request();
    assert_eq!(request.header("x-api-key"), Some("s3cret"));
    assert_eq!(request.header("x-tenant"), Some("a"));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    let agent = request.header("user-agent").unwrap();
    assert!(agent.starts_with("watchword/"), "{agent}");
    assert!(!format!("{:?}", site.source()).contains("s3cret"));
}

#[tokio::test]
async fn a_name_and_password_are_sent_and_the_password_is_read_anew() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let file = folder("access-basic").join("password");
    fs::write(&file, "open sesame\n").unwrap();
    let basic = format!(
        "basic: {{username: watchword, password_file: '{}'}}",
        file.display()
    );
    let site = Site::start(&[issuer("corp", &keys_of(&server, &basic))]).await;
    site.fetched(1).await;
    let sent = |request: watchword_test_support::key_server::record::Request| {
        request.header("authorization").map(str::to_owned).unwrap()
    };
    assert_eq!(
        sent(server.last_request()),
        "Basic d2F0Y2h3b3JkOm9wZW4gc2VzYW1l"
    );
    fs::write(&file, "new").unwrap();
    site.next_fetch().await;
    assert_eq!(sent(server.last_request()), "Basic d2F0Y2h3b3JkOm5ldw==");
}

#[tokio::test]
async fn a_bearer_token_is_read_anew_for_each_fetch_and_its_loss_costs_no_keys() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let file = folder("access-bearer").join("token");
    let bearer = format!("bearer_token_file: '{}'", file.display());
    fs::write(&file, "first\n").unwrap();
    let site = Site::start(&[issuer("corp", &keys_at(&server.uri(), &bearer))]).await;
    site.fetched(1).await;
    for token in ["second", "third"] {
        fs::write(&file, token).unwrap();
        site.next_fetch().await;
    }
    let sent: Vec<String> = server
        .recorded()
        .iter()
        .filter_map(|request| request.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(sent, ["Bearer first", "Bearer second", "Bearer third"]);

    fs::remove_file(&file).unwrap();
    site.next_fetch().await;
    let source = site.source();
    let (_, error) = source.failure.unwrap();
    assert_eq!(source.fetches["file"], 1);
    assert!(error.contains(&*file.to_string_lossy()), "{error}");
    assert_eq!(server.requests(), 3, "none without the token");
    assert_eq!(site.check(&token(&signer)).await, "allowed");
    say(&format!(
        "bearer token: {} values in {} fetches",
        sent.len(),
        server.requests()
    ));
}
