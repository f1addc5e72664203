//! Sets in which not every key is as it should be.

use serde_json::{Value, json};
use watchword::jose::SkipReason;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use crate::log::Log;
use crate::say;
use crate::settings::{issuer, key_set, keys_of, token};
use crate::site::Site;

/// Keys that are not used, with the reason.
fn bad_keys() -> [(Value, &'static str); 6] {
    [
        (
            json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}),
            "shared secret in a key set",
        ),
        (
            json!({"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"}),
            "invalid key material",
        ),
        (
            json!({"kty": "OKP", "kid": "small", "crv": "Ed25519", "x": mint::b64(&[0; 32])}),
            "weak key: the point has small order, so anybody can forge signatures",
        ),
        (
            json!({"kty": "AKP", "kid": "new", "alg": "SLH-DSA-SHA2-128s"}),
            "key type or curve not supported",
        ),
        (
            json!({"kty": "EC", "kid": "enc", "use": "enc", "crv": "P-256"}),
            "not for verifying signatures",
        ),
        (json!("not a key"), "malformed"),
    ]
}

#[tokio::test]
async fn a_bad_key_costs_only_itself_and_is_listed_with_its_reason() {
    let log = Log::start();
    let good = [
        Signer::generate("ES256", "ec"),
        Signer::generate("EdDSA", "ed"),
        Signer::rsa("RS256", "rsa", 0),
    ];
    let bad = bad_keys();
    let mut set = mint::key_set(&[&good[0], &good[1], &good[2]]);
    for (place, (key, _)) in bad.iter().enumerate() {
        set["keys"]
            .as_array_mut()
            .unwrap()
            .insert(place, key.clone());
    }
    let server = KeyServer::start(Reply::ok(&set));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    for signer in &good {
        assert_eq!(site.check(&token(signer)).await, "allowed");
    }
    let weak = Signer::generate("ES256", "enc");
    assert_eq!(site.check(&token(&weak)).await, "key_not_found");

    let source = site.source();
    let kids: Vec<_> = source.keys().iter().map(|key| key.kid).collect();
    assert_eq!(kids, [Some("ec"), Some("ed"), Some("rsa")]);
    let found: Vec<_> = source
        .skipped()
        .iter()
        .map(|key| key.reason.to_string())
        .collect();
    let wanted: Vec<_> = bad.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(found, wanted);
    assert_eq!(source.skipped()[0].kid.as_deref(), Some("secret"));
    assert_eq!(log.lines_with("key skipped").len(), bad.len());
    say(&format!(
        "{} bad keys among {} good ones: all good ones verify; skipped: {}",
        bad.len(),
        good.len(),
        found.join(", ")
    ));
}

#[tokio::test]
async fn two_keys_under_one_kid_both_verify_and_of_three_none_does() {
    let keys = ["first", "second", "third"].map(|_| Signer::generate("ES256", "same"));
    let other = Signer::generate("ES256", "other");
    let server = KeyServer::start(key_set(&[&keys[0], &keys[1], &other]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    for signer in &keys[..2] {
        assert_eq!(site.check(&token(signer)).await, "allowed");
    }
    assert_eq!(site.check(&token(&keys[2])).await, "signature_invalid");

    server.reply(key_set(&[&keys[0], &keys[1], &keys[2], &other]));
    site.next_fetch().await;
    for signer in &keys {
        assert_eq!(site.check(&token(signer)).await, "key_not_found");
    }
    assert_eq!(site.check(&token(&other)).await, "allowed");
    let source = site.source();
    let skipped = source.skipped();
    assert_eq!(skipped.len(), 3);
    assert_eq!(skipped[0].reason, SkipReason::Duplicate);
    say("2 keys under one kid: both verify; 3: none, and the others go on");
}
