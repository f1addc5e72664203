//! Many requests at once, none of which fetches by itself.

use std::time::Duration;

use tokio::task::JoinSet;
use watchword_test_support::key_server::KeyServer;
use watchword_test_support::mint::Signer;

use crate::call::{self, Client};
use crate::say;
use crate::settings::{issuer, key_set, keys_of, token};
use crate::site::{Site, eventually};

const CROWD: usize = 1000;
/// A connection carries about a thousand calls at most.
const CONNECTIONS: usize = 4;

#[tokio::test]
async fn a_thousand_first_requests_wait_for_one_fetch_and_are_all_allowed() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]).held());
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    server.requests_reach(1).await;
    let calls = crowd(&site, &token(&signer)).await;
    eventually("all calls", || site.app.in_flight() == CROWD).await;
    assert_eq!((site.fetches(), server.requests()), (0, 1));
    server.release();
    let allowed = allowed(calls).await;
    assert_eq!((allowed, server.requests()), (CROWD, 1));
    say(&format!(
        "{CROWD} first requests: {} fetch, {allowed} allowed",
        server.requests()
    ));
}

#[tokio::test]
async fn a_thousand_requests_for_a_new_key_wait_for_one_fetch_and_a_forged_one_is_denied() {
    let (old, new) = (
        Signer::generate("ES256", "old"),
        Signer::generate("ES256", "new"),
    );
    let server = KeyServer::start(key_set(&[&old]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "cooldown: 30s"))]).await;
    site.fetched(1).await;
    server.reply(key_set(&[&old, &new]).held());
    site.clock.advance(Duration::from_secs(30));
    let calls = crowd(&site, &token(&new)).await;
    server.requests_reach(2).await;
    eventually("all calls", || site.app.in_flight() == CROWD).await;
    assert_eq!(
        site.check(&token(&old)).await,
        "allowed",
        "known keys never wait"
    );
    server.release();
    let allowed = allowed(calls).await;
    assert_eq!((allowed, server.requests()), (CROWD, 2));
    assert_eq!(site.source().unknown_key_fetches, 1);
    // A set that changed permits one more fetch.
    server.reply(key_set(&[&old, &new]));
    let forged = Signer::generate("ES256", "new");
    assert_eq!(site.check(&token(&forged)).await, "signature_invalid");
    say(&format!(
        "{CROWD} first requests for a new key: 1 fetch, {allowed} allowed"
    ));
}

#[tokio::test]
async fn a_thousand_requests_at_expiry_are_served_from_the_old_set_while_one_fetch_runs() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let jwks = keys_of(&server, "cache_duration: 2m, timeout: 1m");
    let site = Site::start(&[issuer("corp", &jwks)]).await;
    site.fetched(1).await;
    server.reply(key_set(&[&signer]).held());
    site.pass_to_next_fetch();
    server.requests_reach(2).await;
    // From 80 % on a fetch is due, so this is past the expiry, and within the time of the fetch.
    site.clock.advance(Duration::from_secs(24));
    eventually("stale keys", || site.source().state == "stale").await;

    let calls = crowd(&site, &token(&signer)).await;
    let allowed = allowed(calls).await;
    assert_eq!(
        (allowed, site.fetches()),
        (CROWD, 1),
        "the fetch is still held"
    );
    server.release();
    site.fetched(2).await;
    assert_eq!((site.source().state, server.requests()), ("fresh", 2));
    assert_eq!(site.check(&token(&signer)).await, "allowed");
    say(&format!(
        "{CROWD} requests at expiry: 1 fetch, {allowed} allowed from the old set"
    ));
}

#[tokio::test]
async fn a_request_waits_no_longer_than_it_is_set_to() {
    let (old, new) = (
        Signer::generate("ES256", "old"),
        Signer::generate("ES256", "new"),
    );
    let server = KeyServer::start(key_set(&[&old]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "wait: 100ms"))]).await;
    site.fetched(1).await;
    server.reply(key_set(&[&old, &new]).held());
    site.clock.advance(Duration::from_secs(30));
    let token = token(&new);
    let waiting = tokio::spawn(call::ask(site.client(), "/", token.clone().leak()));
    server.requests_reach(2).await;
    site.clock.advance(Duration::from_millis(99));
    assert_eq!(site.check("not a token").await, "token_malformed");
    assert!(!waiting.is_finished());
    site.clock.advance(Duration::from_millis(1));
    assert_eq!(waiting.await.unwrap().reason, "key_not_found");
    server.release();
    site.fetched(2).await;
    assert_eq!(site.check(&token).await, "allowed", "the fetch went on");
}

/// Asks so many times at once.
async fn crowd(site: &Site, token: &str) -> JoinSet<String> {
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(site.new_client().await);
    }
    let mut calls = JoinSet::new();
    for client in clients.iter().cycle().take(CROWD) {
        let (client, token) = (client.clone(), token.to_owned());
        calls.spawn(async move { call::ask(client, "/", &token).await.reason });
    }
    calls
}

/// The number of calls that were allowed.
async fn allowed(calls: JoinSet<String>) -> usize {
    let reasons = calls.join_all().await;
    let allowed = reasons.iter().filter(|reason| *reason == "allowed");
    allowed.count()
}
