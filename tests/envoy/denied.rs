//! The denials that clients get through Envoy: status, challenge and body.

use serde_json::json;

use crate::bootstrap::Listener;
use crate::client::{Ask, Reply};
use crate::issuer::NOW;
use crate::world::World;

on_each_envoy!(
    a_missing_token_is_challenged_without_an_error_code,
    an_expired_token_is_denied,
    a_token_signed_with_another_key_is_denied,
    two_authorization_headers_are_denied,
    a_missing_scope_is_named_in_the_challenge,
    a_claim_that_does_not_fit_the_rule_is_denied,
    keys_that_cannot_be_had_are_an_outage_and_not_a_refusal,
    an_ambiguous_path_is_denied_where_the_proxy_lets_it_through,
    the_example_normalises_a_path_before_it_is_judged,
    a_watchword_that_cannot_be_asked_is_a_503_for_everybody,
);

fn challenge(reply: &Reply) -> &str {
    let challenge = reply.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with(r#"Bearer realm="example""#),
        "{challenge}"
    );
    challenge
}

async fn a_missing_token_is_challenged_without_an_error_code(world: &World) {
    for door in [Listener::Example, Listener::JoinedHeaders] {
        let outcome = world.send(&Ask::get("/orders"), door).await;
        let challenge = challenge(outcome.denied(401, "token_missing"));
        assert!(!challenge.contains("error"), "RFC 6750 §3.1: {challenge}");
    }
}

async fn an_expired_token_is_denied(world: &World) {
    let fresh = world.issuers.example.token_with(&json!({"exp": NOW + 60}));
    world
        .send(&Ask::get("/orders").bearer(&fresh), Listener::Example)
        .await
        .allowed();

    let expired = world.issuers.example.token_with(&json!({"exp": NOW - 60}));
    let outcome = world
        .send(&Ask::get("/orders").bearer(&expired), Listener::Example)
        .await;
    let reply = outcome.denied(401, "token_expired");
    assert!(
        challenge(reply).contains(r#"error="invalid_token""#),
        "{reply:?}"
    );
    assert_eq!(reply.json()["error"], "invalid_token");
}

async fn a_token_signed_with_another_key_is_denied(world: &World) {
    let genuine = world.issuers.example.token();
    world
        .send(&Ask::get("/orders").bearer(&genuine), Listener::Example)
        .await
        .allowed();

    let forged = world.issuers.impostor.token();
    let outcome = world
        .send(&Ask::get("/orders").bearer(&forged), Listener::Example)
        .await;
    let reply = outcome.denied(401, "signature_invalid");
    assert!(
        challenge(reply).contains(r#"error="invalid_token""#),
        "{reply:?}"
    );
    assert_eq!(reply.json()["error"], "invalid_token");
}

async fn two_authorization_headers_are_denied(world: &World) {
    let token = world.issuers.example.token();
    let once = Ask::get("/orders").bearer(&token);
    for door in [Listener::Example, Listener::JoinedHeaders] {
        world.send(&once, door).await.allowed();
        world
            .send(&once.clone().bearer(&token), door)
            .await
            .denied(401, "token_malformed");
    }
}

async fn a_missing_scope_is_named_in_the_challenge(world: &World) {
    let ask = Ask::get("/admin/users").bearer(&world.issuers.example.token());
    let outcome = world.send(&ask, Listener::Example).await;
    let reply = outcome.denied(403, "insufficient_scope");
    assert!(
        challenge(reply).contains(r#"error="insufficient_scope""#),
        "{reply:?}"
    );
    assert!(challenge(reply).contains(r#"scope="admin""#), "{reply:?}");
    assert_eq!(reply.json()["error"], "insufficient_scope");
}

async fn a_claim_that_does_not_fit_the_rule_is_denied(world: &World) {
    let ask = Ask::get("/reports/2026").bearer(&world.issuers.example.token());
    let outcome = world.send(&ask, Listener::Example).await;
    outcome.denied(403, "policy_denied");
}

async fn keys_that_cannot_be_had_are_an_outage_and_not_a_refusal(world: &World) {
    let ask = Ask::get("/outage/orders").bearer(&world.issuers.outage.token());
    for door in [Listener::Example, Listener::Careless] {
        let outcome = world.send(&ask, door).await;
        let reply = outcome.denied(503, "jwks_unavailable");
        let seconds = reply
            .header("retry-after")
            .expect("retry-after")
            .parse::<u64>()
            .expect("seconds");
        assert!(seconds > 0, "{reply:?}");
    }
}

async fn an_ambiguous_path_is_denied_where_the_proxy_lets_it_through(world: &World) {
    let token = world.issuers.example.token_with(&json!({"scope": "admin"}));
    for path in [
        "/public/../admin/users",
        "/public/..%2fadmin/users",
        "//admin/users",
        "/public/%2e%2e/admin/users",
    ] {
        for door in [Listener::Careless, Listener::CarelessJoined] {
            world
                .send(&Ask::get(path), door)
                .await
                .denied(400, "request_malformed");
            world
                .send(&Ask::get(path).bearer(&token), door)
                .await
                .denied(400, "request_malformed");
        }
    }
    world
        .send(&Ask::get("/admin/users").bearer(&token), Listener::Careless)
        .await
        .allowed();
}

async fn the_example_normalises_a_path_before_it_is_judged(world: &World) {
    for path in [
        "/public/../admin/users",
        "//admin/users",
        "/public/%2e%2e/admin/users",
    ] {
        world
            .send(&Ask::get(path), Listener::Example)
            .await
            .denied(401, "token_missing");
    }
    world
        .send(&Ask::get("/admin/../public/news"), Listener::Example)
        .await
        .allowed();
    let escaped = world
        .send(&Ask::get("/public/..%2fadmin/users"), Listener::Example)
        .await;
    assert_eq!(
        escaped.stopped().status,
        400,
        "Envoy itself refuses an escaped slash"
    );
}

async fn a_watchword_that_cannot_be_asked_is_a_503_for_everybody(world: &World) {
    let ask = Ask::get("/public/news").bearer(&world.issuers.example.token());
    world.send(&ask, Listener::Example).await.allowed();
    let outcome = world.send(&ask, Listener::Outage).await;
    assert_eq!(outcome.stopped().status, 503);
    assert!(
        world
            .proxy
            .statistic("cluster.nobody.upstream_rq_retry")
            .await
            > 0,
        "the example retries"
    );
}
