//! Area `grpc`: messages. The answer to any bytes as a `CheckRequest` is a decision and gRPC OK.

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::expect::Expect;
use super::outcome::Outcome;
use super::pb;
use super::tokens::{self, CORP};

pub(crate) mod connections;
pub(crate) mod protocol;
mod resets;
pub(crate) mod shutdown;

pub(crate) const ROWS: &[Row] = &[
    row!("GRP-01", request_without_http_is_malformed),
    row!("GRP-03", invalid_utf8_never_opens_the_door),
    row!("GRP-04", huge_message_is_answered),
    row!("GRP-05", message_that_does_not_decode_is_malformed),
    row!("GRP-06", deep_metadata_overflows_no_stack),
];

/// Sends these bytes as the message.
fn sent(case: &mut Case, what: &str, message: Vec<u8>, expect: Expect) -> Outcome {
    let outcome = CORP.ask_bytes(message);
    case.judge(what, &CORP, &Call::get(""), &outcome, expect);
    outcome
}

const MALFORMED: Expect = Expect::Deny(400, "request_malformed");

fn good() -> Call {
    Call::bearing(tokens::good())
}

fn request_without_http_is_malformed(case: &mut Case) {
    let peer = pb::bytes(
        1,
        &pb::bytes(4, b"spiffe://cluster.local/ns/shop/sa/orders"),
    );
    for (what, message) in [
        ("empty message", Vec::new()),
        ("no request", pb::bytes(1, &[])),
        ("TCP filter", pb::bytes(1, &peer)),
        (
            "no http",
            pb::bytes(1, &[peer.as_slice(), &pb::bytes(4, &[])].concat()),
        ),
        (
            "time only",
            pb::bytes(1, &pb::bytes(4, &pb::bytes(1, &pb::number(1, 1)))),
        ),
        (
            "context only",
            pb::bytes(
                1,
                &pb::bytes(
                    10,
                    &[pb::bytes(1, b"policy"), pb::bytes(2, b"shop")].concat(),
                ),
            ),
        ),
    ] {
        sent(case, what, message, MALFORMED);
    }
    let empty_http = pb::bytes(1, &pb::bytes(4, &pb::bytes(2, &[])));
    sent(
        case,
        "empty http",
        empty_http,
        Expect::Deny(401, "token_missing"),
    );
}

/// CVE-2023-27488. The bytes of a field that is read are judged; those of other fields do not
/// matter.
fn invalid_utf8_never_opens_the_door(case: &mut Case) {
    let bytes: [&[u8]; 4] = [b"caf\xe9", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf"];
    for text in bytes {
        case.allows(&CORP, "header value", &good().header("x-note", text));
        case.allows(&CORP, "header name", &good().header(text, "x"));
        case.denies(
            &CORP,
            "header value, no token",
            &Call::get("/orders").header("x-note", text),
            401,
            "token_missing",
        );
        case.denies(&CORP, "token", &Call::bearing(text), 401, "token_malformed");
        let scheme = Call::get("/orders").header("authorization", [text, b" x"].concat());
        case.denies(&CORP, "scheme", &scheme, 401, "token_missing");
        let path = [b"/orders/", text].concat();
        case.denies(
            &CORP,
            "path, no token",
            &Call::get(&path),
            401,
            "token_missing",
        );
        let by_path = super::rules::refuse_path(case, &path);
        case.holds("path, where a rule looks at it", by_path);
        case.denies(
            &CORP,
            "method, no token",
            &Call::get("/orders").method(text),
            401,
            "token_missing",
        );
        case.denies(
            &CORP,
            "host, no token",
            &Call::get("/orders").host(text),
            401,
            "token_missing",
        );
        // id, scheme, query, protocol and body: never read.
        for number in [1, 6, 7, 10, 11] {
            let field = pb::bytes(number, text);
            let what = format!("field {number} of http");
            let outcome = CORP.ask_bytes(good().with_http_fields(&field));
            case.judge(&what, &CORP, &good(), &outcome, Expect::Allow);
            let nobody = Call::get("/orders");
            let outcome = CORP.ask_bytes(nobody.with_http_fields(&field));
            case.judge(
                &what,
                &CORP,
                &nobody,
                &outcome,
                Expect::Deny(401, "token_missing"),
            );
        }
        // source.service and source.principal, beside a good request.
        let peer = pb::bytes(
            1,
            &pb::bytes(1, &[pb::bytes(2, text), pb::bytes(4, text)].concat()),
        );
        let outcome = CORP.ask_bytes([good().encoded(), peer.clone()].concat());
        case.judge("source", &CORP, &good(), &outcome, Expect::Allow);
        sent(case, "source alone", peer, MALFORMED);
    }
}

fn huge_message_is_answered(case: &mut Case) {
    let padded = |length: usize| {
        let call = good().encoded();
        let field = pb::bytes(15, &vec![0; length - call.len() - 5]);
        [call, field].concat()
    };
    let limit = 4 << 20;
    let largest = padded(limit);
    case.equal("4 MiB", largest.len(), limit);
    sent(case, "4 MiB", largest, Expect::Allow);
    sent(case, "4 MiB + 1", padded(limit + 1), MALFORMED);
    sent(case, "16 MiB", padded(16 << 20), MALFORMED);
    case.allows(&CORP, "the connection survives", &good());
    let many = (0..10_000).fold(good(), |call, number| {
        call.header(format!("x-header-{number}"), "value")
    });
    case.allows(&CORP, "10000 headers", &many);
    let many = (0..10_000).fold(Call::get("/orders"), |call, number| {
        call.raw_header(format!("x-header-{number}"), "value")
    });
    case.denies(
        &CORP,
        "10000 raw headers, no token",
        &many,
        401,
        "token_missing",
    );
    let spoofed = (0..10_000).fold(good(), |call, _| call.header("x_auth_subject", "admin"));
    case.allows(&CORP, "10000 forged headers", &spoofed);
    case.allows(
        &CORP,
        "a value of 1 MiB",
        &good().header("x-note", "x".repeat(1 << 20)),
    );
    let long =
        Call::get("/orders").header("authorization", format!("Bearer {}", "x".repeat(1 << 20)));
    case.denies(&CORP, "a token of 1 MiB", &long, 401, "token_too_large");
    let long = Call::get(format!("/{}", "x".repeat(1 << 20)));
    case.denies(&CORP, "a path of 1 MiB", &long, 401, "token_missing");
    case.allows(&CORP, "the connection survives", &good());
    resets::many_large_messages_are_not_held(case);
}

/// The catalogue allows a gRPC error here; an answer is stricter, since `failure_mode_allow` makes
/// an allow of an error.
fn message_that_does_not_decode_is_malformed(case: &mut Case) {
    let message = good().encoded();
    for end in 0..message.len() {
        sent(
            case,
            &format!("cut to {end} bytes"),
            message[..end].to_vec(),
            MALFORMED,
        );
    }
    for (what, message) in [
        ("attributes as a number", pb::number(1, 1)),
        (
            "http as a number",
            pb::bytes(1, &pb::bytes(4, &pb::number(2, 1))),
        ),
        (
            "headers as a number",
            pb::bytes(1, &pb::bytes(4, &pb::bytes(2, &pb::number(3, 1)))),
        ),
        ("huge length", [&[0x0a][..], &[0xff; 9], &[0x01]].concat()),
        (
            "length of 2^31",
            [&[0x0a][..], &pb::varint(1 << 31)].concat(),
        ),
        ("varint without end", vec![0xff; 20]),
        ("field number 0", [&[0x02][..], &message].concat()),
        ("wire type 6", [&[0x0e][..], &message].concat()),
        ("wire type 7", [&[0x0f][..], &message].concat()),
        ("end of a group", [&[0x0c][..], &message].concat()),
        ("group without end", [message.as_slice(), &[0x7b]].concat()),
        (
            "10000 groups",
            [message.as_slice(), &vec![0x7b; 10_000]].concat(),
        ),
        (
            "100000 groups, closed",
            [
                message.as_slice(),
                &vec![0x7b; 100_000],
                &vec![0x7c; 100_000],
            ]
            .concat(),
        ),
        (
            "noise",
            (0..1_000_u32)
                .map(|number| ((number * 7919) >> 3) as u8 | 4)
                .collect(),
        ),
        ("JSON", br#"{"attributes":{}}"#.to_vec()),
    ] {
        sent(case, what, message, MALFORMED);
    }
    let unknown: Vec<u8> = (0..10_000)
        .flat_map(|number| pb::bytes(1_000 + number, b"unknown"))
        .collect();
    sent(
        case,
        "10000 unknown fields",
        [message.as_slice(), &unknown].concat(),
        Expect::Allow,
    );
    // A field that stands twice is merged: nothing of the second may be lost, or the two would be
    // read in two ways.
    let twice = [message.clone(), message.clone()].concat();
    sent(
        case,
        "two requests in one",
        twice,
        Expect::Deny(401, "token_malformed"),
    );
    case.allows(&CORP, "the connection survives", &good());
}

fn deep_metadata_overflows_no_stack(case: &mut Case) {
    // Struct { fields = 1: { key = 1, value = 2: Value { struct_value = 5: Struct … } } }
    let mut nested = Vec::new();
    for _ in 0..10_000 {
        let value = pb::bytes(5, &nested);
        nested = pb::bytes(1, &[pb::bytes(1, b"k"), pb::bytes(2, &value)].concat());
    }
    let metadata = pb::bytes(
        1,
        &[pb::bytes(1, b"envoy.lb"), pb::bytes(2, &nested)].concat(),
    );
    for number in [11, 13] {
        let attributes = pb::bytes(1, &pb::bytes(number, &metadata));
        let message = [good().encoded(), attributes.clone()].concat();
        sent(case, &format!("field {number}"), message, Expect::Allow);
        let message = [Call::get("/orders").encoded(), attributes].concat();
        sent(
            case,
            &format!("field {number}, no token"),
            message,
            Expect::Deny(401, "token_missing"),
        );
    }
}
