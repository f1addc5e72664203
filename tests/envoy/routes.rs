//! The client's headers around the check: Envoy chooses a route before it asks Watchword, and the
//! upstream service reads headers that no rule looks at.

use serde_json::json;

use crate::bootstrap::{CHOSEN_ROUTE, Listener};
use crate::client::Ask;
use crate::world::{Outcome, World};

on_each_envoy!(
    a_forged_claim_header_chooses_no_route,
    a_claim_chooses_the_route_where_the_route_cache_is_cleared,
    an_override_header_does_not_reach_the_upstream,
    a_route_for_a_prefix_takes_whole_segments_only,
    a_port_or_a_dot_after_the_host_does_not_choose_another_rule,
);

/// Without early removal or `clear_route_cache`, the client's own header takes it to `admin`.
async fn a_forged_claim_header_chooses_no_route(world: &World) {
    let token = world.issuers.example.token();
    for door in [Listener::Routed, Listener::Rerouted] {
        for ask in [
            Ask::get("/public/news"),
            Ask::get("/public/news").bearer(&token),
            Ask::get("/orders").bearer(&token),
        ] {
            for name in ["x-auth-scope", "X-Auth-Scope"] {
                let outcome = world.send(&ask.clone().header(name, "admin"), door).await;
                assert_eq!(route(&outcome), "rest", "{door:?}");
            }
        }
    }
}

async fn a_claim_chooses_the_route_where_the_route_cache_is_cleared(world: &World) {
    let admin = world.issuers.example.token_with(&json!({"scope": "admin"}));
    let ask = Ask::get("/orders").bearer(&admin);
    for (door, wanted) in [(Listener::Routed, "rest"), (Listener::Rerouted, "admin")] {
        let outcome = world.send(&ask, door).await;
        assert_eq!(route(&outcome), wanted);
        let scopes = outcome.allowed().values_like("x-auth-scope");
        assert_eq!(scopes, ["admin"], "{door:?}");
    }
}

/// Watchword removes them where Envoy does not.
async fn an_override_header_does_not_reach_the_upstream(world: &World) {
    let token = world.issuers.example.token();
    for name in [
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
        "X-HTTP-Method-Override",
    ] {
        for door in [
            Listener::Example,
            Listener::Careless,
            Listener::CarelessJoined,
        ] {
            for ask in [
                Ask::get("/public/news"),
                Ask::get("/orders").bearer(&token),
                Ask::get("/orders")
                    .bearer(&token)
                    .header(&name.replace('-', "."), "DELETE"),
            ] {
                let ask = ask.header(name, "DELETE").header("x-other", "kept");
                let outcome = world.send(&ask, door).await;
                let seen = outcome.allowed();
                assert!(!seen.mentions("DELETE"), "{name} {door:?}");
                assert_eq!(seen.values("x-other"), ["kept"], "{name} {door:?}");
            }
        }
    }
}

async fn a_route_for_a_prefix_takes_whole_segments_only(world: &World) {
    let finance = world
        .issuers
        .example
        .token_with(&json!({"department": "finance"}));
    for (path, wanted) in [
        ("/reports/2026", "reports"),
        ("/reports?year=2026", "reports"),
        ("/reportsx", "rest"),
        ("/reports-2025", "rest"),
    ] {
        let ask = Ask::get(path).bearer(&finance);
        let outcome = world.send(&ask, Listener::Routed).await;
        assert_eq!(route(&outcome), wanted, "{path}");
    }
}

/// The rule for admin.example, which any spelling of it meets.
async fn a_port_or_a_dot_after_the_host_does_not_choose_another_rule(world: &World) {
    let token = world.issuers.example.token();
    for host in [
        "admin.example",
        "admin.example:8443",
        "admin.example.",
        "ADMIN.example.:1",
    ] {
        let ask = Ask::get("/orders").bearer(&token).host(host);
        let outcome = world.send(&ask, Listener::Example).await;
        outcome.denied(403, "insufficient_scope");
        let ask = Ask::get("/orders").bearer(&token);
        let ask = ask.host(format!("shop.{host}"));
        let outcome = world.send(&ask, Listener::Example).await;
        let seen = outcome.allowed().values("host").concat();
        assert_eq!(seen.to_ascii_lowercase(), "shop.admin.example", "{host}");
    }
}

#[track_caller]
fn route(outcome: &Outcome) -> String {
    outcome.allowed().values(CHOSEN_ROUTE).concat()
}
