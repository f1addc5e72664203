//! Claims in a `google.protobuf.Struct`, whose numbers are doubles.

use prost_types::value::Kind;
use serde_json::{Value, json};

use crate::api::Allow;
use crate::site::{Site, about, token};

async fn allow(value: Value) -> Allow {
    let site = Site::start().await;
    site.allowed(about(token(&json!({ "claim": value })))).await
}

async fn claim(value: Value) -> Kind {
    let claims = allow(value).await.claims.unwrap();
    claims.fields["claim"].kind.clone().unwrap()
}

#[tokio::test]
async fn every_claim_is_there() {
    let claims = allow(json!(["a", true, null])).await.claims.unwrap();
    let names: Vec<&str> = claims.fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["aud", "claim", "exp", "iat", "iss", "scope", "sub"]);
    let Some(Kind::ListValue(list)) = &claims.fields["claim"].kind else {
        panic!("a list");
    };
    let kinds: Vec<_> = list.values.iter().map(|value| &value.kind).collect();
    let wanted = [
        Kind::StringValue("a".to_owned()),
        Kind::BoolValue(true),
        Kind::NullValue(0),
    ];
    assert_eq!(kinds, wanted.map(Some).iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn whole_numbers_that_doubles_hold_are_numbers() {
    let largest = 9_007_199_254_740_991_i64;
    assert_eq!(
        claim(json!(largest)).await,
        Kind::NumberValue(9_007_199_254_740_991.0)
    );
    assert_eq!(
        claim(json!(-largest)).await,
        Kind::NumberValue(-9_007_199_254_740_991.0)
    );
    assert_eq!(claim(json!(0.5)).await, Kind::NumberValue(0.5));
}

/// Two accounts must never look like one.
#[tokio::test]
async fn whole_numbers_beyond_keep_every_digit() {
    for number in [
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
        json!(i64::MIN),
        json!(u64::MAX),
    ] {
        let text = number.to_string();
        assert_eq!(claim(number).await, Kind::StringValue(text));
    }
}
