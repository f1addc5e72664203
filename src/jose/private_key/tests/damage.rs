//! Damaged keys: cut off, with a flipped bit, or with a part of another key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{ALL, one, problem};
use crate::jose::private_key::{NewKey, PrivateKey, PrivateKeyError};

fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}

fn asymmetric() -> impl Iterator<Item = (NewKey, PrivateKey)> {
    let kinds = ALL
        .into_iter()
        .filter(|kind| !matches!(kind, NewKey::Oct(_)));
    kinds.map(|kind| (kind, PrivateKey::generate(kind).unwrap()))
}

/// A JWK in which a member has other bytes.
fn changed(jwk: &str, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let start = jwk.find(&format!("\"{name}\":\"")).unwrap() + name.len() + 4;
    let end = start + jwk[start..].find('"').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&jwk[start..end]).unwrap();
    let bytes = URL_SAFE_NO_PAD.encode(change(bytes));
    format!("{}{bytes}{}", &jwk[..start], &jwk[end..])
}

#[test]
fn a_key_that_is_cut_off_is_refused() {
    for (kind, key) in asymmetric() {
        let der = key.to_pkcs8().unwrap();
        for length in 0..der.len() {
            assert!(one(&pem(&der[..length])).is_err(), "{kind:?} {length}");
        }
        let longer = [&der[..], &[0]].concat();
        assert_eq!(problem(one(&pem(&longer))), Some(PrivateKeyError::Der));
        let jwk = key.to_jwk();
        for length in 0..jwk.len() {
            let read = PrivateKey::read_all(&jwk.as_bytes()[..length]);
            assert!(read.is_err(), "{kind:?} {length}");
        }
    }
}

/// A key with a flipped bit in its DER is refused, or is a good key: of another scalar, where no
/// public key is beside it.
#[test]
fn a_flipped_bit_makes_no_key_whose_parts_do_not_fit() {
    for (kind, key) in asymmetric() {
        let der = key.to_pkcs8().unwrap();
        // An RSA key takes a millisecond to check.
        let step = if kind == NewKey::Rsa2048 { 61 } else { 3 };
        for bit in (0..8 * der.len()).step_by(step) {
            let mut flipped = der.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(read) = one(&pem(&flipped)) else {
                continue;
            };
            let is_alone = matches!(kind, NewKey::Ed25519 | NewKey::X25519);
            let is_same = read.to_jwk() == key.to_jwk();
            assert!(is_alone || is_same, "{kind:?} {bit}");
            assert!(one(&read.to_jwk()).is_ok(), "{kind:?} {bit}");
        }
    }
}

#[test]
fn a_flipped_bit_in_a_jwk_is_a_mismatch() {
    for (kind, key) in asymmetric() {
        let jwk = key.to_jwk();
        let names: &[&str] = match kind {
            NewKey::Rsa2048 => &["n", "e", "d", "p", "q", "dp", "dq", "qi"],
            NewKey::Ed25519 | NewKey::X25519 => &["x", "d"],
            _ => &["x", "y", "d"],
        };
        for name in names {
            for (index, mask) in [(0, 0x08), (1, 0x80), (16, 0x10)] {
                let flipped = changed(&jwk, name, |mut bytes| {
                    let index = index.min(bytes.len() - 1);
                    bytes[index] ^= mask;
                    bytes
                });
                assert!(one(&flipped).is_err(), "{kind:?} {name} {index}");
            }
        }
    }
}

#[test]
fn the_private_part_of_another_key_is_a_mismatch() {
    let kinds = [NewKey::P256, NewKey::Ed25519, NewKey::X25519];
    for kind in kinds {
        let [one_key, other] = [kind, kind].map(|kind| PrivateKey::generate(kind).unwrap());
        let mut private = Vec::new();
        changed(&other.to_jwk(), "d", |bytes| {
            private.clone_from(&bytes);
            bytes
        });
        let mixed = changed(&one_key.to_jwk(), "d", |_| private);
        assert_eq!(problem(one(&mixed)), Some(PrivateKeyError::Mismatch));
    }
}

#[test]
fn numbers_of_another_length_are_refused() {
    let jwk = PrivateKey::generate(NewKey::P256).unwrap().to_jwk();
    for name in ["x", "y", "d"] {
        let short = changed(&jwk, name, |bytes| bytes[1..].to_vec());
        let long = changed(&jwk, name, |bytes| [vec![0], bytes].concat());
        for (text, found) in [(short, 31), (long, 33)] {
            let expected = 32;
            let length = PrivateKeyError::Length {
                name,
                found,
                expected,
            };
            assert_eq!(problem(one(&text)), Some(length));
        }
    }
    let zero = changed(&jwk, "d", |_| vec![0; 32]);
    assert_eq!(problem(one(&zero)), Some(PrivateKeyError::Invalid));
    let huge = changed(&jwk, "d", |_| vec![0xff; 32]);
    assert_eq!(problem(one(&huge)), Some(PrivateKeyError::Invalid));
}

#[test]
fn an_rsa_key_may_have_leading_zeros_and_must_have_all_members() {
    let jwk = PrivateKey::generate(NewKey::Rsa2048).unwrap().to_jwk();
    for name in ["n", "e", "d", "p", "qi"] {
        let padded = changed(&jwk, name, |bytes| [vec![0], bytes].concat());
        assert_eq!(*one(&padded).unwrap().to_jwk(), *jwk, "{name}");
        let missing = jwk.replacen(&format!("\"{name}\":"), "\"other\":", 1);
        let missing = problem(one(&missing));
        let public = PrivateKeyError::PublicOnly;
        let expected = if name == "d" {
            public
        } else {
            PrivateKeyError::Member(name)
        };
        assert_eq!(missing, Some(expected));
    }
    let primes = ["p", "q", "dp", "dq", "qi"];
    let bare = primes.iter().fold(jwk.to_string(), |jwk, name| {
        jwk.replacen(&format!("\"{name}\":"), &format!("\"no_{name}\":"), 1)
    });
    assert_eq!(problem(one(&bare)), Some(PrivateKeyError::WithoutPrimes));
    let more = jwk.replacen('{', "{\"oth\":[],", 1);
    assert_eq!(problem(one(&more)), Some(PrivateKeyError::ManyPrimes));
    let small = changed(&jwk, "n", |bytes| bytes[1..].to_vec());
    assert!(matches!(
        problem(one(&small)),
        Some(PrivateKeyError::RsaSize(..2048))
    ));
    let large = changed(&jwk, "n", |bytes| bytes.repeat(5));
    assert!(matches!(
        problem(one(&large)),
        Some(PrivateKeyError::RsaSize(8193..))
    ));
}

#[test]
fn weak_keys_are_refused() {
    let rsa = PrivateKey::generate(NewKey::Rsa2048).unwrap().to_jwk();
    let one_exponent = changed(&rsa, "e", |_| vec![1]);
    assert!(matches!(
        problem(one(&one_exponent)),
        Some(PrivateKeyError::Weak(_))
    ));
    // The private key 1, whose point is the base point.
    let x = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
    let y = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
    let d = URL_SAFE_NO_PAD.encode([&[0; 31][..], &[1]].concat());
    let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}"}}"#);
    assert!(matches!(problem(one(&jwk)), Some(PrivateKeyError::Weak(_))));
    // X25519 points of small order.
    for x in [vec![0; 32], [vec![1], vec![0; 31]].concat()] {
        let x = URL_SAFE_NO_PAD.encode(x);
        let jwk = format!(r#"{{"kty":"OKP","crv":"X25519","x":"{x}"}}"#);
        assert_eq!(problem(super::public(&jwk)), Some(PrivateKeyError::Invalid));
    }
}
