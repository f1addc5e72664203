//! Area `jwe`: senders' keys (`epk`) that are made to learn something of ours.

use serde_json::{Value, json};
use watchword_test_support::jwe::{ContentCipher, Recipient};
use watchword_test_support::mint::{Signer, b64};

use super::super::catalogue::{Case, Row, row};
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::{self, corp, unb64, with, without};
use super::{ENC_EC, VAULT, alike};

pub(crate) const ROWS: &[Row] = &[
    row!("JWE-25", sender_key_off_the_curve_fails),
    row!("JWE-26", sender_key_of_another_kind_fails),
];

/// Points of order 2 and of order 3 on curves that differ from P-256 in the constant only, which
/// no formula for adding points reads. Whatever our key, the secret is the point's x, one time of
/// two or three.
const SMALL: [(&str, &str); 2] = [
    (
        "HzxafpstT2CBcmNUTT4vGgucjX5vWks8LR4Pmot8nZg",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ),
    (
        "HzxafpstT2CBcmNUTT4vGgucjX5vWks8LR4Pmot8bV8",
        "OrLG3hnX_Mgh9vsCZTPUWlzLrBd7eDvSKMa6b-UhLTU",
    ),
];

fn point(x: &str, y: &str) -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
}

/// A key for which both points would give their x: it is no multiple of 2 or 3.
fn victim() -> Recipient {
    let is_victim = |recipient: &Recipient| {
        let jwk = recipient.jwk();
        let private = unb64(jwk["d"].as_str().expect("a private key")).expect("base64url");
        let modulo = |small: u32| {
            let digits = private.iter().copied().map(u32::from);
            digits.fold(0, |rest, digit| (256 * rest + digit) % small)
        };
        modulo(2) != 0 && modulo(3) != 0
    };
    let mut keys = std::iter::repeat_with(|| Recipient::p256("victim"));
    keys.find(is_victim).expect("one of three keys")
}

/// These tokens decrypt with a reader that does not check the point, and tell the attacker the
/// remainder of its private key.
fn sender_key_off_the_curve_fails(case: &mut Case) {
    let victim = victim();
    let site = Site::start(&Settings::of(corp().decryption(&[&victim])));
    let mut tokens = Vec::new();
    for cipher in ContentCipher::ALL {
        let good = victim.envelope(cipher);
        case.accepts(&site, "on the curve", good.seal(tokens::good()));
        for (x, y) in SMALL {
            let secret = unb64(x).expect("base64url");
            let token = victim.agreed_envelope(cipher, &point(x, y), &secret);
            let what = format!("{}, x {x}", cipher.name());
            tokens.push((what, token.seal(tokens::good())));
        }
        // The same point with a y that is not its own.
        let mut epk = good.header["epk"].clone();
        epk["y"] = epk["x"].clone();
        let token = good.clone().member("epk", epk).seal(tokens::good());
        tokens.push((format!("{}, another y", cipher.name()), token));
    }
    alike(case, &site, "decrypt_failed", &tokens);
}

fn sender_key_of_another_kind_fails(case: &mut Case) {
    let other = |alg: &str| {
        let jwk = Signer::generate(alg, "").jwk();
        without(without(jwk, "alg"), "use")
    };
    let (p384, p521) = (other("ES384"), other("ES512"));
    let envelope = ENC_EC.envelope(ContentCipher::A256Gcm);
    let good = envelope.header["epk"].clone();
    let text = |bytes: &[u8]| json!(b64(bytes));
    let zero = text(&[0; 32]);
    // The prime of the field (FIPS 186-4 §D.1.2.3) is 0, written in another way.
    let prime = "_____wAAAAEAAAAAAAAAAAAAAAD_______________8";
    let short = unb64(good["x"].as_str().expect("x")).expect("base64url")[1..].to_vec();
    let long = [&[0], short.as_slice(), &[0]].concat();
    let kinds = [
        ("P-384", p384.clone()),
        ("P-521", p521),
        ("P-384 under our name", with(p384, "crv", json!("P-256"))),
        (
            "ours under the name P-384",
            with(good.clone(), "crv", json!("P-384")),
        ),
        ("secp256k1", with(good.clone(), "crv", json!("secp256k1"))),
        (
            "crv of another case",
            with(good.clone(), "crv", json!("p-256")),
        ),
        (
            "OKP",
            json!({"kty": "OKP", "crv": "X25519", "x": b64(&[9; 32])}),
        ),
        (
            "OKP with our crv",
            json!({"kty": "OKP", "crv": "P-256", "x": b64(&[9; 32])}),
        ),
        (
            "OKP of Ed25519",
            without(without(Signer::generate("EdDSA", "").jwk(), "alg"), "use"),
        ),
        ("kty RSA", with(good.clone(), "kty", json!("RSA"))),
        ("kty oct", json!({"kty": "oct", "k": b64(&[7; 32])})),
        (
            "zeros",
            with(with(good.clone(), "x", zero.clone()), "y", zero.clone()),
        ),
        ("x of zero", with(good.clone(), "x", zero)),
        ("x of the prime", with(good.clone(), "x", json!(prime))),
        (
            "x without its first byte",
            with(good.clone(), "x", text(&short)),
        ),
        ("x with a byte more", with(good.clone(), "x", text(&long))),
        (
            "empty x and y",
            with(with(good.clone(), "x", json!("")), "y", json!("")),
        ),
        ("without y", without(good.clone(), "y")),
        ("x a number", with(good.clone(), "x", json!(1))),
        ("x no base64url", with(good.clone(), "x", json!("+"))),
        ("without crv", without(good.clone(), "crv")),
        ("nothing", json!({})),
    ];
    let mut tokens = Vec::new();
    for (what, epk) in kinds {
        let kept = envelope.clone().member("epk", epk.clone());
        tokens.push((what.to_owned(), kept.seal(tokens::good())));
        // The secret that a point at infinity, or a careless reader, would give.
        let guessed = ENC_EC.agreed_envelope(envelope.cipher, &epk, &[0; 32]);
        tokens.push((
            format!("{what}, a secret of zeros"),
            guessed.seal(tokens::good()),
        ));
    }
    case.accepts(&VAULT, "our curve", envelope.seal(tokens::good()));
    alike(case, &VAULT, "decrypt_failed", &tokens);
    // Without a key, the header is malformed: nothing was tried.
    for (what, epk) in [
        ("null", json!(null)),
        ("text", json!("x")),
        ("list", json!([good])),
    ] {
        let token = envelope.clone().member("epk", epk).seal(tokens::good());
        case.refuses(&VAULT, what, token, "token_malformed");
    }
    let token = envelope.without("epk").seal(tokens::good());
    case.refuses(&VAULT, "absent", token, "token_malformed");
}
