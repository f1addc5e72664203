//! Changes of one member of a header or of claims, as text, so that a member can be repeated.

use serde_json::{Value, json};

use crate::random::Random;
use crate::targets::keys::{ISSUERS, NOW};

/// A header with one member added, replaced or repeated.
pub(crate) fn edited_header(random: &mut Random, header: &str) -> String {
    const MEMBERS: [&str; 24] = [
        r#""alg":"none""#,
        r#""alg":"HS256""#,
        r#""alg":"RS256""#,
        r#""alg":"ES256""#,
        r#""alg":"EdDSA""#,
        r#""alg":"dir""#,
        r#""alg":"eddsa""#,
        r#""enc":"A128GCM""#,
        r#""enc":"A256GCM""#,
        r#""kid":"hs""#,
        r#""kid":"es""#,
        r#""kid":"shared-32""#,
        r#""kid":1"#,
        r#""typ":"at+jwt""#,
        r#""typ":"dpop+jwt""#,
        r#""typ":null"#,
        r#""crit":["exp"]"#,
        r#""b64":false"#,
        r#""zip":"DEF""#,
        r#""cty":"JWT""#,
        r#""jku":"https://evil.example/keys""#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""iss":"https://hs.example""#,
        r#""exp":1700003600"#,
    ];
    let member = *random.pick(&MEMBERS);
    let name = member.split_once(':').unwrap().0.trim_matches('"');
    let mut members: serde_json::Map<String, Value> = serde_json::from_str(header).unwrap();
    let is_repeated = random.one_in(4) && members.contains_key(name);
    if !is_repeated {
        members.remove(name);
    }
    let rest = Value::Object(members).to_string();
    match random.below(3) {
        _ if rest == "{}" => format!("{{{member}}}"),
        0 => format!("{{{member},{}", &rest[1..]),
        _ => format!("{},{member}}}", &rest[..rest.len() - 1]),
    }
}

/// Claims of which one is replaced, removed or repeated.
pub(crate) fn edited_claims(random: &mut Random, claims: &Value) -> String {
    let names = [
        "iss", "aud", "exp", "nbf", "iat", "sub", "jti", "cnf", "scope", "x",
    ];
    let name = *random.pick(&names);
    let offsets = [-86_400, -31, -30, -29, 0, 29, 30, 31, 300, 86_400];
    let time = NOW + *random.pick(&offsets);
    let kinds = if name.len() == 3 { 16 } else { 12 };
    let value = match random.below(kinds) {
        0 | 12.. => json!(time),
        1 => json!(time as f64 + 0.5),
        2 => json!(time.to_string()),
        3 => json!(ISSUERS[random.below(ISSUERS.len())].url()),
        4 => json!("orders-api"),
        5 => json!(["x", "orders-api"]),
        6 => json!(["orders-api", 7]),
        7 => Value::Null,
        8 => json!({}),
        9 => json!(-1),
        10 => json!(1e300),
        _ => json!("admin"),
    };
    let mut members = claims.as_object().unwrap().clone();
    if random.one_in(8) {
        members.remove(name);
        return Value::Object(members).to_string();
    }
    if random.one_in(8) {
        let text = Value::Object(members).to_string();
        return format!("{},\"{name}\":{value}}}", &text[..text.len() - 1]);
    }
    members.insert(name.to_owned(), value);
    Value::Object(members).to_string()
}
