//! Area `decryption`: rows of our own for encrypted tokens, beyond the catalogue's area `jwe`.
//! Whatever fails after the header, the answer is the same.

use serde_json::json;
use watchword_test_support::jwe::{ContentCipher, Envelope, RawJwe, Recipient, encrypt_blocks};

use super::catalogue::{Case, Row, row};
use super::jwe::{ENC_EC, ENC_RSA, ENC_SECRET, VAULT, alike, of, ways};
use super::tokens;

pub(crate) mod content;
pub(crate) mod keys;
pub(crate) mod terms;
pub(crate) mod trusted;

pub(crate) const ROWS: &[Row] = &[row!("DEC-01", every_failure_has_the_same_answer)];

/// One list for all keys and ciphers: an answer tells neither the algorithm nor the step.
fn every_failure_has_the_same_answer(case: &mut Case) {
    let mut tokens = Vec::new();
    for (way, envelope) in ways() {
        case.accepts(&VAULT, &way, envelope.seal(tokens::good()));
        let failing = contents(&envelope).into_iter().chain(keys(&envelope));
        tokens.extend(failing.map(|(what, token)| (format!("{way}, {what}"), token.token())));
    }
    tokens.extend(senders());
    tokens.extend(strangers());
    let count = tokens.len();
    case.holds(&format!("{count} failures"), count > 150);
    alike(case, &VAULT, "decrypt_failed", &tokens);
}

type Failing = Vec<(String, RawJwe)>;

/// The key is right, and the content is not.
fn contents(envelope: &Envelope) -> Failing {
    let good = envelope.sealed(tokens::good());
    let mut failing = Failing::new();
    let mut add = |what: String, change: &dyn Fn(&mut RawJwe)| {
        let mut token = good.clone();
        change(&mut token);
        failing.push((what, token));
    };
    for at in [0, good.tag.len() - 1] {
        add(format!("wrong tag at {at}"), &|token| token.tag[at] ^= 1);
        add(format!("wrong text at {at}"), &|token| {
            token.ciphertext[at] ^= 1;
        });
    }
    add("wrong IV".to_owned(), &|token| token.iv[0] ^= 1);
    for length in [0, 8, 11, 13, 15, 17, 32] {
        add(format!("an IV of {length} bytes"), &|token| {
            token.iv.resize(length, 0);
        });
    }
    for length in [0, 4, 8, 12, 15, 17, 32] {
        add(format!("a tag of {length} bytes"), &|token| {
            token.tag.resize(length, 0);
        });
    }
    add("no text".to_owned(), &|token| token.ciphertext.clear());
    add("a longer text".to_owned(), &|token| {
        token.ciphertext.push(0);
    });
    add("another header".to_owned(), &|token| {
        token.header.insert(1, ' ');
    });
    if envelope.cipher == ContentCipher::A128CbcHs256 {
        let key = &envelope.content_key;
        let with_mac = |token: &mut RawJwe| *token = token.clone().with_mac(key);
        add("bad padding, good MAC".to_owned(), &|token| {
            token.ciphertext = encrypt_blocks(key, &token.iv, &[0; 48]);
            with_mac(token);
        });
        add("no text, good MAC".to_owned(), &|token| {
            token.ciphertext.clear();
            with_mac(token);
        });
        add("half a block, good MAC".to_owned(), &|token| {
            token.ciphertext.truncate(24);
            with_mac(token);
        });
        add("an IV of 15 bytes, good MAC".to_owned(), &|token| {
            token.iv.pop();
            with_mac(token);
        });
    }
    failing
}

/// The encrypted key is not right.
fn keys(envelope: &Envelope) -> Failing {
    if envelope.encrypted_key.is_empty() {
        return Failing::new();
    }
    let good = envelope.sealed(tokens::good());
    let with = |encrypted_key: Vec<u8>| RawJwe {
        encrypted_key,
        ..good.clone()
    };
    let mut failing = Failing::new();
    let last = good.encrypted_key.len() - 1;
    for at in [0, last / 2, last] {
        let mut key = good.encrypted_key.clone();
        key[at] ^= 1;
        failing.push((format!("wrong encrypted key at {at}"), with(key)));
    }
    for length in [1, 7, 8, 16, last, last + 2, 512] {
        let mut key = good.encrypted_key.clone();
        key.resize(length, 0);
        failing.push((format!("an encrypted key of {length} bytes"), with(key)));
    }
    failing
}

/// The sender's key is not right.
fn senders() -> Vec<(String, String)> {
    let good = ENC_EC.envelope(ContentCipher::A256Gcm);
    let other = ENC_EC.envelope(ContentCipher::A256Gcm).header["epk"].clone();
    let mut off = other.clone();
    off["x"] = off["y"].clone();
    let small = json!({"kty": "OKP", "crv": "X25519", "x": other["x"]});
    let kinds = [
        ("another point", other),
        ("off the curve", off),
        ("another curve", small),
    ];
    let token = |(what, epk): (&str, _)| {
        (
            what.to_owned(),
            good.clone().member("epk", epk).seal(tokens::good()),
        )
    };
    kinds.map(token).into()
}

/// Everything is right, for the key of another, or of another length.
fn strangers() -> Vec<(String, String)> {
    let secret = Recipient::direct("enc-secret");
    let others = [
        &Recipient::rsa("enc-rsa", 2),
        &Recipient::p256("enc-ec"),
        &secret,
        &secret.wrapping(),
    ];
    let mut tokens = Vec::new();
    for (way, envelope) in of(&others) {
        tokens.push((format!("{way}, another key"), envelope.seal(tokens::good())));
        let nameless = envelope.without("kid").seal(tokens::good());
        tokens.push((format!("{way}, another key, without kid"), nameless));
    }
    for recipient in [&*ENC_RSA, &ENC_SECRET.wrapping()] {
        for length in [16, 24, 40, 64] {
            // Sealed as well as it goes, for a reader that takes what it needs.
            let longer = vec![7; length.max(32)];
            let whole = recipient.envelope_of(ContentCipher::A256Gcm, vec![7; length]);
            let token = Envelope {
                content_key: longer[..32].to_vec(),
                ..whole
            };
            let what = format!("{}, a content key of {length} bytes", recipient.alg());
            tokens.push((what, token.seal(tokens::good())));
        }
    }
    tokens
}
