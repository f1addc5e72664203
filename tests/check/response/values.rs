//! Area `response`: claim values in headers. A value can be read back exactly, and never looks like
//! two.

use serde_json::{Value, json};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::tokens::{CORP, RSA, claims, claims_with, payload, text_with};
use super::{HEADERS, valued};

pub(crate) const ROWS: &[Row] = &[
    row!("RSP-08", control_character_is_refused),
    row!("RSP-09", other_characters_are_percent_encoded),
    row!("RSP-10", long_value_is_refused),
    row!("RSP-11", element_with_a_comma_is_one_element),
    row!("RSP-12", object_is_json),
    row!("RSP-14", number_is_as_it_was_written),
    row!("RSP-15", empty_text_is_no_header),
    row!("RSP-16", outer_space_is_kept),
];

/// The header `x-claim` for a claim of this value.
fn is_written(case: &mut Case, value: Value, wanted: &str) {
    let what = value.to_string();
    let outcome = valued(case, &what, value);
    case.equal(&what, outcome.header("x-claim"), Some(wanted));
}

/// The header for a claim of this JSON text.
fn text_is_written(case: &mut Case, json: &str, wanted: &str) {
    let token = payload(&text_with(&claims(), "value", json));
    let outcome = case.accepts(&HEADERS, json, token);
    case.equal(json, outcome.header("x-claim"), Some(wanted));
}

fn control_character_is_refused(case: &mut Case) {
    let controls = [
        "\r", "\n", "\r\n", "\0", "\u{7f}", "\t", "\u{b}", "\u{1b}", "\u{1}", "\u{85}", "\u{9f}",
    ];
    for control in controls {
        for text in [
            format!("bob{control}x-admin: true"),
            format!("{control}bob"),
            format!("bob{control}"),
        ] {
            let what = text.escape_debug().to_string();
            for value in [json!(text), json!([text]), json!(["a", text])] {
                let token = RSA.sign(&claims_with("value", value));
                case.refuses(&HEADERS, &what, &token, "claim_invalid");
                case.accepts(&CORP, "where no header has it", &token);
            }
            let token = RSA.sign(&claims_with("sub", json!(text)));
            case.refuses(&HEADERS, &what, token, "claim_invalid");
        }
    }
}

/// Documented: UTF-8, percent-encoded, and `%` as well, so that it can be undone.
fn other_characters_are_percent_encoded(case: &mut Case) {
    is_written(
        case,
        json!("J\u{fc}rgen M\u{fc}ller"),
        "J%C3%BCrgen M%C3%BCller",
    );
    is_written(case, json!("\u{1f600}"), "%F0%9F%98%80");
    is_written(case, json!("100%"), "100%25");
    is_written(case, json!("a%2Cb"), "a%252Cb");
    is_written(case, json!("\u{430}dmin"), "%D0%B0dmin");
    is_written(case, json!("x\u{200b}y"), "x%E2%80%8By");
    is_written(case, json!("x\u{2028}y"), "x%E2%80%A8y");
    is_written(case, json!("a\"b\\c;d=e@f/g:h"), "a\"b\\c;d=e@f/g:h");
    is_written(case, json!("\u{fc}"), "%C3%BC");
}

fn long_value_is_refused(case: &mut Case) {
    let long = |length: usize| RSA.sign(&claims_with("value", json!("v".repeat(length))));
    // Two bytes less than the limit: one of the headers is JSON, with quotes.
    case.accepts(&HEADERS, "4 KiB", long(4094));
    for length in [4097, 8 << 10, 40 << 10] {
        case.refuses(
            &HEADERS,
            &format!("{length} bytes"),
            long(length),
            "claim_invalid",
        );
    }
    case.refuses(&HEADERS, "64 KiB", long(64 << 10), "token_too_large");
    let umlauts = RSA.sign(&claims_with("value", json!("\u{fc}".repeat(700))));
    case.refuses(
        &HEADERS,
        "4200 bytes when encoded",
        umlauts,
        "claim_invalid",
    );
    let many = |each: usize| {
        let issuer = (0..6).fold(super::corp(), |issuer, number| {
            issuer.header(&format!("x-part-{number}"), "value")
        });
        let settings = super::Settings::of(issuer).server("max_token_size: 65536");
        (
            super::Site::start(&settings),
            RSA.sign(&claims_with("value", json!("v".repeat(each)))),
        )
    };
    let (site, token) = many(2_700);
    case.accepts(&site, "16200 bytes in all", token);
    let (site, token) = many(4_000);
    case.refuses(&site, "24000 bytes in all", token, "claim_invalid");
}

fn element_with_a_comma_is_one_element(case: &mut Case) {
    is_written(case, json!(["a", "b"]), "a,b");
    is_written(case, json!(["a,admin"]), "a%2Cadmin");
    is_written(case, json!(["a", "b,c", "d"]), "a,b%2Cc,d");
    is_written(case, json!(["a%2Cb"]), "a%252Cb");
    is_written(case, json!(["a", 1, true]), "a,1,true");
    is_written(case, json!([["a", "b"], "c"]), "[\"a\"%2C\"b\"],c");
    is_written(case, json!("a,b"), "a,b");
    let outcome = valued(case, "as JSON", json!(["a,admin", "\u{fc}", ["b"]]));
    case.equal(
        "x-json",
        outcome.header("x-json"),
        Some(r#"["a,admin","\u00fc",["b"]]"#),
    );
    let outcome = valued(case, "empty", json!([]));
    case.holds("no header for no element", outcome.removes("x-claim"));
    let short = RSA.sign(&claims_with("value", json!(vec!["x"; 10_000])));
    case.refuses(&HEADERS, "10000 elements", short, "claim_invalid");
}

fn object_is_json(case: &mut Case) {
    is_written(case, json!({"a": 1}), r#"{"a":1}"#);
    is_written(
        case,
        json!({"n": {"x": ["\u{fc}", null, true]}}),
        r#"{"n":{"x":["\u00fc",null,true]}}"#,
    );
    is_written(
        case,
        json!({"a\r\nb": "c\0d"}),
        r#"{"a\u000d\u000ab":"c\u0000d"}"#,
    );
    is_written(case, json!({}), "{}");
}

fn number_is_as_it_was_written(case: &mut Case) {
    for number in [
        "1",
        "1.0",
        "-0",
        "1e21",
        "9007199254740993",
        "-1",
        "0.1",
        "1E+2",
        "123456789012345678901234567890",
    ] {
        text_is_written(case, number, number);
    }
    is_written(case, json!(true), "true");
    is_written(case, json!(false), "false");
    text_is_written(case, "[9007199254740993,1.0]", "9007199254740993,1.0");
}

fn empty_text_is_no_header(case: &mut Case) {
    let token = RSA.sign(&claims_with("value", json!("")));
    let call = Call::bearing(token)
        .header("x-claim", "admin")
        .header("x_claim", "admin");
    let outcome = case.allows(&HEADERS, "empty", &call);
    case.equal("x-claim", outcome.header("x-claim"), None);
    case.holds(
        "removed",
        outcome.removes("x-claim") && outcome.removes("x_claim"),
    );
}

/// A space that a hop might trim or fold is written out, so that ` bob` and `bob` stay two.
fn outer_space_is_kept(case: &mut Case) {
    is_written(case, json!(" bob"), "%20bob");
    is_written(case, json!("bob "), "bob%20");
    is_written(case, json!("bob smith"), "bob smith");
    is_written(case, json!("bob  smith"), "bob %20smith");
    is_written(case, json!(" "), "%20");
    is_written(case, json!(["a ", " b"]), "a%20,%20b");
    let tab = RSA.sign(&claims_with("value", json!("bob\tsmith")));
    case.refuses(&HEADERS, "inner tab", tab, "claim_invalid");
    is_written(case, json!("bob\u{a0}"), "bob%C2%A0");
}
