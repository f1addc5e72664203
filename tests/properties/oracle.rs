//! Whatever Watchword accepts, a strict second implementation accepts.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use watchword_test_support::mint::Signer;

use crate::core::{AUDIENCE, Core, ISSUER, LEEWAY, now, now_seconds};
use crate::generate::{Random, header, payload, spoil};

/// The number of tokens for each algorithm; together more than 10^5.
const CASES: [(&str, usize); 6] = [
    ("HS256", 50_000),
    ("EdDSA", 40_000),
    ("ES256", 12_000),
    ("ES384", 1_000),
    ("RS256", 1_000),
    ("PS256", 1_000),
];

fn decoding_key(signer: &Signer) -> DecodingKey {
    if signer.alg().starts_with("HS") {
        return DecodingKey::from_secret(&signer.private_der());
    }
    DecodingKey::from_jwk(&serde_json::from_value(signer.jwk()).unwrap()).unwrap()
}

/// All checks of the library. It reads the clock itself, a moment after us, so it gets two seconds
/// more.
fn validation(alg: Algorithm) -> Validation {
    let mut validation = Validation::new(alg);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY + 2;
    validation
}

#[test]
fn what_is_accepted_a_strict_second_implementation_accepts() {
    let mut reasons: BTreeMap<&'static str, usize> = BTreeMap::new();
    let (mut accepted, mut stricter) = (0, 0);
    for (alg, cases) in CASES {
        let core = Core::new(alg);
        let (key, validation) = (decoding_key(&core.signer), validation(alg.parse().unwrap()));
        let mut random = Random::new(u64::try_from(cases).unwrap());
        for case in 0..cases {
            let (header, payload) = (
                header(&mut random, alg),
                payload(&mut random, now_seconds()),
            );
            let signed = core.signer.sign_text(&header, payload.as_bytes());
            let token = if random.below(8) == 0 {
                spoil(&mut random, &signed)
            } else {
                signed
            };
            let ours = core.judge(&token, now());
            let theirs = jsonwebtoken::decode::<Value>(&token, &key, &validation);
            match (ours, theirs) {
                (Ok(()), Ok(_)) => accepted += 1,
                (Ok(()), Err(error)) => {
                    panic!("{alg} case {case}: only we accept {header} {payload}: {error}")
                }
                (Err(reason), theirs) => {
                    *reasons.entry(reason).or_default() += 1;
                    stricter += usize::from(theirs.is_ok());
                }
            }
        }
    }
    let cases: usize = CASES.iter().map(|(_, cases)| cases).sum();
    println!(
        "properties: {cases} generated tokens: {accepted} accepted by both, {stricter} by the \
         other only"
    );
    println!("properties: refused for {reasons:?}");
    assert!(
        cases >= 100_000 && accepted > cases / 20,
        "the cases must be many, and some of them good"
    );
    assert!(
        reasons.len() >= 12,
        "the cases must reach most reasons: {reasons:?}"
    );
}
