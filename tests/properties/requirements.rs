//! A further requirement for an issuer's tokens never turns a denial into an allow, and each is
//! explained.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use watchword::authenticator::Snapshot;
use watchword::config::Config;
use watchword::explain::{StepOutcome, explain};
use watchword::request::Request;
use watchword::token::UnixTime;
use watchword_test_support::mint::{self, Signer};

use crate::core::{self, AUDIENCE, ISSUER};
use crate::explained;
use crate::generate::Random;

const NOW: i64 = 1_800_000_000;
const TOKENS: usize = 160;

const KINDS: [&str; 5] = [
    "",
    "token_kind: access_token",
    "token_kind: rfc9068_access_token",
    "token_kind: id_token",
    "token_kind: logout_token",
];

const FURTHER: [&str; 4] = [
    "client_ids: [web, app]",
    "required_claims: [sub, act.sub]",
    "forbidden_claims: [nonce, act.x]",
    "max_lifetime: 10m",
];

fn snapshot(settings: &[&str], keys: &Value) -> Snapshot {
    let lines = format!("\n{}", settings.join("\n")).replace('\n', "\n    ");
    let text = format!(
        "issuers:\n  corp:\n    issuer: '{ISSUER}'\n    audiences: [{AUDIENCE}]\n    jwks: \
         {{inline: {keys}}}{lines}\n"
    );
    let config = Config::parse(&text, Path::new("requirements.yaml"));
    core::snapshot(config.unwrap_or_else(|problems| panic!("{problems}")))
}

/// A token that meets all settings but for its kind, with some claims changed or left out; and its
/// type.
fn token(random: &mut Random, signer: &Signer) -> (String, Option<&'static str>) {
    let clients = ["web", "app", "other"].map(|client| json!(client));
    let texts = [json!("a"), json!(""), json!(null), json!(1)];
    let logout = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let kinds = ["Bearer", "ID", "Refresh", "Logout", "JWT"].map(|word| json!(word));
    let changes: [(&str, &[Value], usize); 12] = [
        ("events", &[logout], 3),
        ("events", &[json!({}), json!(["concert"])], 12),
        ("typ", &kinds, 4),
        ("token_use", &["access", "id"].map(|word| json!(word)), 8),
        ("azp", &clients, 6),
        ("client_id", &clients, 6),
        ("cid", &texts, 12),
        ("jti", &texts, 12),
        ("nonce", &texts, 6),
        ("at_hash", &texts, 12),
        ("act", &[json!({"sub": null}), json!({"x": 1})], 8),
        ("aud", &[json!([AUDIENCE, "web"]), json!("x")], 6),
    ];
    let mut claims = mint::claims(NOW);
    for (name, value) in [
        ("jti", "j"),
        ("sid", "s"),
        ("azp", "web"),
        ("client_id", "web"),
    ] {
        claims[name] = json!(value);
    }
    claims["act"] = json!({"sub": "a"});
    for (name, values, odds) in changes {
        if random.below(odds) == 0 {
            claims[name] = random.pick(values).clone();
        }
    }
    for name in [
        "act",
        "azp",
        "client_id",
        "iat",
        "jti",
        "scope",
        "sid",
        "sub",
    ] {
        if random.below(10) == 0 {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    let types = [
        None,
        Some("JWT"),
        Some("JWT"),
        Some("at+jwt"),
        Some("logout+jwt"),
    ];
    let typ = *random.pick(&types);
    let mut header = signer.header();
    match typ {
        Some(typ) => header["typ"] = json!(typ),
        None => drop(header.as_object_mut().unwrap().remove("typ")),
    }
    (signer.sign_with(&header, &claims), typ)
}

#[test]
fn a_further_requirement_never_turns_a_denial_into_an_allow() {
    let signer = Signer::generate("ES256", "k1");
    let keys = mint::key_set(&[&signer]);
    let masks = 1_usize << FURTHER.len();
    let mut sites = Vec::new();
    for kind in KINDS {
        for mask in 0..masks {
            let further = (0..FURTHER.len()).filter(|bit| mask >> bit & 1 == 1);
            let settings: Vec<&str> = [kind]
                .into_iter()
                .chain(further.map(|bit| FURTHER[bit]))
                .collect();
            sites.push(snapshot(&settings, &keys));
        }
    }
    let mut random = Random::new(20_261_201);
    let mut steps: BTreeMap<String, usize> = BTreeMap::new();
    let mut allowed = vec![0; sites.len()];
    for _ in 0..TOKENS {
        let (token, typ) = token(&mut random, &signer);
        let verdicts: Vec<bool> = sites
            .iter()
            .map(|site| is_allowed(site, &token, &mut steps))
            .collect();
        for (index, verdict) in verdicts.iter().enumerate() {
            allowed[index] += usize::from(*verdict);
            let (kind, mask) = (index / masks, index % masks);
            let mut weaker: Vec<usize> = (0..FURTHER.len())
                .filter(|bit| mask >> bit & 1 == 1)
                .map(|bit| index & !(1 << bit))
                .collect();
            // Only a logout token may have a type that no other token has.
            if !(KINDS[kind].ends_with("logout_token") && typ == Some("logout+jwt")) {
                weaker.push(mask);
            }
            if KINDS[kind].contains("rfc9068") {
                weaker.push(masks + mask);
            }
            let all_allow = weaker.iter().all(|weaker| verdicts[*weaker]);
            assert!(!verdict || all_allow, "{} {mask:b}: {token}", KINDS[kind]);
        }
    }
    println!(
        "requirements: {TOKENS} tokens at {} issuers; {steps:?}",
        sites.len()
    );
    for step in [
        "token_kind",
        "client_ids",
        "required_claims",
        "forbidden_claims",
    ] {
        assert!(steps.contains_key(step), "{steps:?}");
    }
    assert!(!allowed.contains(&0), "{allowed:?}");
}

/// Also counts the steps at which tokens fail.
fn is_allowed(snapshot: &Snapshot, token: &str, steps: &mut BTreeMap<String, usize>) -> bool {
    let request = Request {
        method: b"GET",
        path: b"/",
        ..Request::default()
    };
    let now = UnixTime::from_secs(f64::from(i32::try_from(NOW).unwrap()));
    let explanation = explain(snapshot, &request, token.as_bytes(), now);
    explained::check(&explanation, token);
    let failed = explanation.steps.iter();
    let mut failed = failed.filter(|step| matches!(step.outcome, StepOutcome::Fail(_)));
    if let Some(step) = failed.next() {
        *steps.entry(step.name.to_string()).or_default() += 1;
    }
    explanation.denial.is_none()
}
