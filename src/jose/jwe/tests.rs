//! Facts of encrypted tokens: what is made here is read here, and nothing that was changed is.

mod agreements;
mod primitives;

use super::*;
use crate::jose::json::Json;
use crate::jose::{NewKey, PrivateKey};

const CONTENT: &[u8] = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln";

/// A key pair for each kind of key that encrypts, with the algorithms that suit it.
struct Pair {
    decryption: DecryptionKey,
    encryption: EncryptionKey,
}

impl Pair {
    fn new(kind: NewKey) -> Self {
        Self::of(&PrivateKey::generate(kind).unwrap())
    }

    fn of(private: &PrivateKey) -> Self {
        let jwk = Json::parse(private.to_jwk().as_bytes(), 64).unwrap();
        Self {
            decryption: DecryptionKey::new(private).unwrap(),
            encryption: EncryptionKey::from_jwk(jwk.as_object().unwrap()).unwrap(),
        }
    }

    fn all() -> Vec<Self> {
        let secrets = [16, 24, 32, 48, 64].map(NewKey::Oct);
        let kinds = [
            NewKey::Rsa2048,
            NewKey::P256,
            NewKey::P384,
            NewKey::P521,
            NewKey::X25519,
        ];
        kinds.into_iter().chain(secrets).map(Self::new).collect()
    }

    fn encrypt(&self, algorithm: KeyAlgorithm, encryption: ContentEncryption) -> String {
        let members = [("kid", "a")];
        let token = self
            .encryption
            .encrypt(CONTENT, algorithm, encryption, &members);
        token.unwrap()
    }
}

fn pairs() -> impl Iterator<Item = (KeyAlgorithm, ContentEncryption)> {
    let all = KeyAlgorithm::ALL.into_iter();
    all.flat_map(|alg| {
        ContentEncryption::ALL
            .into_iter()
            .map(move |enc| (alg, enc))
    })
}

fn decrypt(token: &str, key: &DecryptionKey) -> Result<Vec<u8>, JoseError> {
    let content = Jwe::parse(token)?.decrypt(key, 10_000)?;
    Ok(content.to_vec())
}

#[test]
fn each_algorithm_decrypts_what_it_encrypts_and_only_with_its_key() {
    let (keys, others) = (Pair::all(), Pair::all());
    let mut combinations = 0;
    for (algorithm, encryption) in pairs() {
        let suits = |pair: &&Pair| pair.decryption.suits(algorithm, encryption);
        for pair in keys.iter().filter(suits) {
            let token = pair.encrypt(algorithm, encryption);
            assert_eq!(decrypt(&token, &pair.decryption).unwrap(), CONTENT);
            for other in &others {
                let failed = Err(JoseError::DecryptFailed);
                assert_eq!(decrypt(&token, &other.decryption), failed, "{algorithm:?}");
            }
            combinations += 1;
        }
    }
    // RSA: 4; four curves with 4 each; 6 lengths of wrapping keys; each with 6 contents. `dir`: one
    // length each.
    assert_eq!(combinations, (4 + 16 + 6) * 6 + 6);
}

#[test]
fn no_changed_token_decrypts() {
    let keys = Pair::all();
    for (algorithm, encryption) in pairs() {
        let suits = |pair: &&Pair| pair.decryption.suits(algorithm, encryption);
        for pair in keys.iter().filter(suits) {
            let token = pair.encrypt(algorithm, encryption);
            for at in (0..token.len()).step_by(7) {
                let mut changed = token.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                let result = decrypt(&changed, &pair.decryption);
                assert!(result.is_err(), "{algorithm:?} {encryption:?} at {at}");
            }
        }
    }
}

#[test]
fn a_cut_or_longer_part_fails_like_a_wrong_one() {
    let keys = Pair::all();
    for (algorithm, encryption) in pairs() {
        let suits = |pair: &&Pair| pair.decryption.suits(algorithm, encryption);
        let Some(pair) = keys.iter().find(suits) else {
            continue;
        };
        let token = pair.encrypt(algorithm, encryption);
        let segments: Vec<&str> = token.split('.').collect();
        for (at, segment) in segments.iter().enumerate().skip(1) {
            let bytes = decode(segment).unwrap();
            if bytes.is_empty() {
                continue;
            }
            for length in (0..=bytes.len() + 2).filter(|length| *length != bytes.len()) {
                let mut other = bytes.clone();
                other.resize(length, 7);
                let other = base64_url(&other);
                let mut segments = segments.clone();
                segments[at] = &other;
                let result = decrypt(&segments.join("."), &pair.decryption);
                // An encrypted key that is missing is a fault of the form.
                let expected = if at == 1 && length == 0 {
                    JoseError::Malformed
                } else {
                    JoseError::DecryptFailed
                };
                assert_eq!(
                    result,
                    Err(expected),
                    "{algorithm:?} segment {at}, {length} bytes"
                );
            }
        }
    }
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn compressed_content_is_inflated_up_to_the_bound() {
    let pair = Pair::new(NewKey::Oct(32));
    let token = |content: &[u8]| {
        let zip = [("zip", "DEF")];
        let compressed = miniz_oxide::deflate::compress_to_vec(content, 9);
        let (alg, enc) = (KeyAlgorithm::Dir, ContentEncryption::A256Gcm);
        pair.encryption
            .encrypt(&compressed, alg, enc, &zip)
            .unwrap()
    };
    assert_eq!(decrypt(&token(CONTENT), &pair.decryption).unwrap(), CONTENT);
    let most = vec![b'a'; 10_000];
    assert_eq!(decrypt(&token(&most), &pair.decryption).unwrap(), most);
    let too_large = Err(JoseError::TooLarge);
    assert_eq!(
        decrypt(&token(&[b'a'; 10_001]), &pair.decryption),
        too_large
    );
    let bomb = vec![0; 20_000_000];
    assert_eq!(decrypt(&token(&bomb), &pair.decryption), too_large);
}

#[test]
fn a_key_fits_the_tokens_of_its_curve_or_length() {
    let keys = [
        (KeyAlgorithm::RsaOaep256, NewKey::Rsa2048),
        (KeyAlgorithm::RsaOaep256, NewKey::Rsa3072),
        (KeyAlgorithm::EcdhEs, NewKey::P256),
        (KeyAlgorithm::EcdhEs, NewKey::P384),
        (KeyAlgorithm::EcdhEs, NewKey::P521),
        (KeyAlgorithm::EcdhEs, NewKey::X25519),
    ];
    let keys = keys.map(|(algorithm, kind)| (algorithm, Pair::new(kind)));
    for (at, (algorithm, pair)) in keys.iter().enumerate() {
        let token = pair.encrypt(*algorithm, ContentEncryption::A256Gcm);
        let jwe = Jwe::parse(&token).unwrap();
        for (other, (_, key)) in keys.iter().enumerate() {
            assert_eq!(
                key.decryption.can_be_recipient_of(&jwe),
                at == other,
                "{at}, {other}"
            );
        }
    }
}

#[test]
fn a_shared_key_has_a_name_only_if_its_document_gives_one() {
    let secret = PrivateKey::generate(NewKey::Oct(32)).unwrap();
    let thumbprint = secret.thumbprint();
    let key = DecryptionKey::new(&secret).unwrap();
    assert_eq!(key.id(), None, "a thumbprint would help to guess it");
    assert!(
        !key.is_named(&thumbprint),
        "nor compared with what a sender guesses"
    );
    let private = PrivateKey::generate(NewKey::P256).unwrap();
    let key = DecryptionKey::new(&private).unwrap();
    assert_eq!(key.id(), Some(&*private.thumbprint()));
}

/// RFC 7517 §4.3: `key_ops` names what a key may be used for.
#[test]
fn a_key_decrypts_what_its_operations_permit() {
    use KeyAlgorithm::{A128GcmKw, A256GcmKw, A256Kw, Dir, EcdhEs, EcdhEsA128Kw, RsaOaep};
    for (kind, operations, suitable) in [
        (NewKey::Rsa2048, "decrypt", &[RsaOaep][..]),
        (NewKey::Rsa2048, "unwrapKey", &[RsaOaep]),
        (NewKey::Rsa2048, "deriveKey", &[]),
        (NewKey::P256, "deriveBits", &[EcdhEs, EcdhEsA128Kw]),
        (NewKey::P256, "deriveKey", &[EcdhEs, EcdhEsA128Kw]),
        (NewKey::P256, "decrypt", &[]),
        (NewKey::Oct(32), "unwrapKey", &[A256Kw, A256GcmKw]),
        (NewKey::Oct(32), "decrypt", &[A256Kw, A256GcmKw, Dir]),
        (NewKey::Oct(32), "deriveKey", &[]),
    ] {
        let jwk = PrivateKey::generate(kind).unwrap().to_jwk();
        let jwk = jwk.replacen('{', &format!("{{\"key_ops\":[\"{operations}\"],"), 1);
        let keys = DecryptionKey::read_all(jwk.as_bytes());
        assert_eq!(keys.is_empty(), suitable.is_empty(), "{operations}");
        for algorithm in [
            RsaOaep,
            EcdhEs,
            EcdhEsA128Kw,
            A256Kw,
            A256GcmKw,
            A128GcmKw,
            Dir,
        ] {
            let mut keys = keys.iter();
            let suits = keys.any(|key| key.suits(algorithm, ContentEncryption::A256Gcm));
            assert_eq!(
                suits,
                suitable.contains(&algorithm),
                "{operations} {algorithm:?}"
            );
        }
    }
}
