use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BUDGET, ListedClaims};
use crate::config::{ClaimForm, HashKey};
use crate::token::{ClaimPath, Claims};

fn written(claims: &Value, paths: &[ClaimPath], form: &ClaimForm) -> Value {
    let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
    let listed = ListedClaims::new(paths, form).unwrap();
    serde_json::to_value(listed.of(&claims).unwrap()).unwrap()
}

fn plain(claims: &Value, paths: &[&str]) -> Value {
    let paths: Vec<_> = paths.iter().map(|path| ClaimPath::dotted(path)).collect();
    written(claims, &paths, &ClaimForm::Plain)
}

#[test]
fn only_listed_claims_are_written_as_they_are() {
    let claims = json!({
        "sub": "alice \u{e9}\n\"", "email": "alice@example.com",
        "realm_access": {"roles": ["buyer", 1, -2.5, true, null], "other": 1},
        "org": {"id": 7},
    });
    let expected = json!({
        "sub": "alice \u{e9}\n\"",
        "realm_access.roles": ["buyer", 1, -2.5, true, null],
        "org": {"id": 7},
    });
    let listed = ["sub", "realm_access.roles", "org", "absent", "sub.deeper"];
    assert_eq!(plain(&claims, &listed), expected);
    let literal = ClaimPath::literal(&["https://example.com/t".to_owned()]);
    let claims = json!({"https://example.com/t": "acme"});
    assert_eq!(written(&claims, &[literal], &ClaimForm::Plain), claims);
}

#[test]
fn none_listed_is_none_written() {
    let claims = Claims::parse(b"{}").unwrap();
    let listed = ListedClaims::new(&[], &ClaimForm::Plain).unwrap();
    assert!(listed.of(&claims).is_none());
}

#[test]
fn long_and_deep_values_are_cut() {
    let long = "\u{e9}".repeat(BUDGET);
    let cut = plain(&json!({ "sub": long }), &["sub"]);
    assert_eq!(cut["sub"], format!("{}…", "\u{e9}".repeat(BUDGET / 2)));
    let most = "x".repeat(BUDGET - 1);
    assert_eq!(plain(&json!({ "sub": most }), &["sub"])["sub"], most);
    let deep = json!({"a": {"b": {"c": {"d": {"e": 1}}}}});
    assert_eq!(
        plain(&deep, &["a"]),
        json!({"a": {"b": {"c": {"d": {"e": 1}}}}})
    );
    let deeper = json!({"a": {"b": {"c": {"d": {"e": [1]}}}}});
    assert_eq!(
        plain(&deeper, &["a"]),
        json!({"a": {"b": {"c": {"d": {"e": "…"}}}}})
    );
    let wide = json!({ "a": vec![Vec::<u8>::new(); 4000] });
    assert!(plain(&wide, &["a"])["a"].as_array().unwrap().len() < BUDGET);
    let huge = format!("{{\"n\":1e999,\"m\":{}}}", "9".repeat(BUDGET));
    let claims = Claims::parse(huge.as_bytes());
    if let Ok(claims) = claims {
        let paths = [ClaimPath::dotted("n"), ClaimPath::dotted("m")];
        let listed = ListedClaims::new(&paths, &ClaimForm::Plain).unwrap();
        let line = serde_json::to_string(&listed.of(&claims).unwrap()).unwrap();
        assert!(line.len() < 64, "{line}");
    }
}

/// The expected value is what `openssl dgst -sha256 -mac HMAC` says.
#[test]
fn hashes_agree_where_the_key_does_and_tell_nothing() {
    let key = |byte| ClaimForm::Hashed(Some(HashKey::new(vec![byte; 32])));
    let paths = [ClaimPath::dotted("sub"), ClaimPath::dotted("roles")];
    let claims = json!({"sub": "alice", "roles": ["buyer"]});
    let first = written(&claims, &paths, &key(b'k'));
    assert_eq!(first["sub"], "6664a42048c6d6d7fe3657e39b14155c");
    assert_eq!(first["roles"], "7347d68cdabb11cae94b848ba257e2c7");
    assert_eq!(first, written(&claims, &paths, &key(b'k')));
    assert_ne!(first["sub"], written(&claims, &paths, &key(b'l'))["sub"]);
    let random = || written(&claims, &paths, &ClaimForm::Hashed(None));
    assert_ne!(random()["sub"], random()["sub"]);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 512, 64, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..64).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..64)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_takes_more_than_its_room(value in value()) {
        let text = json!({ "c": value }).to_string();
        // Our own reader refuses what is nested too deep.
        if let Ok(claims) = Claims::parse(text.as_bytes()) {
            let listed = ListedClaims::new(&[ClaimPath::dotted("c")], &ClaimForm::Plain).unwrap();
            let line = serde_json::to_string(&listed.of(&claims).unwrap()).unwrap();
            // Each byte may be escaped to six, and each piece has quotes, commas and brackets.
            prop_assert!(line.len() < 12 * BUDGET, "{} bytes", line.len());
        }
    }
}
