//! Area `jwe`: algorithms that are never on, and compression.

use std::sync::LazyLock;

use miniz_oxide::deflate::compress_to_vec;
use serde_json::json;
use watchword_test_support::jwe::{ContentCipher, Envelope, RawJwe};
use watchword_test_support::mint;

use super::super::catalogue::{Case, Row, row};
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::{self, corp};
use super::{ENC_EC, ENC_RSA, ENC_SECRET, VAULT, alike, ways};

pub(crate) const ROWS: &[Row] = &[
    row!("JWE-09", rsa1_5_is_refused_before_any_rsa_operation),
    row!("JWE-10", rsa1_5_is_no_oracle),
    row!("JWE-13", passwords_are_refused_before_any_derivation),
    row!("JWE-14", compressed_content_is_refused),
    row!("JWE-15", bomb_is_too_large),
    row!("JWE-16", unknown_compression_is_malformed),
];

/// The baseline with compression, for tokens of up to 64 KiB.
static INFLATING: LazyLock<Site> = LazyLock::new(|| {
    let keys = [&*ENC_RSA, &ENC_EC, &ENC_SECRET];
    let issuer = corp().decryption_with(&keys, "allow_zip: true");
    Site::start(&Settings::of(issuer).server("max_token_size: 65536"))
});

/// An honest token under `RSA1_5`: the same key with another padding.
fn pkcs1(cipher: ContentCipher) -> Envelope {
    let envelope = ENC_RSA.envelope(cipher);
    let encrypted_key = ENC_RSA.pkcs1(&envelope.content_key);
    Envelope {
        encrypted_key,
        ..envelope.member("alg", "RSA1_5")
    }
}

/// Not even an encrypted key that no decoder takes changes the answer.
fn rsa1_5_is_refused_before_any_rsa_operation(case: &mut Case) {
    let mut tokens = Vec::new();
    for cipher in ContentCipher::ALL {
        let control = ENC_RSA.envelope(cipher).seal(tokens::good());
        case.accepts(&VAULT, "RSA-OAEP-256", control);
        let honest = pkcs1(cipher);
        let mut add = |what: &str, token: String| {
            tokens.push((format!("{}, {what}", cipher.name()), token));
        };
        add("honest", honest.seal(tokens::good()));
        add(
            "without kid",
            honest.clone().without("kid").seal(tokens::good()),
        );
        let sealed = honest.sealed(tokens::good());
        for length in [0, 1, 255, 257, 1000] {
            let encrypted_key = vec![0; length];
            let sealed = RawJwe {
                encrypted_key,
                ..sealed.clone()
            };
            add(&format!("{length} bytes"), sealed.token());
        }
        let token = sealed.token();
        let mut segments: Vec<&str> = token.split('.').collect();
        segments[1] = "A";
        add("no base64url", segments.join("."));
    }
    alike(case, &VAULT, "alg_not_allowed", &tokens);
}

fn rsa1_5_is_no_oracle(case: &mut Case) {
    let mut tokens = Vec::new();
    for cipher in ContentCipher::ALL {
        let good = pkcs1(cipher).sealed(tokens::good());
        let mut add = |what: &str, change: &dyn Fn(&mut RawJwe)| {
            let mut token = good.clone();
            change(&mut token);
            tokens.push((format!("{}, {what}", cipher.name()), token.token()));
        };
        add("good padding", &|_| {});
        add("bad padding", &|token| token.encrypted_key[7] ^= 1);
        for length in [0, 16, 31, 33, 64] {
            let encrypted = ENC_RSA.pkcs1(&vec![7; length]);
            add("wrong key length", &|token| {
                token.encrypted_key.clone_from(&encrypted);
            });
        }
        add("bad tag", &|token| token.tag[0] ^= 1);
    }
    alike(case, &VAULT, "alg_not_allowed", &tokens);
}

fn passwords_are_refused_before_any_derivation(case: &mut Case) {
    let counts = [
        "1",
        "1000",
        "1000001",
        "2147483647",
        "1000000000000",
        "-1",
        "1.5",
        "\"1\"",
        "null",
    ];
    for alg in [
        "PBES2-HS256+A128KW",
        "PBES2-HS384+A192KW",
        "PBES2-HS512+A256KW",
    ] {
        for count in counts {
            let header =
                format!(r#"{{"alg":"{alg}","enc":"A256GCM","p2s":"c2FsdHNhbHQ","p2c":{count}}}"#);
            let token = RawJwe {
                header,
                encrypted_key: vec![7; 40],
                iv: vec![7; 12],
                ciphertext: vec![7; 100],
                tag: vec![7; 16],
            };
            let what = format!("{alg}, p2c {count}");
            case.refuses(&VAULT, &what, token.token(), "alg_not_allowed");
        }
    }
}

fn zipped(envelope: &Envelope, content: &[u8]) -> String {
    let envelope = envelope.clone().member("zip", "DEF");
    envelope.seal(compress_to_vec(content, 9))
}

fn compressed_content_is_refused(case: &mut Case) {
    for (way, envelope) in ways() {
        let token = zipped(&envelope, tokens::good().as_bytes());
        case.accepts(&INFLATING, &format!("{way}, allow_zip"), &token);
        case.refuses(&VAULT, &way, &token, "alg_not_allowed");
    }
}

fn bomb_is_too_large(case: &mut Case) {
    const LIMIT: usize = 65_536;
    let zeros = vec![0; 40_000_000];
    for (way, envelope) in ways() {
        let token = zipped(&envelope, &zeros);
        let length = token.len();
        case.holds(
            &format!("{way}: the token has {length} bytes"),
            length < LIMIT,
        );
        case.refuses(
            &INFLATING,
            &format!("{way}, 40 MB"),
            &token,
            "token_too_large",
        );
        let token = zipped(&envelope, &zeros[..=LIMIT]);
        case.refuses(
            &INFLATING,
            &format!("{way}, one byte more"),
            &token,
            "token_too_large",
        );
        // Within the limit, it is content like any other.
        let token = zipped(&envelope, &zeros[..LIMIT]);
        case.refuses(
            &INFLATING,
            &format!("{way}, at the limit"),
            &token,
            "token_malformed",
        );
    }
    let (way, envelope) = ways().swap_remove(0);
    let whole = compress_to_vec(tokens::good().as_bytes(), 9);
    let envelope = envelope.member("zip", "DEF");
    let cut = envelope.seal(&whole[..whole.len() - 1]);
    case.refuses(
        &INFLATING,
        &format!("{way}, cut off"),
        cut,
        "decrypt_failed",
    );
    let plain = envelope.seal(tokens::good());
    case.refuses(
        &INFLATING,
        &format!("{way}, not compressed"),
        plain,
        "decrypt_failed",
    );
}

fn unknown_compression_is_malformed(case: &mut Case) {
    for zip in [
        json!("def"),
        json!("GZIP"),
        json!(""),
        json!(1),
        json!(null),
        json!(["DEF"]),
    ] {
        for (way, envelope) in ways() {
            let envelope = envelope.member("zip", zip.clone());
            let token = envelope.seal(compress_to_vec(tokens::good().as_bytes(), 9));
            for site in [&VAULT, &INFLATING] {
                case.refuses(site, &format!("{way}, {zip}"), &token, "token_malformed");
            }
        }
    }
    // A second `zip` is a duplicate, whatever it says.
    let text = r#"{"alg":"dir","enc":"A256GCM","zip":"DEF","zip":"DEF"}"#;
    let token = format!("{}..AAAA.AAAA.AAAA", mint::b64(text.as_bytes()));
    case.refuses(&INFLATING, "twice", token, "token_malformed");
}
