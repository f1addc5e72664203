//! Issuers beside each other: what they share, and that the trouble of one is not that of another.

use std::time::Duration;

use tonic_health::pb::health_check_response::ServingStatus;
use watchword_test_support::key_server::{KeyServer, Reply, Transport};
use watchword_test_support::mint::Signer;

use crate::say;
use crate::settings::{issuer, key_set, keys_of, optional_issuer, token, token_of};
use crate::site::{Site, eventually};

#[tokio::test]
async fn issuers_with_one_section_share_its_fetches_and_not_each_others_tokens() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let section = keys_of(&server, "");
    let site = Site::start(&[issuer("corp", &section), issuer("shop", &section)]).await;
    site.app.ready().await;
    for name in ["corp", "shop"] {
        assert_eq!(site.check(&token_of(name, &signer)).await, "allowed");
    }
    let nobody = token_of("nobody", &signer);
    assert_eq!(site.check(&nobody).await, "issuer_not_allowed");
    assert_eq!((server.requests(), site.sources().len()), (1, 1));
    assert_eq!(site.source().issuers.len(), 2);

    let apart = keys_of(&server, "cooldown: 1m");
    let site = Site::start(&[issuer("corp", &section), issuer("shop", &apart)]).await;
    site.app.ready().await;
    assert_eq!((server.requests(), site.sources().len()), (3, 2));
}

#[tokio::test]
async fn the_trouble_of_one_issuer_never_reaches_another() {
    let signer = Signer::generate("ES256", "k1");
    let good = KeyServer::start(key_set(&[&signer]));
    let bad = KeyServer::start(Reply::status(500));
    let section = keys_of(&bad, "");
    let site = Site::start(&[
        issuer("corp", &keys_of(&good, "")),
        optional_issuer("other", &section),
    ])
    .await;
    site.app.ready().await;
    let (mine, theirs) = (token(&signer), token_of("other", &signer));
    let troubles = [
        Reply::html(),
        Reply::endless(),
        Reply::hang_up(),
        Reply::ok("{}"),
        Reply::too_many_requests(3600),
        Reply::ok("{}").held(),
    ];
    let mut answers = 0;
    for trouble in troubles {
        bad.reply(trouble);
        let until = bad.requests() + 1;
        while bad.requests() < until {
            // Not while a fetch is under way, whose time would run out before a busy machine gets
            // to it.
            if !site.sources()[1].next_fetch.is_zero() {
                site.clock.advance(Duration::from_secs(1));
            }
            assert_eq!(site.check(&mine).await, "allowed");
            answers += 1;
        }
        eventually("a fetch's end", || {
            bad.completed() + bad.abandoned() + 1 >= until
        })
        .await;
    }
    // The last fetch is held: who needs its keys waits, and nobody else does.
    let client = site.client();
    let waiting = tokio::spawn(crate::call::ask(client, "/", theirs.leak()));
    eventually("a call that waits", || site.app.in_flight() == 1).await;
    for _ in 0..100 {
        assert_eq!(site.check(&mine).await, "allowed");
        answers += 1;
    }
    site.clock.advance(Duration::from_millis(150));
    let answer = waiting.await.unwrap();
    assert_eq!((&*answer.reason, answer.status), ("jwks_unavailable", 503));
    say(&format!(
        "{answers} requests beside a broken issuer: all allowed"
    ));
}

#[tokio::test]
async fn readiness_waits_for_required_issuers_and_for_no_others() {
    let signer = Signer::generate("ES256", "k1");
    let required = KeyServer::absent(key_set(&[&signer]));
    let other = KeyServer::absent(key_set(&[&signer]));
    let site = Site::start(&[
        issuer("corp", &keys_of(&required, "")),
        optional_issuer("other", &keys_of(&other, "wait: 0s")),
    ])
    .await;
    assert_eq!(site.health().await, ServingStatus::NotServing);
    required.up();
    site.pass(Duration::from_secs(30)).await;
    site.app.ready().await;
    assert_eq!(site.health().await, ServingStatus::Serving);
    assert_eq!(site.check(&token(&signer)).await, "allowed");
    let theirs = token_of("other", &signer);
    assert_eq!(site.check(&theirs).await, "jwks_unavailable");
    other.up();
    site.pass(Duration::from_secs(30)).await;
    assert_eq!(site.check(&theirs).await, "allowed");

    // The other way round, it is not ready.
    required.use_transport(Transport::Closed);
    let site = Site::start(&[
        issuer("corp", &keys_of(&required, "")),
        optional_issuer("other", &keys_of(&other, "")),
    ])
    .await;
    site.pass(Duration::from_secs(60)).await;
    assert_eq!(site.check(&theirs).await, "allowed", "served all the same");
    assert_eq!(site.health().await, ServingStatus::NotServing);
}

/// The cache remembers a token's signature, never a verdict: the same token is judged by
/// each rule anew.
#[tokio::test]
async fn a_token_that_one_rule_accepted_is_judged_by_the_next_rule_again() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.app.ready().await;
    let token = token(&signer);
    for _ in 0..2 {
        assert_eq!(site.check(&token).await, "allowed");
        let answer = site.ask("/admin/", &token).await;
        assert_eq!(
            (&*answer.reason, answer.status),
            ("insufficient_scope", 403)
        );
    }
    let expires = crate::settings::claims("")["exp"].as_i64().unwrap();
    site.clock.set(expires + 29);
    assert_eq!(site.check(&token).await, "allowed", "within the leeway");
    site.clock.set(expires + 30);
    assert_eq!(site.check(&token).await, "token_expired");
    site.clock.set(crate::settings::NOW);
    let spoilt = format!("{token}A");
    assert_eq!(server.requests(), 1, "the calendar moves no fetch");
    assert_ne!(site.check(&spoilt).await, "allowed");
}
