use proptest::prelude::*;
use serde_json::{Value, json};

use crate::token::{ClaimPath, Claims};

use super::{ArrayForm, ClaimHeader, ClaimHeaders, HeaderName};

fn headers(array: ArrayForm, required: bool) -> ClaimHeaders {
    let name = HeaderName::parse("x-claim").unwrap();
    ClaimHeaders(vec![ClaimHeader {
        name,
        claim: ClaimPath::dotted("c"),
        array,
        required,
    }])
}

/// The header for a claim: its value, nothing, or the code of the denial.
fn render_as(
    array: ArrayForm,
    required: bool,
    claim: &str,
) -> Result<Option<String>, &'static str> {
    let claims = Claims::parse(format!("{{\"c\":{claim}}}").as_bytes()).unwrap();
    let rendered = headers(array, required)
        .render(&claims)
        .map_err(|denial| denial.code())?;
    Ok(rendered
        .first()
        .map(|(_, value)| String::from_utf8(value.to_vec()).unwrap()))
}

fn render(claim: &Value) -> Result<Option<String>, &'static str> {
    render_as(ArrayForm::Comma, false, &claim.to_string())
}

fn value(claim: &Value) -> String {
    render(claim).unwrap().unwrap()
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[test]
fn plain_values_are_written_as_they_are() {
    assert_eq!(value(&json!("alice@example.com")), "alice@example.com");
    assert_eq!(value(&json!("Alice Liddell")), "Alice Liddell");
    assert_eq!(value(&json!("a,b")), "a,b");
    assert_eq!(value(&json!(true)), "true");
}

#[test]
fn numbers_are_written_as_the_token_writes_them() {
    for text in [
        "1",
        "1.0",
        "-0",
        "1e21",
        "9007199254740993",
        "123456789012345678901234567890",
    ] {
        assert_eq!(
            render_as(ArrayForm::Comma, false, text),
            Ok(Some(text.to_owned()))
        );
    }
}

#[test]
fn what_a_reader_could_trim_or_misread_is_percent_encoded() {
    assert_eq!(value(&json!("Zoë")), "Zo%C3%AB");
    assert_eq!(value(&json!("100%")), "100%25");
    assert_eq!(value(&json!(" alice ")), "%20alice%20");
    assert_eq!(value(&json!("a  b")), "a %20b");
}

#[test]
fn a_control_character_denies() {
    for text in [
        "a\rb",
        "a\nx-admin: 1",
        "a\u{0}",
        "a\tb",
        "a\u{7f}",
        "a\u{85}",
    ] {
        assert_eq!(render(&json!(text)), Err("claim_invalid"), "{text:?}");
        assert_eq!(render(&json!([text])), Err("claim_invalid"), "{text:?}");
    }
}

#[test]
fn an_array_element_cannot_look_like_two() {
    assert_eq!(value(&json!(["a", "b"])), "a,b");
    assert_eq!(value(&json!(["a,admin"])), "a%2Cadmin");
    assert_eq!(
        value(&json!([["a", "b"], 1, null, true])),
        "[\"a\"%2C\"b\"],1,null,true"
    );
}

#[test]
fn objects_and_arrays_on_request_are_ascii_json() {
    assert_eq!(
        value(&json!({"b": "é", "a": [1, "x\n"]})),
        r#"{"a":[1,"x\u000a"],"b":"\u00e9"}"#
    );
    assert_eq!(
        render_as(ArrayForm::Json, false, r#"["a,b","ü"]"#)
            .unwrap()
            .unwrap(),
        r#"["a,b","\u00fc"]"#
    );
}

#[test]
fn a_string_cannot_look_like_an_array_where_json_is_asked_for() {
    let json = |claim: &str| render_as(ArrayForm::Json, false, claim).unwrap().unwrap();
    assert_eq!(json(r#""[\"admin\"]""#), r#""[\"admin\"]""#);
    assert_eq!(json(r#"["admin"]"#), r#"["admin"]"#);
}

#[test]
fn no_value_means_no_header_unless_it_is_required() {
    for claim in ["null", "\"\"", "[]"] {
        assert_eq!(render_as(ArrayForm::Comma, false, claim), Ok(None));
        assert_eq!(
            render_as(ArrayForm::Comma, true, claim),
            Err("claim_missing")
        );
    }
    let without = Claims::parse(b"{}").unwrap();
    assert!(
        headers(ArrayForm::Comma, false)
            .render(&without)
            .unwrap()
            .is_empty()
    );
    assert!(headers(ArrayForm::Comma, true).render(&without).is_err());
}

#[test]
fn values_over_the_limit_deny_and_are_never_cut() {
    assert_eq!(value(&json!("x".repeat(4096))).len(), 4096);
    assert_eq!(render(&json!("x".repeat(4097))), Err("claim_invalid"));
    assert_eq!(render(&json!("é".repeat(1000))), Err("claim_invalid"));
}

proptest! {
    #[test]
    fn every_text_can_be_read_back(text in any::<String>()) {
        match render(&json!(text)) {
            Ok(Some(value)) => {
                prop_assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')));
                prop_assert_eq!(value.trim(), value.as_str());
                prop_assert_eq!(percent_decode(&value), text.into_bytes());
            }
            Ok(None) => prop_assert!(text.is_empty()),
            Err(code) => prop_assert_eq!(code, "claim_invalid"),
        }
    }
}
