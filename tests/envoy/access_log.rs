//! Envoy's access log, as the example sets it up.

use serde_json::{Value, json};

use crate::bootstrap::Listener;
use crate::client::{Ask, fresh_number};
use crate::world::World;

on_each_envoy!(
    an_allow_is_logged_with_issuer_and_rule,
    an_anonymous_allow_is_logged_as_such,
    a_denial_is_logged_with_its_reason,
    neither_query_nor_token_is_logged,
);

async fn logged(world: &World, folder: &str, token: Option<&str>) -> Value {
    let path = format!("{folder}/{}-", fresh_number());
    let ask = Ask::get(format!("{path}?api_key=secret"));
    let ask = token.iter().fold(ask, |ask, token| ask.bearer(token));
    world.send(&ask, Listener::Example).await;
    world.proxy.logged(&path).await
}

async fn an_allow_is_logged_with_issuer_and_rule(world: &World) {
    let line = logged(world, "/orders", Some(&world.issuers.example.token())).await;
    assert_eq!(
        (&line["status"], &line["reason"]),
        (&json!(200), &json!("allowed")),
        "{line}"
    );
    assert_eq!(
        (&line["issuer"], &line["rule"]),
        (&json!("example"), &json!("everything else")),
        "{line}"
    );
}

async fn an_anonymous_allow_is_logged_as_such(world: &World) {
    let line = logged(world, "/public", None).await;
    assert_eq!(
        (&line["status"], &line["reason"]),
        (&json!(200), &json!("anonymous")),
        "{line}"
    );
    assert_eq!(
        (&line["issuer"], &line["rule"]),
        (&Value::Null, &json!("public")),
        "{line}"
    );
}

async fn a_denial_is_logged_with_its_reason(world: &World) {
    let line = logged(world, "/admin", Some(&world.issuers.example.token())).await;
    assert_eq!(
        (&line["status"], &line["reason"]),
        (&json!(403), &json!("insufficient_scope")),
        "{line}"
    );
    assert_eq!(
        (&line["issuer"], &line["rule"]),
        (&json!("example"), &json!("admin")),
        "{line}"
    );
    let line = logged(world, "/orders", None).await;
    assert_eq!(
        (&line["status"], &line["reason"]),
        (&json!(401), &json!("token_missing")),
        "{line}"
    );
}

async fn neither_query_nor_token_is_logged(world: &World) {
    let token = world.issuers.example.token();
    let line = logged(world, "/orders", Some(&token)).await.to_string();
    assert!(
        line.contains("/orders/") && !line.contains("secret") && !line.contains(&token),
        "{line}"
    );
}
