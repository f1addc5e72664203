//! `POST /jwks/refresh`: an operator who has taken a key out of use, and cannot wait.

use std::time::Duration;

use serde_json::{Value, json};
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::Signer;

use super::page::{Page, post};
use crate::say;
use crate::settings::{issuer, key_set, keys_of, token, token_of};
use crate::site::{Site, eventually};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_refresh_starts_a_fetch_at_once_or_at_the_end_of_the_cool_down_and_ends_a_removed_key() {
    let (old, new) = (
        Signer::generate("ES256", "old"),
        Signer::generate("ES256", "new"),
    );
    let stranger = Signer::generate("ES256", "stranger");
    let server = KeyServer::start(key_set(&[&old]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "cooldown: 30s"))]).await;
    site.fetched(1).await;
    assert_eq!(site.check(&token(&old)).await, "allowed");

    let page = post(&site, "/jwks/refresh?issuer=corp").await;
    assert_eq!(page.status, 202, "right after a scheduled fetch");
    let started = json!([{"source": server.uri(), "result": "started"}]);
    assert_eq!(sources(&page), started);
    site.fetched(2).await;
    assert_eq!(site.source().unknown_key_fetches, 0, "no token caused it");

    server.reply(key_set(&[&new]));
    site.clock.advance(10 * SECOND);
    assert_eq!(site.check(&token(&stranger)).await, "key_not_found");
    for _ in 0..2 {
        let page = post(&site, "/jwks/refresh").await;
        assert_eq!((page.status, page.header("retry-after")), (202, None));
        let scheduled =
            json!([{"source": server.uri(), "result": "scheduled", "starts_in_seconds": 20}]);
        assert_eq!(sources(&page), scheduled);
    }
    assert_eq!(site.check(&token(&old)).await, "allowed");
    assert_eq!(server.requests(), 2);
    site.pass(20 * SECOND).await;
    site.fetched(3).await;
    assert_eq!(site.check(&token(&old)).await, "key_not_found");
    assert_eq!(site.check(&token(&new)).await, "allowed");
    say(
        "refresh: 202 within the cool-down with its end, and one fetch then; \
         the removed key is dead",
    );
}

#[tokio::test]
async fn a_refresh_within_a_retry_after_is_scheduled_for_its_end() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    server.reply(Reply::too_many_requests(120));
    site.next_fetch().await;
    let page = post(&site, "/jwks/refresh").await;
    assert_eq!(page.status, 202);
    assert_eq!(sources(&page)[0]["result"], "scheduled");
    assert_eq!(sources(&page)[0]["starts_in_seconds"], 120);
    site.pass(119 * SECOND).await;
    assert_eq!(server.requests(), 2);
    site.pass(SECOND).await;
    site.fetched(3).await;
}

#[tokio::test]
async fn a_refresh_during_a_fetch_starts_no_other() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]).held());
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    server.requests_reach(1).await;
    let page = post(&site, "/jwks/refresh").await;
    assert_eq!(page.status, 202);
    assert_eq!(sources(&page)[0]["result"], "under_way");
    server.release();
    site.fetched(1).await;
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_refresh_is_for_one_issuer_or_for_all_and_for_no_unknown_one() {
    let signer = Signer::generate("ES256", "k1");
    let (one, other) = (
        KeyServer::start(key_set(&[&signer])),
        KeyServer::start(key_set(&[&signer])),
    );
    let site = Site::start(&[
        issuer("corp", &keys_of(&one, "cooldown: 30s")),
        issuer("partner", &keys_of(&other, "cooldown: 1m")),
    ])
    .await;
    site.app.ready().await;
    assert_eq!(post(&site, "/jwks/refresh?issuer=nobody").await.status, 404);
    let iss = "/jwks/refresh?issuer=https://corp.example";
    assert_eq!(post(&site, iss).await.status, 404, "not its name");

    assert_eq!(
        post(&site, "/jwks/refresh?issuer=partner").await.status,
        202
    );
    eventually("the fetch", || {
        site.sources()[1].next_fetch > Duration::ZERO && other.requests() == 2
    })
    .await;
    let page = post(&site, "/jwks/refresh").await;
    assert_eq!(page.status, 202);
    let mut results: Vec<_> = sources(&page).as_array().unwrap().clone();
    results.sort_by_key(|source| source["result"].to_string());
    assert_eq!(results[0]["result"], "scheduled");
    assert_eq!(results[1]["result"], "started");
    eventually("the fetch", || one.requests() == 2).await;
    assert_eq!(other.requests(), 2);
    assert_eq!(site.check(&token_of("partner", &signer)).await, "allowed");
}

fn sources(page: &Page) -> Value {
    let mut body: Value = serde_json::from_str(&page.body).unwrap();
    body["sources"].take()
}
