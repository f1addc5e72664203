//! `failure_mode_allow: true` turns every error of Watchword into an allow. So no request may cause
//! an error: each gets a decision.

use serde_json::{Value, json};

use crate::bootstrap::Listener;
use crate::client::{Ask, fresh_number};
use crate::http2_client::is_answered;
use crate::issuer::NOW;
use crate::upstream::{REQUEST_ID, Seen};
use crate::world::World;

on_each_envoy!(
    an_error_would_open_this_door,
    no_kind_of_denial_is_an_error,
    header_bytes_that_are_not_text_do_not_pass,
    a_path_that_is_not_text_does_not_pass,
    bytes_that_are_not_text_do_not_make_a_path_public,
    a_host_that_is_not_text_does_not_pass,
);

const DOORS: [Listener; 2] = [Listener::Careless, Listener::CarelessJoined];

/// Without this the other facts would prove nothing.
async fn an_error_would_open_this_door(world: &World) {
    let ask = Ask::get("/orders").header("x-auth-subject", "mallory");
    let outcome = world.send(&ask, Listener::CarelessOutage).await;
    assert_eq!(outcome.allowed().values("x-auth-subject"), ["mallory"]);
    assert!(
        world
            .proxy
            .statistic(&errors_at(Listener::CarelessOutage))
            .await
            > 0
    );
}

async fn no_kind_of_denial_is_an_error(world: &World) {
    let issuers = &world.issuers;
    let asks = [
        (Ask::get("/orders"), 401),
        (Ask::get("/orders").header("authorization", "Bearer"), 401),
        (Ask::get("/orders").bearer("a.b.c"), 401),
        (Ask::get("/orders").bearer(&"a".repeat(20_000)), 401),
        (Ask::get("/orders").bearer(&issuers.impostor.token()), 401),
        (
            Ask::get("/orders").bearer(&issuers.example.token_with(&json!({"exp": NOW - 60}))),
            401,
        ),
        (
            Ask::get("/orders").bearer(
                &issuers
                    .example
                    .token_with(&json!({"sub": "alice\r\nx-auth-scope: admin"})),
            ),
            401,
        ),
        (
            Ask::get("/admin/users").bearer(&issuers.example.token()),
            403,
        ),
        (
            Ask::get("/reports/2026").bearer(&issuers.example.token()),
            403,
        ),
        (Ask::get("//admin").bearer(&issuers.example.token()), 400),
        (Ask::get("/outage/").bearer(&issuers.outage.token()), 503),
    ];
    for (ask, status) in asks {
        for door in DOORS {
            assert_eq!(
                world.send(&ask, door).await.stopped().status,
                status,
                "{door:?}"
            );
        }
    }
    no_error_was_counted(world).await;
}

async fn header_bytes_that_are_not_text_do_not_pass(world: &World) {
    let token = world.issuers.example.token();
    for bytes in [&b"\xff"[..], b"\xc3\x28", b"\xed\xa0\x80", b"caf\xe9"] {
        let with_bytes = [b"Bearer ", token.as_bytes(), bytes].concat();
        for door in DOORS {
            let in_the_token = Ask::get("/orders").header("authorization", &with_bytes);
            world
                .send(&in_the_token, door)
                .await
                .denied(401, "token_malformed");
            let beside_no_token = Ask::get("/orders")
                .header("x-other", bytes)
                .header("x-auth-subject", bytes);
            world
                .send(&beside_no_token, door)
                .await
                .denied(401, "token_missing");
        }
    }
    for door in DOORS {
        world
            .send(&Ask::get("/orders").bearer(&token), door)
            .await
            .allowed();
    }
    no_error_was_counted(world).await;
}

/// Over HTTP/1 Envoy refuses such bytes itself. Over HTTP/2 it lets them through, and shows us in
/// `path` a `!` for each byte that is not UTF-8: only the raw `:path` header tells what the
/// upstream would get.
async fn a_path_that_is_not_text_does_not_pass(world: &World) {
    let token = world.issuers.example.token();
    for bytes in [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"caf\xe9",
        b"caf\xc3\xa9",
    ] {
        for folder in ["/public", "/orders"] {
            let (line, seen) = over_http2(
                world,
                Listener::Careless,
                [folder.as_bytes(), b"/", bytes],
                &token,
            )
            .await;
            assert_eq!(
                (&line["details"], &line["status"]),
                (&json!("ext_authz_denied"), &json!(400)),
                "{line}"
            );
            assert!(seen.is_empty(), "{line}");
        }
    }
    let (line, seen) = over_http2(
        world,
        Listener::Careless,
        [b"/orders", b"/", b"cafe"],
        &token,
    )
    .await;
    assert_eq!(
        (&line["details"], seen.len()),
        (&json!("via_upstream"), 1),
        "{line}"
    );
    no_error_was_counted(world).await;
}

async fn bytes_that_are_not_text_do_not_make_a_path_public(world: &World) {
    for door in DOORS {
        for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\xc3\xa9"] {
            let (line, seen) =
                over_http2(world, door, [b"/public", bytes, b"/news"], "no token").await;
            assert_eq!(line["details"], "ext_authz_denied", "{line}");
            assert!(seen.is_empty(), "{line}");
        }
        let (line, seen) = over_http2(world, door, [b"/public", b"/", b"news"], "no token").await;
        assert_eq!(
            (&line["reason"], seen.len()),
            (&json!("anonymous"), 1),
            "{line}"
        );
    }
    no_error_was_counted(world).await;
}

/// Envoy refuses such a host itself.
async fn a_host_that_is_not_text_does_not_pass(world: &World) {
    for door in DOORS {
        let outcome = world
            .send(&Ask::get("/public/news").host(b"shop\xff.example"), door)
            .await;
        assert_eq!(outcome.stopped().status, 400, "{door:?}");
        world
            .send(&Ask::get("/public/news").host(b"shop.example"), door)
            .await
            .allowed();
    }
    no_error_was_counted(world).await;
}

/// The line of the access log for a request of this path, in three parts, and what the upstream saw
/// of it.
async fn over_http2(
    world: &World,
    door: Listener,
    path: [&[u8]; 3],
    token: &str,
) -> (Value, Vec<Seen>) {
    let number = fresh_number();
    let mark = format!("/{number}-");
    let path = [path.concat().as_slice(), mark.as_bytes()].concat();
    let credentials = format!("Bearer {token}");
    let fields: [(&str, &[u8]); 4] = [
        (":path", &path),
        (":authority", b"shop.example"),
        ("authorization", credentials.as_bytes()),
        (REQUEST_ID, number.as_bytes()),
    ];
    assert!(
        is_answered(world.proxy.port(door.name()), &fields).await,
        "Envoy gave the request up"
    );
    (
        world.proxy.logged(&mark).await,
        world.upstream.seen(&number),
    )
}

async fn no_error_was_counted(world: &World) {
    for door in DOORS {
        assert_eq!(world.proxy.statistic(&errors_at(door)).await, 0, "{door:?}");
    }
}

fn errors_at(door: Listener) -> String {
    format!("http.{}.ext_authz.error", door.name())
}
