//! Keys that tokens are encrypted to, with both halves.

use std::sync::Arc;

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, EcPrivateKeyRfc5915Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey, PublicEncryptingKey,
    PublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Envelope;
use super::content::{ContentCipher, KEY, random};
use crate::mint::{Signer, b64, der_sequence, unsigned, witness};

/// A key pair, or a shared key, with an algorithm. Clones share the key.
#[derive(Clone)]
pub struct Recipient {
    key: Arc<Key>,
    alg: &'static str,
    kid: String,
}

enum Key {
    /// The private key, as PKCS#1.
    Rsa(Vec<u8>),
    P256(PrivateKey),
    Shared(Vec<u8>),
}

impl Recipient {
    /// RSA-OAEP-256, with this key of the mint's pool.
    pub fn rsa(kid: &str, which: usize) -> Self {
        let private = Signer::rsa("RS256", "", which).private_der();
        Self::new(Key::Rsa(private), "RSA-OAEP-256", kid)
    }

    /// ECDH-ES, with a new key.
    pub fn p256(kid: &str) -> Self {
        let private = PrivateKey::generate(&ECDH_P256).expect("a key on P-256");
        Self::new(Key::P256(private), "ECDH-ES", kid)
    }

    /// `dir`, with a new key of 256 bits.
    pub fn direct(kid: &str) -> Self {
        Self::new(Key::Shared(random(KEY)), "dir", kid)
    }

    /// The same shared key under A256KW.
    pub fn wrapping(&self) -> Self {
        assert!(matches!(*self.key, Key::Shared(_)), "a shared key");
        Self {
            alg: "A256KW",
            ..self.clone()
        }
    }

    /// The same key under another id; an empty one is left out of header and JWK.
    pub fn with_kid(&self, kid: &str) -> Self {
        Self {
            kid: kid.to_owned(),
            ..self.clone()
        }
    }

    fn new(key: Key, alg: &'static str, kid: &str) -> Self {
        let recipient = Self {
            key: Arc::new(key),
            alg,
            kid: kid.to_owned(),
        };
        let jwk = recipient.jwk();
        for name in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            witness(jwk[name].as_str().unwrap_or_default());
        }
        recipient
    }

    pub fn alg(&self) -> &'static str {
        self.alg
    }

    /// The private or shared JWK.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &*self.key {
            Key::Rsa(pkcs1) => {
                // RFC 8017 A.1.2: a version, and then these.
                let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
                let [_, integers @ ..]: [&[u8]; 9] = der_sequence(pkcs1);
                let mut jwk = json!({"kty": "RSA"});
                for (name, integer) in names.into_iter().zip(integers) {
                    jwk[name] = json!(b64(unsigned(integer)));
                }
                jwk
            }
            Key::P256(private) => {
                let bytes: EcPrivateKeyBin<'_> = private.as_be_bytes().unwrap();
                let mut jwk = public_jwk(private);
                jwk["d"] = json!(b64(bytes.as_ref()));
                jwk
            }
            Key::Shared(bytes) => json!({"kty": "oct", "k": b64(bytes)}),
        };
        if !self.kid.is_empty() {
            jwk["kid"] = json!(self.kid);
        }
        jwk
    }

    /// The private key in PEM. A shared key has no such form, and panics.
    pub fn pem(&self) -> String {
        let (label, der) = match &*self.key {
            Key::Rsa(pkcs1) => ("RSA PRIVATE KEY", pkcs1.clone()),
            Key::P256(private) => {
                let der: EcPrivateKeyRfc5915Der<'_> = private.as_der().unwrap();
                ("EC PRIVATE KEY", der.as_ref().to_vec())
            }
            Key::Shared(_) => panic!("a shared key has no PEM form"),
        };
        let body = STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    /// A token for this recipient, with a content key as its algorithm wants it.
    pub fn envelope(&self, cipher: ContentCipher) -> Envelope {
        if let Key::P256(_) = &*self.key {
            let sender = PrivateKey::generate(&ECDH_P256).expect("a key on P-256");
            let secret = self.agreed(&sender);
            return self.agreed_envelope(cipher, &public_jwk(&sender), &secret);
        }
        let content_key = match (&*self.key, self.alg) {
            (Key::Shared(key), "dir") => key.clone(),
            _ => random(KEY),
        };
        self.envelope_of(cipher, content_key)
    }

    /// A token with this content key, of any length, encrypted to the recipient.
    pub fn envelope_of(&self, cipher: ContentCipher, content_key: Vec<u8>) -> Envelope {
        Envelope {
            header: self.header(cipher),
            cipher,
            encrypted_key: match (&*self.key, self.alg) {
                (Key::Rsa(_), _) => self.oaep(&content_key),
                (Key::Shared(key), "A256KW") => {
                    let mut wrapped = vec![0; content_key.len() + 8];
                    let key = AesKek::new(&AES_256, key).unwrap();
                    key.wrap(&content_key, &mut wrapped).unwrap();
                    wrapped
                }
                _ => Vec::new(),
            },
            content_key,
        }
    }

    /// A token from this sender's key and this secret, which need not have to do with each other.
    pub fn agreed_envelope(&self, cipher: ContentCipher, epk: &Value, secret: &[u8]) -> Envelope {
        Envelope {
            header: self.header(cipher),
            cipher,
            content_key: derived(cipher, secret),
            encrypted_key: Vec::new(),
        }
        .member("epk", epk.clone())
    }

    /// `{"alg", "enc", "kid"}`; no kid if it is empty.
    fn header(&self, cipher: ContentCipher) -> Value {
        let mut header = json!({"alg": self.alg, "enc": cipher.name()});
        if !self.kid.is_empty() {
            header["kid"] = json!(self.kid);
        }
        header
    }

    fn oaep(&self, content_key: &[u8]) -> Vec<u8> {
        let key = OaepPublicEncryptingKey::new(self.rsa_public()).unwrap();
        let mut encrypted = vec![0; key.ciphertext_size()];
        let algorithm = &OAEP_SHA256_MGF1SHA256;
        key.encrypt(algorithm, content_key, &mut encrypted, None)
            .unwrap();
        encrypted
    }

    /// A content key, encrypted as `RSA1_5` does it. For an RSA key only.
    pub fn pkcs1(&self, content_key: &[u8]) -> Vec<u8> {
        let key = Pkcs1PublicEncryptingKey::new(self.rsa_public()).unwrap();
        let mut encrypted = vec![0; key.ciphertext_size()];
        key.encrypt(content_key, &mut encrypted).unwrap();
        encrypted
    }

    fn rsa_public(&self) -> PublicEncryptingKey {
        let Key::Rsa(pkcs1) = &*self.key else {
            panic!("not an RSA key");
        };
        let [_, n, e] = der_sequence(pkcs1).map(unsigned);
        PublicKeyComponents { n, e }.try_into().unwrap()
    }

    fn agreed(&self, sender: &PrivateKey) -> Vec<u8> {
        let Key::P256(private) = &*self.key else {
            panic!("not a key on a curve");
        };
        let public = private.compute_public_key().unwrap();
        let public = UnparsedPublicKey::new(&ECDH_P256, public);
        let take = |secret: &[u8]| Ok(secret.to_vec());
        agreement::agree(sender, public, Unspecified, take).unwrap()
    }
}

/// RFC 7518 §4.6.2: the Concat KDF, one round of which is enough for 256 bits.
fn derived(cipher: ContentCipher, secret: &[u8]) -> Vec<u8> {
    let name = cipher.name().as_bytes();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
    let round = 1_u32.to_be_bytes();
    let no_party = [0; 4];
    let bits = (8 * u32::try_from(KEY).unwrap()).to_be_bytes();
    let parts: [&[u8]; 7] = [
        &round,
        secret,
        &length(name),
        name,
        &no_party,
        &no_party,
        &bits,
    ];
    digest::digest(&digest::SHA256, &parts.concat())
        .as_ref()
        .to_vec()
}

fn public_jwk(private: &PrivateKey) -> Value {
    let public = private.compute_public_key().unwrap();
    // SEC 1 §2.3.3: 04 || x || y
    let (x, y) = public.as_ref()[1..].split_at(32);
    json!({"kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y)})
}
