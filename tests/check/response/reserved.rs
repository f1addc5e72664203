//! Area `response`: headers that no claim may be written to.

use super::super::catalogue::{Case, Row, row};
use super::super::config::refuse;
use super::super::settings::Settings;
use super::super::tokens::{RSA, corp};

pub(crate) const ROWS: &[Row] = &[
    row!("RSP-17", reserved_header_is_a_configuration_error),
    row!("RSP-18", headers_that_look_alike_are_a_configuration_error),
];

fn reserved_header_is_a_configuration_error(case: &mut Case) {
    let with_header = |name: &str| Settings::of(corp().header(&format!("'{name}'"), "sub")).text();
    for name in [
        "host",
        ":path",
        ":authority",
        ":method",
        "authorization",
        "content-length",
        "transfer-encoding",
        "connection",
        "x-envoy-original-path",
        "x-envoy-internal",
        "x-envoy-x",
        "cookie",
        "te",
        "upgrade",
        "keep-alive",
        "trailer",
        "proxy-authorization",
        "x-forwarded-for",
        "x-forwarded-host",
        "x_forwarded_for",
        "X-Envoy-Peer",
        "Host",
        "content_length",
        "",
        "x user",
        "x:y",
        "x-\u{fc}ser",
        "x-user\\r\\n",
        "x-original-url",
        "x_http_method_override",
    ] {
        refuse(case, name, &with_header(name), &["headers"]);
    }
    let place = Settings::of(corp().header("x-jwt", "sub")).server("token_from: [{header: x-jwt}]");
    refuse(
        case,
        "a header in which tokens are looked for",
        &place.text(),
        &["x-jwt"],
    );
    case.holds(
        "a header of one's own",
        super::super::config::parse(&with_header("x-own")).is_ok(),
    );
}

fn headers_that_look_alike_are_a_configuration_error(case: &mut Case) {
    for (one, other) in [
        ("x-user-id", "x_user_id"),
        ("x-user-id", "X-User-Id"),
        ("x-user-id", "x-user_id"),
        ("x-user-id", "x-user-id"),
        ("x_user_id", "x-user_id"),
    ] {
        let both = corp().header(one, "sub").header(other, "email");
        refuse(
            case,
            &format!("{one} and {other}"),
            &Settings::of(both).text(),
            &["ser"],
        );
    }
    // Two issuers may fill one header, but not two that look alike.
    let second = |name: &str| {
        let set = watchword_test_support::mint::key_set(&[&RSA]);
        super::super::settings::Issuer::named("other", "https://other.example", &set)
            .header(name, "sub")
    };
    let first = corp().header("x-user-id", "sub");
    let same = Settings::of(first.clone())
        .issuer(second("x-user-id"))
        .text();
    case.holds(
        "one header of two issuers",
        super::super::config::parse(&same).is_ok(),
    );
    let alike = Settings::of(first).issuer(second("x_user_id")).text();
    refuse(case, "look-alikes of two issuers", &alike, &["user"]);
}
