//! Area `jwks`: single keys of a set, and the tokens that each may verify.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use watchword_test_support::key_server::Reply;
use watchword_test_support::mint::{self, Signer};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::der;
use super::super::expect::Expect;
use super::super::site::NOW;
use super::super::tokens::{self, EC, ED, RSA, STRANGER, with, without};
use super::{Fetched, set, token};

pub(crate) const ROWS: &[Row] = &[
    row!("JWK-20", key_for_another_purpose_verifies_nothing),
    row!("JWK-21", key_with_odd_material_is_skipped),
    row!("JWK-23", certificate_in_a_key_is_not_looked_at),
    row!("JWK-24", kid_is_bound_to_its_algorithm),
];

/// Publishes a key beside a good one. It is skipped, and the token under its name is refused. A
/// token of the key is refused with `reason`: `key_not_found`, or `alg_not_allowed` where a key of
/// its `kid` is there, of a type that is not supported or for another algorithm.
fn is_skipped(
    case: &mut Case,
    fetched: &Fetched,
    (what, reason): (&str, &'static str),
    key: &Value,
    token_of_it: &str,
) {
    let set = json!({"keys": [key, ED.jwk()]});
    case.equal(what, fetched.publish(Reply::ok(set)), "changed");
    case.equal(
        &format!("{what}: skipped"),
        fetched.status().skipped().len(),
        1,
    );
    let expect = Expect::Deny(401, reason);
    case.becomes(what, &fetched.site, &Call::bearing(token_of_it), expect);
    case.accepts(&fetched.site, &format!("{what}: its neighbour"), token(&ED));
}

fn key_for_another_purpose_verifies_nothing(case: &mut Case) {
    let fetched = Fetched::start(set(&[&ED]));
    let purposes = [
        json!({"use": "enc"}),
        json!({"use": "ENC"}),
        json!({"use": "Sig"}),
        json!({"use": ""}),
        json!({"use": null}),
        json!({"key_ops": ["sign"]}),
        json!({"key_ops": ["encrypt"]}),
        json!({"key_ops": []}),
        json!({"key_ops": "verify"}),
        json!({"use": "sig", "key_ops": ["sign"]}),
        json!({"use": "sig", "key_ops": ["encrypt", "decrypt"]}),
        json!({"use": "enc", "key_ops": ["verify"]}),
    ];
    for purpose in purposes {
        let key = under(&RSA, &purpose);
        let expected = (&*purpose.to_string(), "key_not_found");
        is_skipped(case, &fetched, expected, &key, &token(&RSA));
    }
    for purpose in [json!({"use": "sig", "key_ops": ["verify"]}), json!({})] {
        let set = json!({"keys": [under(&RSA, &purpose), ED.jwk()]});
        fetched.publish(Reply::ok(set));
        let call = Call::bearing(token(&RSA));
        case.becomes(&purpose.to_string(), &fetched.site, &call, Expect::Allow);
    }
}

/// The key with these members in place of `use`.
fn under(signer: &Signer, members: &Value) -> Value {
    let mut key = without(signer.jwk(), "use");
    for (name, value) in members.as_object().expect("an object") {
        key[name] = value.clone();
    }
    key
}

fn key_with_odd_material_is_skipped(case: &mut Case) {
    let fetched = Fetched::start(set(&[&ED]));
    let (ec, ed) = (
        Signer::generate("ES256", "odd"),
        Signer::generate("EdDSA", "odd"),
    );
    let rsa = RSA.with_kid("odd");
    for (signer, changes) in [
        (&ec, odd_points(&ec)),
        (&ed, odd_octets(&ed)),
        (&rsa, odd_numbers(&rsa)),
    ] {
        for change in changes {
            let mut key = signer.jwk();
            for (name, value) in change.as_object().expect("an object") {
                key[name] = value.clone();
            }
            let what = format!("{} {:.90}", signer.alg(), change.to_string());
            let type_or_alg = ["alg", "crv", "kty"]
                .iter()
                .any(|name| change.get(name).is_some());
            // Without a modulus, this is an RSA key all the same.
            let reason = if type_or_alg && change != json!({"kty": "RSA"}) {
                "alg_not_allowed"
            } else {
                "key_not_found"
            };
            is_skipped(case, &fetched, (&what, reason), &key, &token(signer));
        }
    }
    for good in [ec, ed, rsa] {
        fetched.publish(set(&[&good]));
        let call = Call::bearing(token(&good));
        case.becomes("as it was", &fetched.site, &call, Expect::Allow);
    }
    for point in SMALL_ORDER {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "small", "x": mint::b64(&point)});
        let expected = (&*format!("{point:?}"), "key_not_found");
        is_skipped(case, &fetched, expected, &key, &forged(&point));
    }
}

/// Points of the orders 1, 2, 4 and 8 on Ed25519.
const SMALL_ORDER: [[u8; 32]; 4] = [
    number(1, 0, 0),
    number(0xec, 0xff, 0x7f),
    [0; 32],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
];

const fn number(first: u8, between: u8, last: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// A token whose signature verifies under the point, and which needed no private key: `R` is the
/// neutral element, `S` zero.
fn forged(point: &[u8; 32]) -> String {
    let signature = [number(1, 0, 0), [0; 32]].concat();
    let header = r#"{"alg":"EdDSA","typ":"JWT","kid":"small"}"#;
    let forge = |number: u32| {
        let claims = with(
            tokens::claims_with("exp", json!(NOW + 1_000_000_000)),
            "jti",
            json!(number.to_string()),
        );
        let token = tokens::compact(header, claims.to_string().as_bytes(), &signature);
        let (input, _) = token.rsplit_once('.')?;
        let key = UnparsedPublicKey::new(&ED25519, point);
        key.verify(input.as_bytes(), &signature)
            .is_ok()
            .then_some(token)
    };
    // One message of eight will do, or more.
    (0..1000).find_map(forge).expect("a forged token")
}

fn odd_points(signer: &Signer) -> Vec<Value> {
    let jwk = signer.jwk();
    let [x, y] = ["x", "y"].map(|name| tokens::member(&jwk, name));
    let mut off = y.clone();
    off[31] ^= 1;
    let field_prime = "_____wAAAAEAAAAAAAAAAAAAAAD_______________8";
    vec![
        json!({"crv": "P-384"}),
        json!({"crv": "P-521"}),
        json!({"crv": "Ed25519"}),
        json!({"crv": "p-256"}),
        json!({"crv": "secp256k1"}),
        json!({"kty": "OKP"}),
        json!({"kty": "RSA"}),
        json!({"kty": "ec"}),
        json!({"alg": "ES384"}),
        json!({"alg": "RS256"}),
        json!({"y": mint::b64(&off)}),
        json!({"x": mint::b64(&[0; 32]), "y": mint::b64(&[0; 32])}),
        json!({"x": field_prime, "y": mint::b64(&y)}),
        json!({"x": jwk["y"], "y": jwk["x"]}),
        json!({"x": mint::b64(&x[1..])}),
        json!({"x": mint::b64(&[&[0], &x[..]].concat())}),
        json!({"y": mint::b64(&y[..31])}),
        json!({"y": ""}),
    ]
    .into_iter()
    .chain(odd_texts(&jwk, "x"))
    .chain(odd_texts(&jwk, "y"))
    .collect()
}

fn odd_octets(signer: &Signer) -> Vec<Value> {
    let jwk = signer.jwk();
    let x = tokens::member(&jwk, "x");
    vec![
        json!({"crv": "P-256"}),
        json!({"crv": "X25519"}),
        json!({"crv": "Ed448"}),
        json!({"kty": "EC"}),
        json!({"alg": "ES256"}),
        json!({"x": mint::b64(&x[1..])}),
        json!({"x": mint::b64(&[&[0], &x[..]].concat())}),
    ]
    .into_iter()
    .chain(odd_texts(&jwk, "x"))
    .collect()
}

fn odd_numbers(signer: &Signer) -> Vec<Value> {
    let jwk = signer.jwk();
    vec![
        json!({"kty": "EC", "crv": "P-256"}),
        json!({"kty": "OKP", "crv": "Ed25519"}),
        json!({"alg": "ES256"}),
        json!({"e": "AQ"}),
        json!({"e": "AAAA"}),
        json!({"n": mint::b64(&[0xff; 128])}),
        json!({"n": ""}),
    ]
    .into_iter()
    .chain(odd_texts(&jwk, "n"))
    .collect()
}

/// The member's value in spellings that decode, to those who are not strict (RFC 7515 §2, RFC 4648
/// §3.5).
fn odd_texts(jwk: &Value, name: &str) -> Vec<Value> {
    let text = jwk[name].as_str().expect("a text");
    let bytes = tokens::member(jwk, name);
    let (start, last) = text.split_at(text.len() - 1);
    // The unused bits of the last character are the lowest: the next one has the first of them set.
    let next = char::from(last.as_bytes()[0] + 1);
    let mut odd = vec![
        format!("{text}="),
        format!("{start}{next}"),
        format!("{text} "),
        format!("\n{text}"),
        format!("{start}\n{last}"),
        format!("{text}A"),
    ];
    let standard = tokens::standard_b64(&bytes);
    odd.push(standard);
    odd.into_iter().map(|text| json!({ name: text })).collect()
}

fn certificate_in_a_key_is_not_looked_at(case: &mut Case) {
    let fetched = Fetched::start(set(&[&ED]));
    let certificate = |signer: &Signer| tokens::standard_b64(&der::self_signed(signer));
    let others = [
        (
            "another EC key's",
            json!([certificate(&Signer::generate("ES256", "other"))]),
        ),
        ("its own", json!([certificate(&EC)])),
        ("none that can be read", json!(["AAAA"])),
        ("none at all", json!("no array")),
    ];
    let stranger = Signer::generate("ES256", EC.kid());
    for (what, chain) in others {
        for (name, value) in [("x5c", chain), ("x5u", json!("https://127.0.0.1:1/x"))] {
            let key = with(EC.jwk(), name, value);
            fetched.publish(Reply::ok(json!({"keys": [key, ED.jwk()]})));
            let call = Call::bearing(token(&EC));
            case.becomes(
                &format!("{name} {what}: x and y"),
                &fetched.site,
                &call,
                Expect::Allow,
            );
            case.refuses(&fetched.site, what, token(&stranger), "signature_invalid");
        }
    }
    // The certificate's key under the names of the key that brings it along.
    let holder = Signer::generate("ES256", "rsa-key");
    let key = with(RSA.jwk(), "x5c", json!([certificate(&holder)]));
    fetched.publish(Reply::ok(json!({"keys": [key, ED.jwk()]})));
    let call = Call::bearing(token(&RSA));
    case.becomes("n and e", &fetched.site, &call, Expect::Allow);
    let refused = "alg_not_allowed";
    case.refuses(
        &fetched.site,
        "the certificate's key",
        token(&holder),
        refused,
    );
    case.refuses(
        &fetched.site,
        "a stranger's",
        token(&STRANGER.with_kid("rsa-key")),
        "signature_invalid",
    );
}

fn kid_is_bound_to_its_algorithm(case: &mut Case) {
    let keys = [("RS256", "a"), ("PS256", "b")].map(|(alg, kid)| RSA.with_alg(alg).with_kid(kid));
    let [a, b] = &keys;
    for order in [[a, b], [b, a]] {
        let fetched = Fetched::start(set(&order));
        for key in order {
            let call = Call::bearing(token(key));
            case.becomes(key.kid(), &fetched.site, &call, Expect::Allow);
        }
        for (key, alg) in [(a, "PS256"), (b, "RS256")] {
            let what = format!("{} as {alg}", key.kid());
            let crossed = key.with_alg(alg);
            case.refuses(&fetched.site, &what, token(&crossed), "alg_not_allowed");
        }
    }
}
