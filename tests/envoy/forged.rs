//! Claim headers that a client forged: none of its values reaches the upstream, under any spelling.

use serde_json::json;

use crate::bootstrap::Listener;
use crate::client::Ask;
use crate::world::World;

on_each_envoy!(
    a_forged_claim_header_is_overwritten,
    a_forged_claim_header_is_removed_when_the_token_lacks_the_claim,
    an_alias_of_a_claim_header_does_not_reach_the_upstream,
    the_example_refuses_names_with_underscores,
    three_copies_in_mixed_case_are_replaced_by_one,
    a_public_path_strips_claim_headers,
    a_claim_header_named_in_connection_still_arrives,
);

const DOORS: [Listener; 4] = [
    Listener::Example,
    Listener::JoinedHeaders,
    Listener::Careless,
    Listener::CarelessJoined,
];
const CARELESS: [Listener; 2] = [Listener::Careless, Listener::CarelessJoined];

/// RSP-01
async fn a_forged_claim_header_is_overwritten(world: &World) {
    let ask = Ask::get("/orders")
        .bearer(&world.issuers.example.token())
        .header("x-auth-subject", "mallory");
    for door in DOORS {
        let outcome = world.send(&ask, door).await;
        assert_eq!(
            outcome.allowed().values_like("x-auth-subject"),
            ["alice"],
            "{door:?}"
        );
    }
}

/// RSP-02
async fn a_forged_claim_header_is_removed_when_the_token_lacks_the_claim(world: &World) {
    for missing in [json!(null), json!("")] {
        let token = world
            .issuers
            .example
            .token_with(&json!({"department": missing}));
        let ask = Ask::get("/orders")
            .bearer(&token)
            .header("x-auth-department", "finance");
        for door in DOORS {
            let outcome = world.send(&ask, door).await;
            assert!(
                outcome
                    .allowed()
                    .values_like("x-auth-department")
                    .is_empty(),
                "{door:?}"
            );
            assert_eq!(
                outcome.allowed().values_like("x-auth-subject"),
                ["alice"],
                "{door:?}"
            );
        }
    }
}

/// RSP-03, CVE-2025-64484: a framework reads `x_auth_subject` as `x-auth-subject`.
async fn an_alias_of_a_claim_header_does_not_reach_the_upstream(world: &World) {
    let token = world.issuers.example.token();
    for alias in [
        "x_auth_subject",
        "X_Auth_Subject",
        "x-auth_subject",
        "X.auth.subject",
        "x_auth.Subject",
    ] {
        let forged = |path: &str| Ask::get(path).header(alias, "mallory");
        for door in CARELESS {
            let outcome = world.send(&forged("/orders").bearer(&token), door).await;
            assert_eq!(
                outcome.allowed().values_like("x-auth-subject"),
                ["alice"],
                "{alias} {door:?}"
            );
            let outcome = world.send(&forged("/public/news"), door).await;
            assert!(
                outcome.allowed().values_like("x-auth-subject").is_empty(),
                "{alias} {door:?}"
            );
            assert!(!outcome.allowed().mentions("mallory"), "{alias} {door:?}");
        }
    }
    for door in DOORS {
        let outcome = world
            .send(
                &Ask::get("/public/news").header("x-auth-subject ", "mallory"),
                door,
            )
            .await;
        assert_eq!(
            outcome.stopped().status,
            400,
            "Envoy itself refuses a space before the colon"
        );
    }
}

async fn the_example_refuses_names_with_underscores(world: &World) {
    let ask = Ask::get("/public/news").header("x_auth_subject", "mallory");
    assert_eq!(
        world.send(&ask, Listener::Example).await.stopped().status,
        400
    );
    world
        .send(
            &Ask::get("/public/news").header("x-other", "fine"),
            Listener::Example,
        )
        .await
        .allowed();
}

/// RSP-04
async fn three_copies_in_mixed_case_are_replaced_by_one(world: &World) {
    let forged = |path: &str| {
        let ask = Ask::get(path).header("X-Auth-Subject", "mallory");
        ask.header("x-auth-subject", "mallory2")
            .header("X-AUTH-SUBJECT", "mallory3")
    };
    let with_token = forged("/orders").bearer(&world.issuers.example.token());
    for door in DOORS {
        let outcome = world.send(&with_token, door).await;
        assert_eq!(
            outcome.allowed().values_like("x-auth-subject"),
            ["alice"],
            "{door:?}"
        );
        assert!(!outcome.allowed().mentions("mallory"), "{door:?}");
        let outcome = world.send(&forged("/public/news"), door).await;
        assert!(!outcome.allowed().mentions("mallory"), "{door:?}");
    }
}

/// RSP-05
async fn a_public_path_strips_claim_headers(world: &World) {
    let mut ask = Ask::get("/public/news").header("x-other", "kept");
    for name in ["x-auth-subject", "x-auth-scope", "x-auth-department"] {
        ask = ask.header(name, "mallory");
    }
    for door in DOORS {
        for ask in [
            ask.clone(),
            ask.clone().bearer(&world.issuers.example.token()),
        ] {
            let outcome = world.send(&ask, door).await;
            assert!(!outcome.allowed().mentions("mallory"), "{door:?}");
            assert!(
                outcome.allowed().values_like("x-auth-subject").is_empty(),
                "{door:?}"
            );
            assert_eq!(outcome.allowed().values("x-other"), ["kept"], "{door:?}");
        }
    }
}

/// RSP-06, CVE-2025-48865: a proxy that removes what `Connection` names would remove the identity.
async fn a_claim_header_named_in_connection_still_arrives(world: &World) {
    let hop_by_hop = |path: &str| {
        Ask::get(path)
            .connection("close, x-auth-subject")
            .header("X-Auth-Subject", "mallory")
    };
    let with_token = hop_by_hop("/orders").bearer(&world.issuers.example.token());
    for door in DOORS {
        let outcome = world.send(&with_token, door).await;
        assert_eq!(
            outcome.allowed().values_like("x-auth-subject"),
            ["alice"],
            "{door:?}"
        );
        let outcome = world.send(&hop_by_hop("/public/news"), door).await;
        assert!(
            outcome.allowed().values_like("x-auth-subject").is_empty(),
            "{door:?}"
        );
    }
}
