//! A token mint: private keys that sign compact JWS, and the public JWKs that go with them.
//!
//! It owns keys and bytes only. It does not know what Watchword should accept, and signs
//! everything, wrong headers and broken payloads included.

pub mod fixed;

use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, PqdsaKeyPair,
    PqdsaSigningAlgorithm, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, signature::RsaSignatureEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Called with every signed token and every new shared secret, once a test sets it.
pub static WITNESS: OnceLock<fn(&[u8])> = OnceLock::new();

pub(crate) fn witness(secret: &str) {
    if let Some(witness) = WITNESS.get() {
        witness(secret.as_bytes());
    }
}

/// A private key that signs compact JWS with one algorithm. Clones share the key.
#[derive(Clone)]
pub struct Signer {
    key: Arc<Key>,
    alg: String,
    kid: String,
}

impl Signer {
    /// A key for `alg`: RS256..512, PS256..512, ES256, ES384, ES512, ES256K, `EdDSA`, `Ed25519`,
    /// ML-DSA-44, ML-DSA-65, ML-DSA-87 or HS256..512.
    ///
    /// The key is new, except for RSA, where making one is slow: there the `kid` chooses between
    /// pool keys 0 and 1, so two kids may mean one key. Where two RSA keys must differ, take them
    /// from [`Signer::rsa`].
    pub fn generate(alg: &str, kid: &str) -> Self {
        let key = match alg {
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => {
                let sum: usize = kid.bytes().map(usize::from).sum();
                return Self::rsa(alg, kid, sum % 2);
            }
            "ES256" => Key::ec("P-256"),
            "ES384" => Key::ec("P-384"),
            "ES512" => Key::ec("P-521"),
            "ES256K" => Key::ec("secp256k1"),
            "ML-DSA-44" => Key::ml_dsa(&signature::ML_DSA_44_SIGNING),
            "ML-DSA-65" => Key::ml_dsa(&signature::ML_DSA_65_SIGNING),
            "ML-DSA-87" => Key::ml_dsa(&signature::ML_DSA_87_SIGNING),
            "EdDSA" | "Ed25519" => Key::Ed(Ed25519KeyPair::generate().expect("an Ed25519 key")),
            "HS256" | "HS384" | "HS512" => Key::secret(),
            other => panic!("the mint knows no algorithm {other}"),
        };
        Self::new(Arc::new(key), alg, kid)
    }

    /// RSA key number `which` (0..4) of a pool that lives as long as the process.
    /// [`Signer::generate`] never takes 2 or 3.
    pub fn rsa(alg: &str, kid: &str, which: usize) -> Self {
        static POOL: [OnceLock<Arc<Key>>; 4] = [const { OnceLock::new() }; 4];
        let make = || {
            Arc::new(Key::Rsa(
                RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key"),
            ))
        };
        Self::new(Arc::clone(POOL[which].get_or_init(make)), alg, kid)
    }

    /// A shared secret of any length, with no kid.
    pub fn from_secret(alg: &str, secret: &[u8]) -> Self {
        Self::new(Arc::new(Key::Secret(secret.to_vec())), alg, "")
    }

    /// The same key under another algorithm name. A name that the key has no scheme for (`none`, or
    /// HS256 for an RSA key) goes into the header all the same, over a signature made the key's own
    /// way: RS256, the curve's, HS256.
    #[must_use]
    pub fn with_alg(&self, alg: &str) -> Self {
        Self::new(Arc::clone(&self.key), alg, &self.kid)
    }

    /// The same key under another key id; an empty one is left out of header and JWK.
    #[must_use]
    pub fn with_kid(&self, kid: &str) -> Self {
        Self::new(Arc::clone(&self.key), &self.alg, kid)
    }

    pub fn alg(&self) -> &str {
        &self.alg
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public JWK with kid, alg and `use: sig`; for a shared secret the `oct` key itself.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.key.jwk();
        jwk["alg"] = json!(self.alg);
        jwk["use"] = json!("sig");
        if !self.kid.is_empty() {
            jwk["kid"] = json!(self.kid);
        }
        jwk
    }

    /// The public key as `SubjectPublicKeyInfo`. A shared secret has none, and panics.
    pub fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match &*self.key {
            Key::Rsa(pair) => pair.public_key().as_der(),
            Key::Ec(_, pair) => pair.public_key().as_der(),
            Key::Ed(pair) => pair.public_key().as_der(),
            Key::MlDsa(pair) => pair.public_key().as_der(),
            Key::Secret(_) => panic!("a shared secret has no public key"),
        }
        .expect("a public key has a DER form");
        der.as_ref().to_vec()
    }

    /// The private key as PKCS#8. A shared secret has none, and panics.
    pub fn pkcs8(&self) -> Vec<u8> {
        match &*self.key {
            Key::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair)
                .unwrap()
                .as_ref()
                .to_vec(),
            Key::Ec(_, pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Key::Ed(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Key::MlDsa(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Key::Secret(_) => panic!("a shared secret has no PKCS#8 form"),
        }
    }

    /// The private key in the form that
    /// `jsonwebtoken::EncodingKey::from_{rsa_der,ec_der,ed_der,secret}` takes: PKCS#1 for RSA,
    /// PKCS#8 for the curves, the bytes of a shared secret.
    pub fn private_der(&self) -> Vec<u8> {
        match &*self.key {
            Key::Rsa(_) => {
                // RFC 5208 §5: SEQUENCE { version INTEGER, algorithm SEQUENCE, privateKey OCTET
                // STRING }
                let pkcs8 = self.pkcs8();
                let [_, _, private] = der_sequence(&pkcs8);
                private.to_vec()
            }
            Key::Ec(..) | Key::Ed(_) | Key::MlDsa(_) => self.pkcs8(),
            Key::Secret(bytes) => bytes.clone(),
        }
    }

    /// `{"alg", "typ": "JWT", "kid"}`; no kid if it is empty.
    pub fn header(&self) -> Value {
        let mut header = json!({"alg": self.alg, "typ": "JWT"});
        if !self.kid.is_empty() {
            header["kid"] = json!(self.kid);
        }
        header
    }

    /// A compact token over `claims`, under [`Signer::header`].
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    /// A compact token with the caller's header.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), claims.to_string().as_bytes())
    }

    /// A compact token over exactly these bytes, JSON or not.
    pub fn sign_text(&self, header: &str, payload: &[u8]) -> String {
        let input = format!("{}.{}", b64(header.as_bytes()), b64(payload));
        let signature = b64(&self.signature(input.as_bytes()));
        let token = format!("{input}.{signature}");
        witness(&token);
        token
    }

    /// The raw signature (or MAC) over `signing_input`. ECDSA is r||s; the salt of PSS is as long
    /// as the hash.
    pub fn signature(&self, signing_input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.key {
            Key::Rsa(pair) => {
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(self.padding(), &random, signing_input, &mut bytes)
                    .expect("RSA signs");
                bytes
            }
            Key::Ec(_, pair) => pair
                .sign(&random, signing_input)
                .expect("ECDSA signs")
                .as_ref()
                .to_vec(),
            Key::Ed(pair) => pair.sign(signing_input).as_ref().to_vec(),
            Key::MlDsa(pair) => {
                let mut bytes = vec![0; pair.algorithm().signature_len()];
                pair.sign(signing_input, &mut bytes).expect("ML-DSA signs");
                bytes
            }
            Key::Secret(bytes) => {
                let key = hmac::Key::new(self.mac(), bytes);
                hmac::sign(&key, signing_input).as_ref().to_vec()
            }
        }
    }

    fn new(key: Arc<Key>, alg: &str, kid: &str) -> Self {
        Self {
            key,
            alg: alg.to_owned(),
            kid: kid.to_owned(),
        }
    }

    fn padding(&self) -> &'static dyn RsaEncoding {
        let padding: &'static RsaSignatureEncoding = match self.alg.as_str() {
            "RS384" => &signature::RSA_PKCS1_SHA384,
            "RS512" => &signature::RSA_PKCS1_SHA512,
            "PS256" => &signature::RSA_PSS_SHA256,
            "PS384" => &signature::RSA_PSS_SHA384,
            "PS512" => &signature::RSA_PSS_SHA512,
            _ => &signature::RSA_PKCS1_SHA256,
        };
        padding
    }

    fn mac(&self) -> hmac::Algorithm {
        match self.alg.as_str() {
            "HS384" => hmac::HMAC_SHA384,
            "HS512" => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        }
    }
}

/// A JWK set of the signers' public keys.
pub fn key_set(signers: &[&Signer]) -> Value {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    json!({ "keys": keys })
}

/// Claims that are good at `now` (Unix seconds) and for the five minutes after it.
pub fn claims(now: i64) -> Value {
    json!({
        "iss": "https://idp.example.com",
        "aud": "orders-api",
        "sub": "alice",
        "iat": now,
        "exp": now + 300,
        "scope": "orders.read orders.write",
    })
}

/// base64url without padding (RFC 7515 §2).
pub fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

enum Key {
    Rsa(RsaKeyPair),
    Ec(&'static str, EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
    Secret(Vec<u8>),
}

impl Key {
    fn ec(curve: &'static str) -> Self {
        let scheme: &'static EcdsaSigningAlgorithm = match curve {
            "P-256" => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            "P-384" => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            "secp256k1" => &signature::ECDSA_P256K1_SHA256_FIXED_SIGNING,
            _ => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        Self::Ec(curve, EcdsaKeyPair::generate(scheme).expect("an EC key"))
    }

    fn ml_dsa(scheme: &'static PqdsaSigningAlgorithm) -> Self {
        Self::MlDsa(PqdsaKeyPair::generate(scheme).expect("an ML-DSA key"))
    }

    fn secret() -> Self {
        let mut bytes = vec![0; 64];
        rand::fill(&mut bytes).expect("random bytes");
        witness(&b64(&bytes));
        Self::Secret(bytes)
    }

    fn jwk(&self) -> Value {
        match self {
            Self::Rsa(pair) => {
                // RFC 8017 A.1.1: SEQUENCE { modulus INTEGER, publicExponent INTEGER }
                let [n, e] = der_sequence(pair.public_key().as_ref()).map(unsigned);
                json!({"kty": "RSA", "n": b64(n), "e": b64(e)})
            }
            Self::Ec(curve, pair) => {
                // SEC 1 §2.3.3: 04 || x || y
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
            }
            Self::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref())})
            }
            Self::MlDsa(pair) => {
                json!({"kty": "AKP", "pub": b64(pair.public_key().as_ref())})
            }
            Self::Secret(bytes) => json!({"kty": "oct", "k": b64(bytes)}),
        }
    }
}

/// The contents of the first `N` elements of a DER SEQUENCE, tags not looked at.
pub(crate) fn der_sequence<const N: usize>(der: &[u8]) -> [&[u8]; N] {
    let (mut rest, _) = der_element(der);
    [(); N].map(|()| {
        let (content, after) = der_element(rest);
        rest = after;
        content
    })
}

fn der_element(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, start) = match usize::from(der[1]) {
        short @ ..0x80 => (short, 2),
        long => {
            let end = 2 + (long & 0x7f);
            (
                der[2..end]
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte)),
                end,
            )
        }
    };
    der[start..].split_at(length)
}

/// A DER INTEGER's content without the sign byte (RFC 7518 §6.3.1: minimal octets).
pub(crate) fn unsigned(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}
