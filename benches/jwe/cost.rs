//! A cold decision on a nested token against the sum of its bare primitives, and a warm one against
//! that on the signed token inside. Rounds alternate, so a drifting machine affects all alike.

use std::hint::black_box;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use watchword::authenticator::{IssuerKeys, Question, Snapshot, Verdict, authenticate};
use watchword::clock::Stopwatch;
use watchword::config::Config;
use watchword::grpc::TokenCache;
use watchword::jose::KeyAlgorithm;
use watchword::jwks::Source;
use watchword::request::{Header, Request};
use watchword::token::UnixTime;

use crate::keys::{self, Pair};

const ROUNDS: usize = 101;
const CALLS: u32 = 20;

pub(crate) fn run() {
    println!("\ncost: median of {ROUNDS} alternating rounds, µs a call");
    let row = |name: &str, cells: [&str; 5]| {
        let [primitives, cold, ratio, signed, warm] = cells;
        println!("{name:<28}{primitives:>12}{cold:>10}{ratio:>8}{signed:>14}{warm:>16}");
    };
    row(
        "",
        [
            "primitives",
            "cold",
            "ratio",
            "warm, signed",
            "warm, encrypted",
        ],
    );
    let ec = (Pair::p256(), Pair::p256(), KeyAlgorithm::EcdhEs);
    let rsa = (
        Pair::rsa(KeySize::Rsa2048),
        Pair::rsa(KeySize::Rsa2048),
        KeyAlgorithm::RsaOaep256,
    );
    for (name, (signing, decryption, algorithm)) in [
        ("ECDH-ES(P-256) + ES256", ec),
        ("RSA-OAEP-256 + RS256", rsa),
    ] {
        let signed = signing.sign("alice");
        let token = decryption.encrypt(&signed, algorithm);
        let primitives = Primitives::new(&signing, &decryption, &signed, &token);
        let world = World::new(name, &signing, &decryption);
        let rounds = alternating([
            &|| primitives.run(),
            &|| world.decide(&token, &world.cold),
            &|| world.decide(&signed, &world.warm),
            &|| world.decide(&token, &world.warm),
        ]);
        // Each round has its own speed, so its ratio says more than that of the medians.
        let ratios = rounds[1].iter().zip(&rounds[0]);
        let ratio = median(ratios.map(|(cold, bare)| cold / bare).collect());
        let [bare, cold, warm_signed, warm] = rounds.map(median);
        row(
            name,
            [
                &format!("{bare:.1}"),
                &format!("{cold:.1}"),
                &format!("{ratio:.3}"),
                &format!("{warm_signed:.2}"),
                &format!("{warm:.2}"),
            ],
        );
    }
}

/// Of each work, the time of each round, in microseconds a call.
fn alternating<const N: usize>(works: [&dyn Fn(); N]) -> [Vec<f64>; N] {
    let mut times = [(); N].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        for (work, times) in works.iter().zip(&mut times) {
            let clock = Stopwatch::start();
            (0..CALLS).for_each(|_| work());
            times.push((clock.elapsed() / CALLS).as_secs_f64() * 1e6);
        }
    }
    times
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct World {
    snapshot: Snapshot,
    cold: TokenCache,
    warm: TokenCache,
}

impl World {
    fn new(name: &str, signing: &Pair, decryption: &Pair) -> Self {
        let file = keys::written(&name[..3], decryption);
        let config = keys::config(signing, &file);
        let config = Config::parse(&config, Path::new("bench.yaml")).unwrap();
        let Some((issuer, Source::Fixed(set))) = config.sources.first() else {
            unreachable!("inline keys")
        };
        let keys = IssuerKeys::lasting(set.clone());
        Self {
            snapshot: Snapshot::new(config.policy.clone()).with_keys(&[*issuer], Some(&keys)),
            cold: TokenCache::new(0).unwrap(),
            warm: TokenCache::new(1000).unwrap(),
        }
    }

    fn decide(&self, token: &str, cache: &TokenCache) {
        let bearer = format!("Bearer {token}");
        let request = Request {
            method: b"GET",
            path: b"/orders",
            host: b"shop.example",
            headers: vec![Header {
                name: b"authorization",
                value: bearer.as_bytes(),
            }],
            context: Vec::new(),
        };
        let now = UnixTime::from_secs(1_800_000_000.0);
        let question = Question::from(request);
        let decision = authenticate(&self.snapshot, &question, now, cache);
        assert!(matches!(decision.verdict, Verdict::Allow(_)));
    }
}

/// What no implementation can do without: one private-key operation, one content decryption, one
/// verification, with keys that were parsed before, on bytes that were decoded before.
struct Primitives {
    private: Private,
    header: String,
    iv: [u8; 12],
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
    verifying: ParsedPublicKey,
    signing_input: String,
    signature: Vec<u8>,
}

enum Private {
    Agreement(PrivateKey, Vec<u8>),
    Rsa(OaepPrivateDecryptingKey, Vec<u8>),
}

impl Primitives {
    fn new(signing: &Pair, decryption: &Pair, signed: &str, token: &str) -> Self {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let member = |jwk: &Value, name: &str| decode(jwk[name].as_str().unwrap());
        let parts: Vec<&str> = token.split('.').collect();
        let header: Value = serde_json::from_slice(&decode(parts[0])).unwrap();
        let is_rsa = decryption.jwk["kty"] == "RSA";
        let private = if is_rsa {
            let key = PrivateDecryptingKey::from_pkcs8(&decryption.pkcs8).unwrap();
            Private::Rsa(
                OaepPrivateDecryptingKey::new(key).unwrap(),
                decode(parts[1]),
            )
        } else {
            let key = PrivateKey::from_private_key_der(&ECDH_P256, &decryption.pkcs8).unwrap();
            let (x, y) = (member(&header["epk"], "x"), member(&header["epk"], "y"));
            Private::Agreement(key, [&[4], x.as_slice(), &y].concat())
        };
        let verifying = if is_rsa {
            let (n, e) = (member(&signing.jwk, "n"), member(&signing.jwk, "e"));
            let components = RsaPublicKeyComponents { n: &n, e: &e };
            components
                .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                .unwrap()
        } else {
            let (x, y) = (member(&signing.jwk, "x"), member(&signing.jwk, "y"));
            let point = [&[4], x.as_slice(), &y].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap()
        };
        let (signing_input, signature) = signed.rsplit_once('.').unwrap();
        Self {
            private,
            header: parts[0].to_owned(),
            iv: decode(parts[2]).try_into().unwrap(),
            ciphertext: decode(parts[3]),
            tag: decode(parts[4]),
            verifying,
            signing_input: signing_input.to_owned(),
            signature: decode(signature),
        }
    }

    fn run(&self) {
        let mut key = [0; 512];
        let key = match &self.private {
            Private::Agreement(private, point) => {
                let public = UnparsedPublicKey::new(&ECDH_P256, point);
                let info = b"\0\0\0\x07A256GCM\0\0\0\0\0\0\0\0\0\0\x01\0";
                let sha256 = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256).unwrap();
                let key = &mut key[..32];
                agreement::agree(private, public, (), |secret| {
                    sskdf_digest(sha256, secret, info, key).map_err(drop)
                })
                .unwrap();
                key
            }
            Private::Rsa(private, encrypted) => private
                .decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut key, None)
                .unwrap(),
        };
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
        let mut content = self.ciphertext.clone();
        let nonce = Nonce::assume_unique_for_key(self.iv);
        let header = Aad::from(self.header.as_str());
        key.open_in_place_separate_tag(nonce, header, &self.tag, &mut content)
            .unwrap();
        black_box(content);
        self.verifying
            .verify_sig(self.signing_input.as_bytes(), &self.signature)
            .unwrap();
    }
}
