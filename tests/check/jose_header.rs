//! Area `jose-header`: critical extensions, media types, and what else a header may hold.

use serde_json::json;
use watchword_test_support::mint;

use super::catalogue::{Case, Row, row};
use super::tokens::{self, CORP, RSA, claims, headed, with};

pub(crate) mod syntax;
pub(crate) mod typ;

pub(crate) const ROWS: &[Row] = &[
    row!("HDR-01", registered_names_are_not_critical_extensions),
    row!("HDR-03", unknown_critical_extension_is_refused),
    row!("HDR-04", absent_critical_extension_is_refused),
    row!("HDR-05", crit_of_another_form_is_malformed),
    row!("HDR-06", unencoded_payload_is_refused),
    row!("HDR-07", b64_without_crit_is_malformed),
    row!("HDR-08", crit_in_an_encrypted_token_is_refused),
    row!("HDR-27", zip_is_not_inflated),
];

/// A good token of the RSA key with one more member in its header.
fn bearing(name: &str, value: serde_json::Value) -> String {
    RSA.sign_with(&with(RSA.header(), name, value), &claims())
}

fn registered_names_are_not_critical_extensions(case: &mut Case) {
    case.accepts(&CORP, "without crit", tokens::good());
    for name in [
        "exp", "alg", "kid", "typ", "crit", "nbf", "iss", "jwk", "zip",
    ] {
        case.refuses(
            &CORP,
            name,
            bearing("crit", json!([name])),
            "crit_unsupported",
        );
    }
    let header = with(
        with(RSA.header(), "exp", json!(4_102_444_800_u64)),
        "crit",
        json!(["exp"]),
    );
    case.refuses(
        &CORP,
        "exp, present",
        RSA.sign_with(&header, &claims()),
        "crit_unsupported",
    );
}

fn unknown_critical_extension_is_refused(case: &mut Case) {
    case.accepts(&CORP, "foo, not critical", bearing("foo", json!(1)));
    let header = with(with(RSA.header(), "foo", json!(1)), "crit", json!(["foo"]));
    case.refuses(
        &CORP,
        "foo, critical",
        RSA.sign_with(&header, &claims()),
        "crit_unsupported",
    );
    let header = with(header, "crit", json!(["foo", "b64"]));
    case.refuses(
        &CORP,
        "foo and b64",
        RSA.sign_with(&header, &claims()),
        "crit_unsupported",
    );
}

fn absent_critical_extension_is_refused(case: &mut Case) {
    case.refuses(
        &CORP,
        "foo",
        bearing("crit", json!(["foo"])),
        "crit_unsupported",
    );
}

fn crit_of_another_form_is_malformed(case: &mut Case) {
    let forms = [
        json!("exp"),
        json!([1]),
        json!(["a", "a"]),
        json!([]),
        json!(null),
        json!({"exp": true}),
        json!(["a", 1]),
        json!([["a"]]),
    ];
    for crit in forms {
        case.refuses(
            &CORP,
            &crit.to_string(),
            bearing("crit", crit.clone()),
            "token_malformed",
        );
    }
}

/// RFC 7797: the signature is over the payload's own bytes.
fn unencoded(header: &serde_json::Value, payload: &str) -> String {
    let input = format!("{}.{payload}", mint::b64(header.to_string().as_bytes()));
    format!("{input}.{}", mint::b64(&RSA.signature(input.as_bytes())))
}

fn unencoded_payload_is_refused(case: &mut Case) {
    let header = with(
        with(RSA.header(), "b64", json!(false)),
        "crit",
        json!(["b64"]),
    );
    let claims = claims().to_string();
    case.refuses(
        &CORP,
        "JSON in the token",
        unencoded(&header, &claims),
        "token_malformed",
    );
    let text = mint::b64(claims.as_bytes());
    case.refuses(
        &CORP,
        "token characters only",
        unencoded(&header, &text),
        "crit_unsupported",
    );
    case.refuses(
        &CORP,
        "empty payload",
        unencoded(&header, ""),
        "crit_unsupported",
    );
}

fn b64_without_crit_is_malformed(case: &mut Case) {
    let header = with(RSA.header(), "b64", json!(false));
    let claims = claims().to_string();
    case.refuses(
        &CORP,
        "JSON in the token",
        unencoded(&header, &claims),
        "token_malformed",
    );
    let text = mint::b64(claims.as_bytes());
    case.refuses(
        &CORP,
        "token characters only",
        unencoded(&header, &text),
        "token_malformed",
    );
}

fn crit_in_an_encrypted_token_is_refused(case: &mut Case) {
    for crit in [json!(["exp"]), json!(["foo"])] {
        let header = json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "crit": crit});
        let parts = [
            header.to_string().as_bytes(),
            b"key",
            b"iv",
            b"text",
            b"tag",
        ]
        .map(mint::b64);
        case.refuses(
            &CORP,
            &crit.to_string(),
            parts.join("."),
            "crit_unsupported",
        );
    }
}

/// A block of DEFLATE that is stored, not compressed (RFC 1951 §3.2.4).
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short text");
    [
        &[1],
        &length.to_le_bytes()[..],
        &(!length).to_le_bytes()[..],
        bytes,
    ]
    .concat()
}

fn zip_is_not_inflated(case: &mut Case) {
    case.accepts(
        &CORP,
        "honest payload, header ignored",
        bearing("zip", json!("DEF")),
    );
    let header = with(RSA.header(), "zip", json!("DEF")).to_string();
    let token = RSA.sign_text(&header, &deflated(claims().to_string().as_bytes()));
    case.refuses(&CORP, "deflated payload", token, "token_malformed");
}

/// Rows of the header's JSON that need nothing but a header text and a signature over it.
fn malformed(case: &mut Case, headers: &[&str]) {
    for header in headers {
        let what = header.chars().take(60).collect::<String>();
        case.refuses(&CORP, &what, headed(header), "token_malformed");
    }
}
