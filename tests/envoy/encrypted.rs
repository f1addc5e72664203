//! Encrypted tokens, through Envoy.

use watchword::jose::{ContentEncryption, EncryptionKey, KeyAlgorithm};
use watchword_test_support::sealed::{DECRYPTION_KEY, OTHER_KEY};

use crate::bootstrap::Listener;
use crate::client::Ask;
use crate::issuer::Issuer;
use crate::world::World;

on_each_envoy!(
    claims_of_an_encrypted_token_reach_the_upstream_as_headers,
    a_changed_encrypted_token_is_denied,
    a_token_that_is_encrypted_to_another_key_is_denied,
    a_token_that_is_only_signed_is_denied_where_encryption_is_required,
    an_encrypted_token_of_another_issuer_is_denied,
);

/// alice's token, encrypted.
fn encrypted(issuer: &Issuer, key: &str) -> String {
    let key = EncryptionKey::parse(key.as_bytes()).expect("a key");
    let token = key.encrypt(
        issuer.token().as_bytes(),
        KeyAlgorithm::EcdhEs,
        ContentEncryption::A256Gcm,
        &[("kid", "sealed-1"), ("cty", "JWT")],
    );
    token.expect("a token")
}

async fn claims_of_an_encrypted_token_reach_the_upstream_as_headers(world: &World) {
    let token = encrypted(&world.issuers.sealed, DECRYPTION_KEY);
    for door in [Listener::Example, Listener::JoinedHeaders] {
        let ask = Ask::get("/sealed/orders").bearer(&token);
        let outcome = world.send(&ask, door).await;
        assert_eq!(outcome.allowed().values("x-auth-subject"), ["alice"]);
    }
}

async fn a_changed_encrypted_token_is_denied(world: &World) {
    let token = encrypted(&world.issuers.sealed, DECRYPTION_KEY);
    let (rest, tag) = token.rsplit_once('.').expect("five segments");
    let other = if tag.starts_with('A') { "B" } else { "A" };
    let changed = format!("{rest}.{other}{}", &tag[1..]);
    let ask = Ask::get("/sealed/orders").bearer(&changed);
    let outcome = world.send(&ask, Listener::Example).await;
    outcome.denied(401, "decrypt_failed");
}

async fn a_token_that_is_encrypted_to_another_key_is_denied(world: &World) {
    let token = encrypted(&world.issuers.sealed, OTHER_KEY);
    let ask = Ask::get("/sealed/orders").bearer(&token);
    let outcome = world.send(&ask, Listener::Example).await;
    outcome.denied(401, "decrypt_failed");
}

async fn a_token_that_is_only_signed_is_denied_where_encryption_is_required(world: &World) {
    let ask = Ask::get("/sealed/orders").bearer(&world.issuers.sealed.token());
    let outcome = world.send(&ask, Listener::Example).await;
    outcome.denied(401, "encryption_required");
}

/// The content is good where its issuer's tokens are accepted; the key is not that issuer's.
async fn an_encrypted_token_of_another_issuer_is_denied(world: &World) {
    let example = &world.issuers.example;
    let ask = Ask::get("/orders").bearer(&example.token());
    world.send(&ask, Listener::Example).await.allowed();
    let ask = Ask::get("/orders").bearer(&encrypted(example, DECRYPTION_KEY));
    let outcome = world.send(&ask, Listener::Example).await;
    outcome.denied(401, "key_not_found");
}
