//! The admin listener while keys come and go.

mod exposed;
mod metrics;
mod page;
mod public_keys;
mod refresh;

use std::time::Duration;

use page::{get, post};
use serde_json::{Value, json};
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use crate::settings::{issuer, key_set, keys_of, optional_issuer, token_of};
use crate::site::{Site, eventually};

#[tokio::test]
async fn the_page_of_key_sets_tells_all_that_is_known_of_each_source() {
    let signer = Signer::generate("ES256", "k1");
    let mut set = mint::key_set(&[&signer]);
    let bad = json!({"kty": "oct", "kid": "bad", "k": "c2VjcmV0"});
    set["keys"].as_array_mut().unwrap().push(bad);
    let (shared, broken) = (
        KeyServer::start(Reply::ok(&set)),
        KeyServer::start(Reply::status(500)),
    );
    let site = Site::start(&[
        issuer("corp", &keys_of(&shared, "")),
        issuer("shop", &keys_of(&shared, "")),
        optional_issuer("partner", &keys_of(&broken, "")),
    ])
    .await;
    site.app.ready().await;
    eventually("a failure", || site.sources()[1].failure.is_some()).await;
    site.clock.advance(Duration::from_millis(400));
    let stranger = Signer::generate("ES256", "k2");
    site.check(&token_of("corp", &stranger)).await;

    let page = get(&site, "/jwks").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("application/json"));
    let mut shown: Value = serde_json::from_str(&page.body).unwrap();
    for source in shown["sources"].as_array_mut().unwrap() {
        // It has a random part.
        let next = source.as_object_mut().unwrap().remove("next_fetch_seconds");
        assert!(next.unwrap().as_u64().unwrap() <= 570);
    }
    let error = format!("{} answered 500 Internal Server Error", broken.uri());
    let wanted = json!({"sources": [
        {
            "source": shared.uri(),
            "issuers": ["corp", "shop"],
            "state": "fresh",
            "age_seconds": 0,
            "keys": [{"kid": "k1", "algorithms": ["ES256"]}],
            "skipped": [{"kid": "bad", "reason": "shared secret in a key set"}],
            "exposed": [{"kid": "bad"}],
            "last_error": null,
            "fetches": {"changed": 1, "unchanged": 1},
            "unknown_key_fetches": 1,
        },
        {
            "source": broken.uri(),
            "issuers": ["partner"],
            "state": "absent",
            "age_seconds": null,
            "keys": [],
            "skipped": [],
            "exposed": [],
            "last_error": {"seconds_ago": 0, "error": error},
            "fetches": {"status": 1},
            "unknown_key_fetches": 0,
        },
    ]});
    assert_eq!(shown, wanted);
}

#[tokio::test]
async fn it_lives_from_the_start_and_is_ready_once_it_has_keys() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::absent(key_set(&[&signer]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "max_stale: 10m"))]).await;
    site.fetched(1).await;
    assert_eq!(get(&site, "/livez").await.status, 200);
    let page = get(&site, "/readyz").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("/jwks"), "{}", page.body);

    server.up();
    site.next_fetch().await;
    site.app.ready().await;
    assert_eq!(get(&site, "/readyz").await.status, 200);
    assert_eq!(get(&site, "/livez").await.status, 200);

    server.down().await;
    site.pass(Duration::from_secs(600)).await;
    assert_eq!(site.source().state, "absent");
    let page = get(&site, "/readyz").await;
    assert_eq!(page.status, 200, "an outage later takes no replica away");
}

#[tokio::test]
async fn the_first_page_lists_the_others() {
    let server = KeyServer::start(key_set(&[&Signer::generate("ES256", "k1")]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    let list = get(&site, "/").await;
    assert_eq!(list.status, 200);
    for page in [
        "/livez",
        "/readyz",
        "/metrics",
        "/jwks",
        "/jwks/keys",
        "/jwks/refresh",
    ] {
        assert!(list.body.contains(page), "{page} in {}", list.body);
    }
}

#[tokio::test]
async fn other_pages_and_methods_are_refused() {
    let server = KeyServer::start(key_set(&[&Signer::generate("ES256", "k1")]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    assert_eq!(get(&site, "/other").await.status, 404);
    assert_eq!(get(&site, "/jwks/refresh").await.status, 405);
    assert_eq!(post(&site, "/jwks").await.status, 405);
    assert_eq!(post(&site, "/jwks/refresh?isuer=corp").await.status, 400);
    site.fetched(1).await;
}
