//! oidc-provider fetches Watchword's public keys, and encrypts access tokens to them.

use serde_json::json;
use watchword::jose::{ContentEncryption, EncryptionKey, KeyAlgorithm};
use watchword_test_support::mint::Signer;

use crate::provider::Token;
use crate::site::{Answer, ORDERS, REPORTS, STOCK, Site};

/// Its client may read, and belongs to a tenant.
fn allowed() -> Answer {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Answer {
        reason: "allowed".to_owned(),
        headers: vec![
            header("x-auth-client", "batch"),
            header("x-auth-tenant", "acme"),
        ],
    }
}

#[tokio::test]
async fn claims_of_its_encrypted_tokens_become_headers_and_a_changed_byte_is_denied() {
    let Some(site) = Site::start("encrypted").await else {
        return;
    };
    for (resource, kty, alg, enc) in [
        (ORDERS, "EC", "ECDH-ES", "A256CBC-HS512"),
        (REPORTS, "RSA", "RSA-OAEP-256", "A256GCM"),
    ] {
        let token = site.provider.token(resource).await;
        assert_eq!(token.segments().len(), 5);
        let header = token.header();
        assert_eq!((&header["alg"], &header["enc"]), (&json!(alg), &json!(enc)));
        assert_eq!(header["kid"], site.published(kty).await["kid"]);
        // Claims that it repeats for readers without the key.
        assert_eq!(header["iss"], site.provider.issuer);
        assert_eq!(header["aud"], resource);
        assert_eq!(header["cty"], "at+jwt");

        assert_eq!(site.check(&token).await, allowed(), "{resource}");
        for segment in [2, 3, 4] {
            let answer = site.check(&token.changed(segment)).await;
            assert_eq!(
                answer,
                Answer::denied("decrypt_failed"),
                "{resource} {segment}"
            );
        }
    }
}

#[tokio::test]
async fn its_signed_tokens_are_accepted_only_if_they_are_encrypted_for_this_issuer() {
    let Some(site) = Site::start("signed").await else {
        return;
    };
    let signed = site.provider.token(STOCK).await;
    assert_eq!(signed.segments().len(), 3);
    let answer = site.check(&signed).await;
    assert_eq!(answer, Answer::denied("encryption_required"));

    let key = site.published("EC").await;
    let kid = key["kid"].as_str().expect("a kid");
    let key = EncryptionKey::parse(key.to_string().as_bytes()).expect("a public key");
    let encrypted = |issuer: &str| {
        let (alg, enc) = (KeyAlgorithm::EcdhEs, ContentEncryption::A256CbcHs512);
        let header = [
            ("kid", kid),
            ("iss", issuer),
            ("aud", STOCK),
            ("cty", "at+jwt"),
        ];
        let token = key.encrypt(signed.0.as_bytes(), alg, enc, &header);
        Token(token.expect("a token"))
    };
    let answer = site.check(&encrypted(&site.provider.issuer)).await;
    assert_eq!(answer, allowed());
    let answer = site.check(&encrypted("https://other.example.com")).await;
    assert_eq!(answer, Answer::denied("claim_invalid"));
}

#[tokio::test]
async fn tokens_of_both_keys_are_accepted_during_a_rotation() {
    let Some(site) = Site::start("rotation").await else {
        return;
    };
    let old = site.provider.token(ORDERS).await;
    assert_eq!(site.check(&old).await, allowed());

    site.write_key("new.pem", &Signer::generate("ES256", ""));
    site.reload(&["new.pem", "ec.pem", "rsa.pem"]).await;
    let new = site.provider.token(ORDERS).await;
    assert_ne!(new.header()["kid"], old.header()["kid"]);
    assert_eq!(new.header()["kid"], site.published("EC").await["kid"]);
    assert_eq!(site.check(&new).await, allowed());
    assert_eq!(site.check(&old).await, allowed());

    // The new key is tried, since one in PEM has no `kid` of its own that could differ.
    site.reload(&["new.pem", "rsa.pem"]).await;
    assert_eq!(site.check(&new).await, allowed());
    assert_eq!(site.check(&old).await, Answer::denied("decrypt_failed"));
}
