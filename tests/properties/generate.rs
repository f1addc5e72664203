//! Valid and odd tokens from a seeded generator.

use serde_json::{Value, json};

use crate::core::{AUDIENCE, ISSUER};

/// A small generator (SplitMix64): repeatable, and good enough to pick cases.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    pub(crate) fn pick<'p, T>(&mut self, items: &'p [T]) -> &'p T {
        &items[self.below(items.len())]
    }

    fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }
}

/// Values for any claim.
fn odd_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!([]),
        json!({}),
        json!([1]),
        json!(["x", 1]),
        json!([["orders-api"]]),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!("\u{0}"),
        json!("ünïcödé"),
        json!({"a": {"b": ["c"]}}),
    ]
}

/// A payload as text: mostly valid claims, some replaced, omitted, duplicated or misspelt.
pub(crate) fn payload(random: &mut Random, now: i64) -> String {
    let odd = odd_values();
    let times: Vec<Value> = [-86400, -31, -29, -1, 0, 1, 29, 31, 300, 86400]
        .iter()
        .map(|offset| json!(now + offset))
        .collect();
    let mut members: Vec<(String, String)> = Vec::new();
    let pools: [(&str, Vec<Value>, usize); 7] = [
        (
            "iss",
            vec![json!(ISSUER), json!(format!("{ISSUER}/")), json!([ISSUER])],
            6,
        ),
        (
            "aud",
            vec![
                json!(AUDIENCE),
                json!([AUDIENCE]),
                json!(["x", AUDIENCE]),
                json!(["x"]),
                json!("orders-ap"),
            ],
            4,
        ),
        ("exp", times.clone(), 3),
        ("nbf", times.clone(), 3),
        ("iat", times, 3),
        ("sub", vec![json!("alice"), json!(7)], 3),
        ("scope", vec![json!("a b"), json!(["a", "b"])], 3),
    ];
    for (name, pool, odds) in pools {
        let good = match name {
            "exp" => json!(now + 300),
            "nbf" | "iat" => json!(now - 10),
            _ => pool[0].clone(),
        };
        let value = if !random.one_in(odds) {
            good
        } else if random.one_in(2) {
            random.pick(&pool).clone()
        } else {
            random.pick(&odd).clone()
        };
        if !random.one_in(12) {
            members.push((format!("{name:?}"), value.to_string()));
        }
    }
    if random.one_in(12) {
        let again = random.pick(&members).clone();
        members.push(again);
    }
    if random.one_in(12) {
        members.push(("\"\\u0065xp\"".to_owned(), (now + 600).to_string()));
    }
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    let text = format!("{{{}}}", members.join(","));
    match random.below(40) {
        0 => format!(" {text}\n"),
        1 => format!("{text}{text}"),
        2 => text.replace('}', ",}"),
        3 => format!("[{text}]"),
        _ => text,
    }
}

/// A header as text, in the same way.
pub(crate) fn header(random: &mut Random, alg: &str) -> String {
    let mut members = vec![format!("\"alg\":\"{alg}\""), "\"kid\":\"k1\"".to_owned()];
    let extras = [
        "\"typ\":\"JWT\"",
        "\"typ\":\"at+jwt\"",
        "\"typ\":\"dpop+jwt\"",
        "\"typ\":1",
        "\"crit\":[\"exp\"]",
        "\"crit\":[]",
        "\"b64\":false",
        "\"b64\":true",
        "\"x\":{\"y\":[1,2]}",
        "\"alg\":\"none\"",
        "\"zip\":\"DEF\"",
        "\"jku\":\"https://evil.example\"",
        "\"cty\":\"JWT\"",
        "\"kid\":\"k2\"",
        "\"\\u0061lg\":\"none\"",
    ];
    if random.one_in(3) {
        members.push((*random.pick(&extras)).to_owned());
    }
    if random.one_in(12) {
        (*random.pick(&["\"kid\":\"k2\"", "\"kid\":1", "\"x\":1"])).clone_into(&mut members[1]);
    }
    if random.one_in(20) {
        members[0] = format!(
            "\"alg\":\"{}\"",
            random.pick(&["none", "HS256", "RS256", "ES256", "EdDSA", ""])
        );
    }
    format!("{{{}}}", members.join(","))
}

/// A token that was changed after signing.
pub(crate) fn spoil(random: &mut Random, token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] = b"ABCz09-_.=+/ "[random.below(13)],
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, b"Az0._"[random.below(5)]),
        3 => bytes.truncate(at),
        4 => bytes.swap(at, token.len() - 1),
        _ => bytes.extend_from_slice(&token.as_bytes()[..at.min(40)]),
    }
    String::from_utf8(bytes).unwrap()
}
