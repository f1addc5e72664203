//! Target `claims`: any payload under a good signature.

use prost_types::value::Kind;
use serde_json::Value;
use watchword::wire::watchword::v1::validate_response::Verdict;
use watchword::wire::watchword::v1::{ValidateRequest, ValidateResponse};
use watchword_test_support::in_process::framed;

use super::doors::{VALIDATE, ask};
use super::json::Strict;
use super::keys::{NOW, issuer};
use super::second_opinion::passes;

/// Any bytes as the payload of a token that is signed: they are claims that pass if and only if the
/// second opinion says so, and the answer has the values that a second reader reads.
pub fn claims(data: &[u8]) -> bool {
    let issuer = issuer("hs");
    let header = r#"{"alg":"HS256"}"#;
    let message = ValidateRequest {
        token: issuer.signer.sign_text(header, data).into(),
        ..ValidateRequest::default()
    };
    let answer: ValidateResponse = ask(VALIDATE, framed(&message)).expect("an answer");
    let shown = || String::from_utf8_lossy(data);
    match answer.verdict.expect("an explicit verdict") {
        Verdict::Allow(allow) => {
            assert!(passes(data, issuer, 0.01), "accepted alone: {}", shown());
            let read = Strict::read(data).map(Strict::value);
            let claims = read.expect("claims of the second reader");
            let ours = Kind::StructValue(allow.claims.expect("claims"));
            assert!(is_same(&ours, &claims), "{ours:?} {}", shown());
            true
        }
        Verdict::Deny(deny) => {
            // A subject that no header can hold is a denial of its own.
            let is_plain = data
                .iter()
                .all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\');
            let is_bounded = data.len() < 8000 && is_plain;
            let is_due = is_bounded && passes(data, issuer, -0.01);
            assert!(!is_due, "{:?} alone: {}", deny.code, shown());
            false
        }
    }
}

fn is_same(ours: &Kind, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Kind::NullValue(_), Value::Null) => true,
        (Kind::BoolValue(one), Value::Bool(other)) => one == other,
        (Kind::StringValue(one), Value::String(other)) => one == other,
        // An integer that doubles do not hold.
        (Kind::StringValue(one), Value::Number(_)) => {
            let one = one.parse::<f64>().ok().map(Kind::NumberValue);
            one.is_some_and(|one| is_same(&one, theirs))
        }
        (Kind::NumberValue(one), Value::Number(other)) => {
            let other = other.as_f64().expect("a number");
            // The second reader is not exact in the last digit.
            (one - other).abs() <= one.abs() * 1e-14
        }
        (Kind::ListValue(one), Value::Array(other)) => {
            let mut pairs = one.values.iter().zip(other);
            one.values.len() == other.len()
                && pairs.all(|(one, other)| one.kind.as_ref().is_some_and(|it| is_same(it, other)))
        }
        (Kind::StructValue(one), Value::Object(other)) => {
            one.fields.len() == other.len()
                && one.fields.iter().all(|(name, value)| {
                    let kind = value.kind.as_ref();
                    kind.zip(other.get(name))
                        .is_some_and(|(one, it)| is_same(one, it))
                })
        }
        _ => false,
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let url = issuer("hs").url();
    let good = format!(
        "\"iss\":\"{url}\",\"aud\":[\"x\",\"orders-api\"],\"exp\":{}",
        NOW + 9
    );
    let more = [
        "",
        ",\"nbf\":1699999999.5,\"iat\":1.7e9,\"sub\":\"alice\",\"jti\":\"1\"",
        ",\"n\":18446744073709551615,\"m\":-1.5e-300,\"z\":[null,true,{\"\":[]}]",
        ",\"sub\":7",
        ",\"nbf\":\"1\"",
        ",\"cnf\":{}",
        ",\"scope\":[\"a b\"],\"scp\":1",
    ];
    let claims = more.map(|more| format!("{{{good}{more}}}").into_bytes());
    let nested = super::json::seeds();
    claims.into_iter().chain(nested).collect()
}
