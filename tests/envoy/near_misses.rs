//! Near misses of a strict rule, sent through a proxy that normalises nothing to a service that
//! reads liberally. Each request runs the protected handler without Watchword, and reaches no
//! service with it.

use serde_json::json;

use crate::bootstrap::Listener;
use crate::client::{Ask, fresh_number};
use crate::http2_client;
use crate::upstream::REQUEST_ID;
use crate::world::World;

on_each_envoy!(
    another_spelling_of_a_path_runs_no_protected_handler,
    a_public_host_with_a_port_or_a_final_dot_is_refused_unless_envoy_strips_it,
    a_method_in_lower_case_runs_no_protected_handler,
    a_cookie_under_another_spelling_reaches_no_service,
    a_query_parameter_under_another_spelling_reaches_no_service,
);

async fn another_spelling_of_a_path_runs_no_protected_handler(world: &World) {
    let reader = world.issuers.example.token();
    let admin = world.issuers.example.token_with(&json!({"scope": "admin"}));
    for (plain, spellings) in [
        (
            "/users/@me/x",
            &["/users/%40me/x", "/users/@ME/x", "/Users/@me/x"][..],
        ),
        (
            "/v1/accounts/7:delete",
            &["/v1/accounts/7%3Adelete", "/v1/accounts/7%3adelete/"],
        ),
        ("/settings", &["/settings/", "/SETTINGS", "/Settings/"]),
    ] {
        let handler = format!("GET shop.example{plain}");
        let outcome = world
            .send(&Ask::get(plain).bearer(&admin), Listener::Careless)
            .await;
        assert_eq!(outcome.allowed().handler(), handler);
        let outcome = world
            .send(&Ask::get(plain).bearer(&reader), Listener::Careless)
            .await;
        outcome.denied(403, "insufficient_scope");
        for path in spellings {
            let ask = Ask::get(path).bearer(&reader);
            let unchecked = world.send(&ask, Listener::Unchecked).await;
            assert_eq!(unchecked.allowed().handler(), handler, "{path}");
            for door in [
                Listener::Careless,
                Listener::CarelessJoined,
                Listener::Example,
            ] {
                let outcome = world.send(&ask, door).await;
                outcome.denied(400, "request_malformed");
            }
        }
    }
}

async fn a_public_host_with_a_port_or_a_final_dot_is_refused_unless_envoy_strips_it(world: &World) {
    let public = Ask::get("/").host("public.example");
    world.send(&public, Listener::Careless).await.allowed();
    for host in [
        "public.example:9999",
        "public.example:80",
        "public.example.",
        "PUBLIC.example.:1",
    ] {
        let ask = Ask::get("/").host(host);
        let unchecked = world.send(&ask, Listener::Unchecked).await;
        assert_eq!(
            unchecked.allowed().handler(),
            "GET public.example",
            "{host}"
        );
        let outcome = world.send(&ask, Listener::Careless).await;
        outcome.denied(400, "request_malformed");
        // As the example has it, Envoy strips what makes the difference.
        world.send(&ask, Listener::Example).await.allowed();
    }
}

async fn a_method_in_lower_case_runs_no_protected_handler(world: &World) {
    let reader = format!("Bearer {}", world.issuers.example.token());
    for (method, door, reaches) in [
        ("POST", Listener::Careless, false),
        ("post", Listener::Careless, false),
        ("pOST", Listener::Example, false),
        ("post", Listener::Unchecked, true),
        ("GET", Listener::Careless, true),
    ] {
        let number = fresh_number();
        let fields: [(&str, &[u8]); 5] = [
            (":method", method.as_bytes()),
            (":path", b"/items/1"),
            (":authority", b"shop.example"),
            ("authorization", reader.as_bytes()),
            (REQUEST_ID, number.as_bytes()),
        ];
        let port = world.proxy.port(door.name());
        assert!(
            http2_client::is_answered(port, &fields).await,
            "{method} {door:?}"
        );
        let seen = world.upstream.seen(&number);
        assert_eq!(
            seen.len(),
            usize::from(reaches),
            "{method} {door:?}: {seen:?}"
        );
        if let Some(seen) = seen.first() {
            let handler = format!("{} shop.example/items/1", method.to_uppercase());
            assert_eq!(seen.handler(), handler);
        }
    }
}

async fn a_cookie_under_another_spelling_reaches_no_service(world: &World) {
    let good = world.issuers.silent.token();
    for cookie in [
        "session =forged".to_owned(),
        format!("session =forged; session={good}"),
        format!("session={good}; Session=forged"),
        format!("session={good}; a=b session=forged"),
        "session[]=forged".to_owned(),
    ] {
        let ask = Ask::get("/optional/x").header("Cookie", &cookie);
        let unchecked = world.send(&ask, Listener::Unchecked).await;
        assert!(
            unchecked
                .allowed()
                .credentials()
                .contains(&"forged".to_owned()),
            "{cookie}"
        );
        for door in [Listener::Careless, Listener::CarelessJoined] {
            let outcome = world.send(&ask, door).await;
            outcome.denied(401, "token_malformed");
        }
    }
    let ask = Ask::get("/optional/x").header("Cookie", format!("session={good}; a=1"));
    let outcome = world.send(&ask, Listener::Careless).await;
    assert!(
        outcome.allowed().credentials().is_empty(),
        "it is not forwarded"
    );
    assert_eq!(outcome.allowed().values("cookie"), ["a=1"]);
}

async fn a_query_parameter_under_another_spelling_reaches_no_service(world: &World) {
    let good = world.issuers.silent.token();
    for other in [
        "access_token[]",
        "ACCESS_TOKEN",
        "access_token%00",
        "x=1;access_token",
        "%61ccess_token",
    ] {
        for query in [
            format!("{other}=forged"),
            format!("access_token={good}&{other}=forged"),
        ] {
            let ask = Ask::get(format!("/optional/x?{query}"));
            let unchecked = world.send(&ask, Listener::Unchecked).await;
            assert!(
                unchecked
                    .allowed()
                    .credentials()
                    .contains(&"forged".to_owned()),
                "{other}"
            );
            let outcome = world.send(&ask, Listener::Careless).await;
            outcome.denied(401, "token_malformed");
        }
    }
    let ask = Ask::get(format!("/optional/x?access_token={good}&a=1"));
    let outcome = world.send(&ask, Listener::Careless).await;
    assert!(
        outcome.allowed().credentials().is_empty(),
        "it is not forwarded"
    );
}
