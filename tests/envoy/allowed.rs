//! Requests that pass, and the headers that reach the upstream.

use serde_json::json;

use crate::bootstrap::Listener;
use crate::client::Ask;
use crate::world::World;

on_each_envoy!(
    claims_of_a_valid_token_reach_the_upstream_as_headers,
    a_public_path_needs_no_token,
    a_scope_that_the_rule_asks_for_lets_the_request_pass,
    a_claim_that_the_rule_asks_for_lets_the_request_pass,
    the_token_reaches_the_upstream_unchanged,
    the_token_of_an_issuer_that_does_not_forward_is_removed,
);

async fn claims_of_a_valid_token_reach_the_upstream_as_headers(world: &World) {
    let ask = Ask::get("/orders").bearer(&world.issuers.example.token());
    for door in [
        Listener::Example,
        Listener::JoinedHeaders,
        Listener::Careless,
        Listener::CarelessJoined,
    ] {
        let outcome = world.send(&ask, door).await;
        assert_eq!(
            outcome.allowed().values("x-auth-subject"),
            ["alice"],
            "{door:?}"
        );
        assert_eq!(
            outcome.allowed().values("x-auth-scope"),
            ["orders"],
            "{door:?}"
        );
    }
}

async fn a_public_path_needs_no_token(world: &World) {
    let outcome = world
        .send(&Ask::get("/public/news"), Listener::Example)
        .await;
    assert!(outcome.allowed().values("x-auth-subject").is_empty());
    world
        .send(&Ask::get("/publicity"), Listener::Example)
        .await
        .denied(401, "token_missing");
}

async fn a_scope_that_the_rule_asks_for_lets_the_request_pass(world: &World) {
    let token = world
        .issuers
        .example
        .token_with(&json!({"scope": "orders admin"}));
    let outcome = world
        .send(&Ask::get("/admin/users").bearer(&token), Listener::Example)
        .await;
    assert_eq!(outcome.allowed().values("x-auth-scope"), ["orders admin"]);
}

async fn a_claim_that_the_rule_asks_for_lets_the_request_pass(world: &World) {
    let token = world
        .issuers
        .example
        .token_with(&json!({"department": "audit"}));
    let outcome = world
        .send(&Ask::get("/reports/2026").bearer(&token), Listener::Example)
        .await;
    assert_eq!(outcome.allowed().values("x-auth-department"), ["audit"]);
}

/// RSP-23, forwarding on.
async fn the_token_reaches_the_upstream_unchanged(world: &World) {
    let token = world.issuers.example.token();
    for door in [Listener::Example, Listener::JoinedHeaders] {
        let outcome = world.send(&Ask::get("/orders").bearer(&token), door).await;
        assert_eq!(
            outcome.allowed().values("authorization"),
            [format!("Bearer {token}")],
            "{door:?}"
        );
    }
}

/// RSP-23, forwarding off.
async fn the_token_of_an_issuer_that_does_not_forward_is_removed(world: &World) {
    let token = world.issuers.silent.token();
    for door in [Listener::Example, Listener::JoinedHeaders] {
        let outcome = world
            .send(&Ask::get("/silent/orders").bearer(&token), door)
            .await;
        assert_eq!(
            outcome.allowed().values("x-auth-subject"),
            ["alice"],
            "{door:?}"
        );
        assert!(
            outcome.allowed().values("authorization").is_empty(),
            "{door:?}"
        );
        assert!(!outcome.allowed().mentions(&token), "{door:?}");
    }
}
