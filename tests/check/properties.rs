//! Differential properties of the core: what Watchword accepts, a strictly configured `jsonwebtoken` accepts too, and
//! no changed token is accepted.
//!
//! Cases come from a seeded generator: `WATCHWORD_SEED` repeats a run. The core is asked directly, behind the same
//! cache of verified tokens that the server has, so that what was remembered of a good token is in play.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde_json::Value;
use watchword::authenticator::{Snapshot, Verdict, authenticate};
use watchword::grpc::TokenCache;
use watchword::jwks::Source;
use watchword::request::{Header, Request};
use watchword::token::UnixTime;

use super::coverage::say;
use super::mint::{self, Signer};
use super::settings::{Issuer, Settings};

mod denials;
mod generator;
mod random;
mod times;

use random::Random;

/// Byte-level changes of good tokens, and tokens with other contents that are truly signed.
const CHANGED: usize = 80_000;
const SIGNED: usize = 40_000;
const SEED: u64 = 0x5741_5443_4857_4f52;
const LEEWAY: u64 = 30;
const AUDIENCE: &str = "orders-api";

/// An issuer of one algorithm: its key for us and for the oracle.
struct Party {
    signer: Signer,
    issuer: String,
    oracle: jsonwebtoken::DecodingKey,
}

/// The core with one issuer an algorithm.
struct Core {
    parties: Vec<Party>,
    snapshot: Snapshot,
    cache: TokenCache,
}

/// The oracle reads the system's clock, so both are asked in real time.
fn now() -> UnixTime {
    UnixTime::from_secs(super::process::Process::now() as f64)
}

/// How often what happened.
type Tally = BTreeMap<String, usize>;

impl Party {
    fn new(alg: &str) -> Self {
        let signer = match alg {
            "RS256" => Signer::rsa(alg, "key", 0),
            _ => Signer::generate(alg, "key"),
        };
        let jwk = signer.jwk();
        let text = |name: &str| jwk[name].as_str().unwrap_or_default();
        let oracle = match alg {
            "RS256" => jsonwebtoken::DecodingKey::from_rsa_components(text("n"), text("e")),
            "ES256" => jsonwebtoken::DecodingKey::from_ec_components(text("x"), text("y")),
            "EdDSA" => jsonwebtoken::DecodingKey::from_ed_components(text("x")),
            _ => Ok(jsonwebtoken::DecodingKey::from_secret(
                &signer.private_der(),
            )),
        };
        let issuer = format!("https://{}.example", alg.to_ascii_lowercase());
        Self {
            signer,
            issuer,
            oracle: oracle.expect("the oracle takes the key"),
        }
    }

    /// The same demands in the oracle's words.
    fn oracle_accepts(&self, token: &str) -> Result<(), jsonwebtoken::errors::Error> {
        let algorithm = self
            .signer
            .alg()
            .parse()
            .expect("an algorithm of the oracle's");
        let mut validation = jsonwebtoken::Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        jsonwebtoken::decode::<Value>(token, &self.oracle, &validation).map(|_| ())
    }
}

impl Core {
    fn new() -> Self {
        let parties: Vec<Party> = ["ES256", "EdDSA", "HS256", "RS256"].map(Party::new).into();
        let mut settings = Settings::default();
        for party in &parties {
            let (alg, set) = (party.signer.alg(), mint::key_set(&[&party.signer]));
            let issuer = Issuer::named(&alg.to_ascii_lowercase(), &party.issuer, &set);
            let issuer = if alg == "HS256" {
                let secret = Path::new(env!("CARGO_TARGET_TMPDIR")).join("properties.secret");
                std::fs::write(secret, party.signer.private_der())
                    .expect("a file in the target folder");
                issuer.keys("secret_file: properties.secret")
            } else {
                issuer.algorithms(alg)
            };
            settings = settings.issuer(issuer.line(&format!("leeway: {LEEWAY}s")));
        }
        let config = super::config::parse(&settings.text()).expect("a configuration");
        let mut snapshot = Snapshot::new(config.policy);
        for (issuer, source) in &config.sources {
            let Source::Fixed(keys) = source else {
                panic!("keys that are in the configuration")
            };
            snapshot = snapshot.with_keys(&[*issuer], keys);
        }
        let cache = TokenCache::new(1_000).expect("random numbers");
        Self {
            parties,
            snapshot,
            cache,
        }
    }

    /// The verdict on a `GET` with this token: the reason of a denial, or none.
    fn denial(&self, token: &[u8]) -> Option<&'static str> {
        let value = [b"Bearer ", token].concat();
        let headers = vec![Header {
            name: b"authorization",
            value: &value,
        }];
        let request = Request {
            method: b"GET",
            path: b"/",
            host: b"a.example",
            headers,
            context: Vec::new(),
        };
        match authenticate(&self.snapshot, &request, now(), &self.cache).verdict {
            Verdict::Allow(_) => None,
            Verdict::Deny(denial) => Some(denial.code()),
        }
    }

    /// Asks both; an allow that the oracle does not confirm is a failure.
    fn compare(&self, party: &Party, token: &[u8], tally: &mut Tally) -> Result<(), String> {
        let denial = self.denial(token);
        *tally
            .entry(denial.unwrap_or("ACCEPTED").to_owned())
            .or_default() += 1;
        if denial.is_some() {
            return Ok(());
        }
        let text = std::str::from_utf8(token).map_err(|_| "accepted, and not text".to_owned())?;
        party
            .oracle_accepts(text)
            .map_err(|error| format!("accepted, but the oracle says {error}: {}", opened(text)))
    }
}

/// A token in readable form, for a failure message.
fn opened(token: &str) -> String {
    let part = |text: &str| match super::tokens::unb64(text) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => text.to_owned(),
    };
    token
        .split('.')
        .take(2)
        .map(part)
        .collect::<Vec<_>>()
        .join(" . ")
}

fn seed() -> u64 {
    let given = std::env::var("WATCHWORD_SEED").ok();
    given.and_then(|seed| seed.parse().ok()).unwrap_or(SEED)
}

fn report(what: &str, cases: usize, tally: &Tally, failures: &[String]) {
    let accepted = tally.get("ACCEPTED").copied().unwrap_or_default();
    let refused: usize = tally.values().sum::<usize>() - accepted;
    say(&format!(
        "{what}: {cases} cases, {accepted} accepted, {refused} refused {tally:?}"
    ));
    let shown = failures
        .iter()
        .take(20)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        failures.is_empty(),
        "seed {}: {} failures\n{shown}",
        seed(),
        failures.len()
    );
}

#[test]
fn what_is_accepted_the_oracle_accepts_too() {
    let core = Core::new();
    let mut random = Random::new(seed());
    let (mut tally, mut failures) = (Tally::new(), Vec::new());
    for _ in 0..SIGNED {
        // RSA is slow to sign, and what is tried here does not hang on the algorithm.
        let weights = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3];
        let party = &core.parties[random.pick(&weights)];
        let token = generator::signed(&mut random, party, &core.parties);
        failures.extend(core.compare(party, token.as_bytes(), &mut tally).err());
    }
    report("truly signed tokens", SIGNED, &tally, &failures);
    // Neither side of the comparison may be empty.
    let accepted = tally.get("ACCEPTED").copied().unwrap_or_default();
    assert!(
        accepted > SIGNED / 20 && accepted < SIGNED * 19 / 20,
        "{accepted} of {SIGNED} accepted"
    );
}

#[test]
fn no_changed_token_is_accepted() {
    let core = Core::new();
    let mut random = Random::new(seed() ^ 1);
    let (mut tally, mut failures) = (Tally::new(), Vec::new());
    let pool: Vec<(usize, String)> = (0..80)
        .map(|number| generator::good(number, &core.parties))
        .collect();
    for (party, token) in &pool {
        let kept = core.compare(&core.parties[*party], token.as_bytes(), &mut tally);
        failures.extend(kept.err());
    }
    assert_eq!(
        tally.get("ACCEPTED"),
        Some(&pool.len()),
        "every unchanged token is accepted: {tally:?}"
    );
    let mut tally = Tally::new();
    for case in 0..CHANGED {
        let (_, token) = random.pick(&pool);
        let changed = if case % 2 == 0 {
            generator::flipped(&mut random, &token)
        } else {
            generator::mangled(&mut random, &token, &pool)
        };
        if pool
            .iter()
            .any(|(_, good)| good.as_bytes() == changed.as_slice())
        {
            *tally.entry("unchanged after all".to_owned()).or_default() += 1;
            continue;
        }
        let denial = core.denial(&changed);
        *tally
            .entry(denial.unwrap_or("ACCEPTED").to_owned())
            .or_default() += 1;
        if denial.is_none() {
            let changed = String::from_utf8_lossy(&Bytes::from(changed)).into_owned();
            failures.push(format!("{token}\nchanged to\n{changed}\nis accepted"));
        }
    }
    report("changed tokens", CHANGED, &tally, &failures);
}
