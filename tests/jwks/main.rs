//! Keys from files and over HTTP: rotation, outages, and answers that are no key sets.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod harness;
#[path = "../support/key_server/server.rs"]
mod key_server;
#[path = "../support/mint.rs"]
mod mint;
#[path = "../support/pki.rs"]
mod pki;
mod site;

use std::sync::Arc;

use key_server::{KeyServer, Reply};
use mint::Signer;
use site::{Site, token, token_of};

fn key_set(signers: &[&Signer]) -> Reply {
    Reply::ok(mint::key_set(signers))
}

#[tokio::test]
async fn a_key_that_leaves_the_set_stops_verifying_and_a_new_one_starts() {
    let (old, new) = (
        Signer::generate("ES256", "old"),
        Signer::generate("ES256", "new"),
    );
    let server = KeyServer::start_plain(key_set(&[&old]));
    let site = Site::start(&[("corp", &server)]).await;
    site.app.ready().await;
    assert_eq!(site.check("/", &token(&old)).await, "allowed");
    assert_eq!(site.check("/", &token(&new)).await, "key_not_found");

    server.reply(key_set(&[&old, &new]));
    site.until("/", &token(&new), "allowed").await;
    assert_eq!(
        site.check("/", &token(&old)).await,
        "allowed",
        "both, while both are published"
    );

    server.reply(key_set(&[&new]));
    site.until("/", &token(&old), "key_not_found").await;
    assert_eq!(site.check("/", &token(&new)).await, "allowed");
    site.app.stop().await;
}

#[tokio::test]
async fn no_answer_that_is_not_a_good_set_replaces_a_good_one() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start_plain(key_set(&[&signer]));
    let site = Site::start(&[("corp", &server)]).await;
    site.app.ready().await;
    let token = site::token(&signer);
    let bad = [
        Reply::status(500).body("{}"),
        Reply::status(404).body(mint::key_set(&[&signer])),
        Reply::redirect(302, "http://127.0.0.1:1/keys"),
        Reply::html(),
        Reply::ok("{}"),
        Reply::ok(r#"{"keys":[]}"#),
        Reply::ok(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#),
        Reply::ok(format!("{{\"keys\":[{}]}}", " ".repeat(1024 * 1024))),
        Reply::hang_up(),
    ];
    for reply in bad {
        let name = reply.to_string();
        server.reply(reply);
        server.requests_more(2).await;
        assert_eq!(site.check("/", &token).await, "allowed", "{name}");
    }
    site.app.stop().await;
}

#[tokio::test]
async fn without_keys_the_answer_is_an_outage_and_comes_right_by_itself() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start_plain(Reply::hang_up());
    let site = Site::start(&[("corp", &server)]).await;
    server.requests_more(2).await;
    assert_eq!(site.check("/", &token(&signer)).await, "jwks_unavailable");
    assert_eq!(
        site.check("/", "not a token").await,
        "token_malformed",
        "what needs no key is told apart"
    );
    server.reply(key_set(&[&signer]));
    site.app.ready().await;
    assert_eq!(site.check("/", &token(&signer)).await, "allowed");
    site.app.stop().await;
}

#[tokio::test]
async fn one_bad_source_does_not_hurt_another_issuer() {
    let signer = Signer::generate("ES256", "k1");
    let (good, bad) = (
        KeyServer::start_plain(key_set(&[&signer])),
        KeyServer::start_plain(Reply::hang_up()),
    );
    let site = Site::start(&[("corp", &good), ("other", &bad)]).await;
    site.until("/", &token(&signer), "allowed").await;
    assert_eq!(
        site.check("/", &token_of("other", &signer)).await,
        "jwks_unavailable"
    );
    site.app.stop().await;
}

#[tokio::test]
async fn issuers_with_one_uri_share_its_fetches() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start_plain(key_set(&[&signer]));
    let site = Site::start_with("1h", &[("corp", &server), ("other", &server)]).await;
    site.app.ready().await;
    for issuer in ["corp", "other"] {
        assert_eq!(site.check("/", &token_of(issuer, &signer)).await, "allowed");
    }
    assert_eq!(server.requests(), 1);
    site.app.stop().await;
}

#[tokio::test]
async fn a_thousand_calls_cause_no_fetch() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start_plain(key_set(&[&signer]));
    let site = Arc::new(Site::start_with("1h", &[("corp", &server)]).await);
    site.app.ready().await;
    for index in 0..1000 {
        let stranger = signer.with_kid(&format!("unknown-{index}"));
        assert_eq!(site.check("/", &token(&stranger)).await, "key_not_found");
    }
    assert_eq!(server.requests(), 1);
}

/// What is remembered of a token is its signature, never a verdict: the same token is judged by each rule anew.
#[tokio::test]
async fn a_token_that_one_rule_accepted_is_judged_by_the_next_rule_again() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start_plain(key_set(&[&signer]));
    let site = Site::start_with("1h", &[("corp", &server)]).await;
    site.app.ready().await;
    let token = site::token(&signer);
    for _ in 0..2 {
        assert_eq!(site.check("/", &token).await, "allowed");
        assert_eq!(site.check("/admin/", &token).await, "insufficient_scope");
    }
    site.clock.set(site::NOW + 300 + 29);
    assert_eq!(site.check("/", &token).await, "allowed");
    site.clock.set(site::NOW + 300 + 30);
    assert_eq!(site.check("/", &token).await, "token_expired");
    site.clock.set(site::NOW);
    let spoilt = format!("{token}A");
    assert_ne!(site.check("/", &spoilt).await, "allowed");
}
