//! Tokens: good ones, good ones that were changed, and truly signed ones with odd contents.
//!
//! The oracle's known differences are kept out, so that every disagreement counts. It refuses a negative `nbf`, and
//! `cty`, `jku`, `x5u`, `x5t`, `x5c` or `jwk` of the wrong type, all of which are harmless; and it rounds fractions
//! of seconds, which matters within a second of a limit.

use serde_json::{Value, json};

use super::super::process::Process;
use super::super::tokens::unb64;
use super::{AUDIENCE, LEEWAY, Party, Random, mint};

fn claims(party: &Party) -> Value {
    let now = Process::now();
    json!({"iss": party.issuer, "aud": AUDIENCE, "sub": "alice", "iat": now - 10, "exp": now + 3600})
}

/// A good token, and the number of its party.
pub(super) fn good(number: usize, parties: &[Party]) -> (usize, String) {
    let party = number % parties.len();
    let mut claims = claims(&parties[party]);
    claims["jti"] = json!(format!("token-{number}"));
    claims["pad"] = json!("x".repeat(number % 7));
    (party, parties[party].signer.sign(&claims))
}

/// One bit of header, payload or signature flipped, and encoded again.
pub(super) fn flipped(random: &mut Random, token: &str) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = token
        .split('.')
        .map(|part| unb64(part).expect("base64url"))
        .collect();
    let part = random.below(parts.len());
    let at = random.below(parts[part].len());
    parts[part][at] ^= 1 << random.below(8);
    let parts: Vec<String> = parts.iter().map(|part| mint::b64(part)).collect();
    parts.join(".").into_bytes()
}

/// The text itself changed, in one to three steps.
pub(super) fn mangled(random: &mut Random, token: &str, pool: &[(usize, String)]) -> Vec<u8> {
    let mut text = token.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let at = random
            .below(text.len().max(1))
            .min(text.len().saturating_sub(1));
        match random.below(9) {
            0 => text[at] = random.byte(),
            1 => text[at] = random.pick(b"ABCDEFabcdef0189-_.=+/ ,"),
            2 => text.insert(at, random.byte()),
            3 => drop(text.remove(at)),
            4 => text.truncate(at.max(1)),
            5 => text.insert(at, b'.'),
            6 => {
                let (_, other) = random.pick(pool);
                text = crossed(random, &text, other.as_bytes());
            }
            7 => {
                let (start, end) = (random.below(text.len()), random.below(text.len()));
                let piece = text[start.min(end)..start.max(end)].to_vec();
                text.splice(at..at, piece);
            }
            _ => {
                let other = random.below(text.len());
                text.swap(at, other);
            }
        }
        if text.is_empty() {
            return b".".to_vec();
        }
    }
    text
}

/// One segment of another token in the place of this one's.
fn crossed(random: &mut Random, text: &[u8], other: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
    let others: Vec<&[u8]> = other.split(|byte| *byte == b'.').collect();
    let index = random.below(parts.len());
    parts[index] = random.pick(&others);
    parts.join(&b'.')
}

/// A token whose signature holds, mostly, and whose contents may be anything.
pub(super) fn signed(random: &mut Random, party: &Party, parties: &[Party]) -> String {
    let mut claims = claims(party);
    for _ in 0..random.below(3) {
        change_claim(random, &mut claims, parties);
    }
    let mut header = party.signer.header();
    if random.one_in(3) {
        change_header(random, &mut header, party);
    }
    let (mut header, mut payload) = (header.to_string(), claims.to_string());
    if random.one_in(12) {
        header = change_text(random, &header);
    }
    if random.one_in(12) {
        payload = change_text(random, &payload);
    }
    let token = party.signer.sign_text(&header, payload.as_bytes());
    if random.one_in(20) {
        return String::from_utf8_lossy(&flipped(random, &token)).into_owned();
    }
    token
}

/// A value of any type.
fn anything(random: &mut Random) -> Value {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("text"),
        json!([]),
        json!({}),
        json!([1]),
        json!(["text"]),
        json!({"a": 1}),
        json!("1700000000"),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
    ];
    random.pick(&values)
}

fn change_claim(random: &mut Random, claims: &mut Value, parties: &[Party]) {
    let name = random.pick(&[
        "iss", "aud", "sub", "iat", "exp", "nbf", "jti", "scope", "cnf", "extra",
    ]);
    let value = match (name, random.below(4)) {
        ("iss", 0) => json!(parties[random.below(parties.len())].issuer),
        ("iss", 1) => json!(format!("{}/", claims["iss"].as_str().unwrap_or_default())),
        ("iss", 2) => json!([claims["iss"]]),
        ("aud", 0) => json!([AUDIENCE]),
        ("aud", 1) => random.pick(&[
            json!(["x", AUDIENCE]),
            json!([AUDIENCE, 1]),
            json!([[AUDIENCE]]),
            json!({AUDIENCE: 1}),
        ]),
        ("aud", 2) => json!(random.pick(&["orders", "orders-api ", "ORDERS-API", "orders-api,x"])),
        ("exp" | "nbf" | "iat", 0..=2) => time(random, name),
        (_, 3) if random.one_in(2) => {
            claims.as_object_mut().expect("an object").remove(name);
            return;
        }
        _ => anything(random),
    };
    let negative = value.as_f64().is_some_and(|number| number < 0.0);
    if name != "nbf" || !negative {
        claims[name] = value;
    }
}

/// A time on either side of a limit, but not so near that the oracle's clock may have passed it.
fn time(random: &mut Random, name: &str) -> Value {
    let leeway = LEEWAY as i64;
    let limit = Process::now() + if name == "exp" { -leeway } else { leeway };
    let distance = random.pick(&[10, 15, 60, 3600, 1_000_000, 1_000_000_000]);
    let time = if random.one_in(2) {
        limit - distance
    } else {
        limit + distance
    };
    match random.below(5) {
        0 => json!(time as f64 + 0.5),
        1 => json!(time.to_string()),
        _ => json!(time),
    }
}

fn change_header(random: &mut Random, header: &mut Value, party: &Party) {
    let (name, value) = match random.below(12) {
        0 => (
            "alg",
            json!(random.pick(&[
                "none", "None", "HS256", "RS256", "ES256", "EdDSA", "RS512", "PS256", "es256", ""
            ])),
        ),
        1 => ("alg", anything(random)),
        2 => (
            "typ",
            json!(random.pick(&["JWT", "at+jwt", "jwt", "dpop+jwt", "", "application/at+jwt"])),
        ),
        3 => ("typ", anything(random)),
        4 => (
            "kid",
            json!(random.pick(&["key", "other", "", "KEY", "key "])),
        ),
        5 => ("kid", anything(random)),
        6 => (
            "crit",
            random.pick(&[json!(["exp"]), json!([]), json!(["b64"]), json!("exp")]),
        ),
        7 => ("b64", json!(false)),
        8 => ("extra", anything(random)),
        9 => ("zip", json!("DEF")),
        10 => ("jwk", embedded(party)),
        _ => {
            let name = random.pick(&["alg", "typ", "kid"]);
            header.as_object_mut().expect("an object").remove(name);
            return;
        }
    };
    header[name] = value;
}

/// A well-formed key, which neither of the two may use.
fn embedded(party: &Party) -> Value {
    let mut jwk = party.signer.jwk();
    jwk["kid"] = json!("embedded");
    jwk
}

/// The JSON text changed: members twice, white space, text before or after it, numbers in another form.
fn change_text(random: &mut Random, json: &str) -> String {
    let member = random.pick(&[
        r#""exp":4102444800"#,
        r#""iss":"https://es256.example""#,
        r#""alg":"none""#,
        r#""kid":"key""#,
        r#""aud":"orders-api""#,
        r#""\u0061ud":"orders-api""#,
        r#""x":1,"x":2"#,
        r#""x":"\ud800""#,
        r#""x":{"a":1,"a":2}"#,
        r#""x":1"#,
        r#""x":[[[[]]]]"#,
    ]);
    match random.below(6) {
        0 => json.replacen('{', &format!("{{{member},"), 1),
        1 => format!("{},{member}}}", json.strip_suffix('}').unwrap_or(json)),
        2 => format!(
            "{}{json}{}",
            random.pick(&["", " ", "\n", "\u{feff}"]),
            random.pick(&["", " ", "\n", "x", "{}"])
        ),
        3 => json.replacen(':', " : ", 2),
        4 => json.replacen("00", "00.0", 1),
        _ => json.replacen(',', random.pick(&[",", ", ", ",,", ";"]), 1),
    }
}
