//! Area `jwe`: segments of the wrong length or content. After the header, one denial says it all.

use watchword_test_support::jwe::{ContentCipher, RawJwe, encrypt_blocks};
use watchword_test_support::mint;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::tokens;
use super::{ENC_EC, ENC_RSA, ENC_SECRET, VAULT, of, ways};

pub(crate) const ROWS: &[Row] = &[
    row!("JWE-18", encrypted_key_of_another_length_fails),
    row!("JWE-19", encrypted_key_that_is_not_needed_is_malformed),
    row!("JWE-20", iv_of_another_length_fails),
    row!("JWE-21", tag_of_another_length_fails),
    row!("JWE-22", bad_padding_fails_like_a_bad_mac),
    row!("JWE-32", changed_header_is_refused),
    row!("JWE-33", empty_ciphertext_fails_and_a_long_one_is_too_large),
];

fn encrypted_key_of_another_length_fails(case: &mut Case) {
    for (way, envelope) in of(&[&ENC_RSA, &ENC_SECRET.wrapping()]) {
        let sealed = envelope.sealed(tokens::good());
        case.accepts(&VAULT, &way, sealed.token());
        let with_key = |encrypted_key: Vec<u8>| {
            let sealed = sealed.clone();
            RawJwe {
                encrypted_key,
                ..sealed
            }
            .token()
        };
        case.refuses(
            &VAULT,
            &format!("{way}, 0 bytes"),
            with_key(Vec::new()),
            "token_malformed",
        );
        let whole = &sealed.encrypted_key;
        let lengths = (1..=8).chain([9, 15, 16, 24, 32, 39, 41, 48, 255, 257, 512, 4096]);
        for length in lengths.filter(|length| *length != whole.len()) {
            let mut key = whole.clone();
            key.resize(length, 0);
            case.refuses(
                &VAULT,
                &format!("{way}, {length} bytes"),
                with_key(key),
                "decrypt_failed",
            );
        }
    }
    let sealed = ENC_RSA.envelope(ContentCipher::A256Gcm).sealed("");
    let encrypted_key = vec![7; 1 << 20];
    let long = RawJwe {
        encrypted_key,
        ..sealed
    };
    case.refuses(&VAULT, "1 MiB", long.token(), "token_too_large");
}

fn encrypted_key_that_is_not_needed_is_malformed(case: &mut Case) {
    for (way, envelope) in of(&[&ENC_EC, &ENC_SECRET]) {
        let sealed = envelope.sealed(tokens::good());
        case.accepts(&VAULT, &way, sealed.token());
        for encrypted_key in [
            vec![0],
            vec![7; 32],
            vec![7; 40],
            envelope.content_key.clone(),
        ] {
            let length = encrypted_key.len();
            let sealed = RawJwe {
                encrypted_key,
                ..sealed.clone()
            };
            let what = format!("{way}, {length} bytes");
            case.refuses(&VAULT, &what, sealed.token(), "token_malformed");
        }
    }
}

fn iv_of_another_length_fails(case: &mut Case) {
    for (way, envelope) in ways() {
        let sealed = envelope.sealed(tokens::good());
        for length in (0..=17)
            .chain([32, 1000])
            .filter(|length| *length != sealed.iv.len())
        {
            let mut other = sealed.clone();
            other.iv.resize(length, 0);
            let what = format!("{way}, {length} bytes");
            case.refuses(&VAULT, &what, other.token(), "decrypt_failed");
            if envelope.cipher == ContentCipher::A128CbcHs256 {
                let other = other.with_mac(&envelope.content_key);
                let what = format!("{what}, with its MAC");
                case.refuses(&VAULT, &what, other.token(), "decrypt_failed");
            }
        }
        case.accepts(&VAULT, &way, sealed.token());
    }
}

fn tag_of_another_length_fails(case: &mut Case) {
    for (way, envelope) in ways() {
        let sealed = envelope.sealed(tokens::good());
        for length in (0..=15).chain([17, 24, 32, 64]) {
            let mut other = sealed.clone();
            other.tag.resize(length, 0);
            let what = format!("{way}, {length} bytes");
            case.refuses(&VAULT, &what, other.token(), "decrypt_failed");
        }
        case.accepts(&VAULT, &way, sealed.token());
    }
}

/// Whole blocks that end in no padding, under a MAC that is right for them; and a MAC that is not.
fn bad_padding_fails_like_a_bad_mac(case: &mut Case) {
    let mut tokens = Vec::new();
    for (way, envelope) in ways() {
        if envelope.cipher != ContentCipher::A128CbcHs256 {
            continue;
        }
        let sealed = envelope.sealed(tokens::good());
        case.accepts(&VAULT, &way, sealed.token());
        let own_mac = sealed.clone().with_mac(&envelope.content_key);
        case.accepts(&VAULT, &format!("{way}, the maker's MAC"), own_mac.token());
        let mut half = [1; 16];
        // Two bytes of padding, of which one is wrong.
        half[15] = 2;
        for end in [[0; 16], [17; 16], [255; 16], half] {
            let blocks = [[b'a'; 16], end].concat();
            let ciphertext = encrypt_blocks(&envelope.content_key, &sealed.iv, &blocks);
            let other = RawJwe {
                ciphertext,
                ..sealed.clone()
            };
            let other = other.with_mac(&envelope.content_key);
            tokens.push((format!("{way}, padding {end:?}"), other.token()));
        }
        for length in [1, 15, 17] {
            let ciphertext = vec![7; length];
            let other = RawJwe {
                ciphertext,
                ..sealed.clone()
            };
            let other = other.with_mac(&envelope.content_key);
            tokens.push((format!("{way}, {length} bytes"), other.token()));
        }
        let mut other = sealed.clone();
        other.tag[0] ^= 1;
        tokens.push((format!("{way}, bad MAC"), other.token()));
        let mut other = sealed.clone();
        let last = other.ciphertext.len() - 1;
        other.ciphertext[last] ^= 1;
        tokens.push((format!("{way}, bad last block"), other.token()));
    }
    super::alike(case, &VAULT, "decrypt_failed", &tokens);
}

/// The header is authenticated with the content. What else a change breaks may be found first.
fn changed_header_is_refused(case: &mut Case) {
    let expect = Expect::DenyOneOf(
        401,
        &[
            "decrypt_failed",
            "token_malformed",
            "alg_not_allowed",
            "key_not_found",
        ],
    );
    for (way, envelope) in ways() {
        let token = envelope.seal(tokens::good());
        case.accepts(&VAULT, &way, &token);
        let header = token.split('.').next().expect("a header").len();
        for at in 0..header {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let call = Call::bearing(&changed);
            case.check(&format!("{way}, character {at}"), &VAULT, &call, expect);
        }
        let mut sealed = envelope.sealed(tokens::good());
        sealed.header.insert(1, ' ');
        case.refuses(
            &VAULT,
            &format!("{way}, a space"),
            sealed.token(),
            "decrypt_failed",
        );
        let mut sealed = envelope.sealed(tokens::good());
        sealed.header.insert_str(1, r#""x":1,"#);
        case.refuses(
            &VAULT,
            &format!("{way}, a member"),
            sealed.token(),
            "decrypt_failed",
        );
    }
}

fn empty_ciphertext_fails_and_a_long_one_is_too_large(case: &mut Case) {
    for (way, envelope) in ways() {
        let sealed = envelope.sealed(tokens::good());
        let empty = RawJwe {
            ciphertext: Vec::new(),
            ..sealed.clone()
        };
        case.refuses(
            &VAULT,
            &format!("{way}, empty"),
            empty.token(),
            "decrypt_failed",
        );
        if envelope.cipher == ContentCipher::A128CbcHs256 {
            let empty = empty.with_mac(&envelope.content_key);
            let what = format!("{way}, empty, with its MAC");
            case.refuses(&VAULT, &what, empty.token(), "decrypt_failed");
        }
        let long = envelope.seal(vec![b'a'; 30_000]);
        case.refuses(&VAULT, &format!("{way}, 30 KB"), long, "token_too_large");
    }
    let long = ENC_EC
        .envelope(ContentCipher::A256Gcm)
        .seal(vec![b'a'; 3_000_000]);
    case.refuses(&VAULT, "3 MB", long, "token_too_large");
    // No message of this length is read.
    let header = mint::b64(br#"{"alg":"dir","enc":"A256GCM"}"#);
    let long = format!("{header}..AAAA.{}.AAAA", "A".repeat(10_000_000));
    case.denies(
        &VAULT,
        "10 MB",
        &Call::bearing(long),
        400,
        "request_malformed",
    );
}
