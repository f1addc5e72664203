//! A key server that is away: while there are keys, when they are too old, and before there were
//! any.

use std::time::Duration;

use tonic_health::pb::health_check_response::ServingStatus;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::Signer;

use crate::log::Log;
use crate::say;
use crate::settings::{issuer, key_set, keys_of, token};
use crate::site::{Site, eventually};

const SECOND: Duration = Duration::from_secs(1);
/// The longest back-off.
const BACKOFF: u32 = 30;

#[tokio::test]
async fn keys_outlive_their_server_until_max_stale_and_come_back_with_it() {
    let log = Log::start();
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "max_stale: 1h, wait: 0s"))]).await;
    site.fetched(1).await;
    server.down().await;

    let token = token(&signer);
    let stranger = Signer::generate("ES256", "k2");
    let mut allowed = 0;
    for (minutes, state) in [(0, "fresh"), (9, "fresh"), (1, "stale"), (49, "stale")] {
        site.pass(60 * minutes * SECOND).await;
        assert_eq!(site.source().state, state);
        assert_eq!(site.check(&token).await, "allowed", "{minutes} more");
        allowed += 1;
        let strange = crate::settings::token(&stranger);
        assert_eq!(site.check(&strange).await, "key_not_found");
    }
    site.pass(59 * SECOND).await;
    assert_eq!(site.check(&token).await, "allowed", "in the last second");
    site.pass(SECOND).await;
    eventually("old keys", || site.source().state == "absent").await;
    let answer = site.ask("/", &token).await;
    assert_eq!((&*answer.reason, answer.status), ("jwks_unavailable", 503));
    assert_eq!(
        site.health().await,
        ServingStatus::Serving,
        "others are served"
    );

    let failed = site.source().fetches["request"];
    server.up();
    let after = recovery(&site, &token).await;
    say(&format!(
        "key server down: {allowed} of 4 requests allowed within max_stale, then 503; \
         {failed} failed fetches in an hour; back {after} s after its return"
    ));
    assert_eq!(log.lines_with("keys are stale").len(), 1);
    assert_eq!(log.lines_with("older than max_stale").len(), 1);
}

#[tokio::test]
async fn without_keys_from_the_start_the_answer_is_503_until_the_server_comes_up() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::absent(key_set(&[&signer]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "wait: 0s"))]).await;
    site.pass(Duration::from_secs(600)).await;
    let token = token(&signer);
    let answer = site.ask("/", &token).await;
    assert_eq!((&*answer.reason, answer.status), ("jwks_unavailable", 503));
    let answer = site.ask("/", "not a token").await;
    assert_eq!(
        (&*answer.reason, answer.status),
        ("token_malformed", 401),
        "what needs no key is told apart"
    );
    assert_eq!(site.health().await, ServingStatus::NotServing);
    server.up();
    let after = recovery(&site, &token).await;
    site.app.ready().await;
    assert_eq!(site.health().await, ServingStatus::Serving);
    say(&format!(
        "key server down at the start for 10 min: 503, NOT_SERVING; \
         serving {after} s after it came up"
    ));
}

/// The server may ask for an hour, but without keys nobody waits that long.
#[tokio::test]
async fn without_keys_a_retry_after_is_heeded_for_half_a_minute_only() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(Reply::too_many_requests(3600));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "wait: 0s"))]).await;
    site.fetched(1).await;
    assert_eq!(site.source().next_fetch, BACKOFF * SECOND);
    server.reply(key_set(&[&signer]));
    let after = recovery(&site, &token(&signer)).await;
    assert_eq!(after, BACKOFF);
}

/// The seconds until a token is allowed again, which is one step of the back-off at
/// most.
async fn recovery(site: &Site, token: &str) -> u32 {
    for seconds in 0..=BACKOFF {
        if site.check(token).await == "allowed" {
            assert_eq!(site.source().state, "fresh");
            return seconds;
        }
        site.pass(SECOND).await;
    }
    panic!("not recovered after {BACKOFF} s: {:?}", site.source());
}
