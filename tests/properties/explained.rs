//! Explanations agree with the verdict, whatever the token.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use watchword::authenticator::Snapshot;
use watchword::config::Config;
use watchword::explain::{Explanation, StepOutcome, explain};
use watchword::request::Request;
use watchword::token::UnixTime;
use watchword_test_support::mint::{self, Signer};

use crate::core::{self, AUDIENCE, ISSUER};
use crate::generate::{self, Random};

const NOW: i64 = 1_800_000_000;
const SHOP: &str = "https://shop.example.com";

struct World {
    signer: Signer,
    snapshot: Snapshot,
}

impl World {
    fn new() -> Self {
        let signer = Signer::generate("ES256", "k1");
        let other = Signer::generate("EdDSA", "k2");
        let keys = mint::key_set(&[&signer, &other]);
        let text = format!(
            "
server: {{max_token_size: 65536}}
issuers:
  corp:
    issuer: '{ISSUER}'
    audiences: [{AUDIENCE}]
    algorithms: [ES256, RS256]
    max_lifetime: 12h
    headers: {{x-user: {{claim: sub, required: true}}}}
    jwks: {{inline: {keys}}}
  keyless:
    issuer: https://keyless.example.com
    any_audience: true
    jwks: {{file: nowhere.json}}
  shop:
    issuer: '{SHOP}'
    any_audience: true
    types: [at+jwt]
    ignore_confirmation: true
    token_from: [{{cookie: session}}]
    jwks: {{inline: {keys}}}
rules:
- {{match: {{path: {{prefix: /public}}}}, require: none}}
- {{match: {{path: {{prefix: /optional}}}}, require: {{optional: true}}}}
- {{match: {{path: {{prefix: /shop}}}}, require: {{issuers: [shop]}}}}
- match: {{path: {{prefix: /admin}}}}
  require:
    audiences: [{AUDIENCE}, admin]
    scopes: [admin]
    claims: {{department: [it], level: {{contains: 3}}}}
- {{match: {{path: {{prefix: /host}}, hosts: [a.example.com]}}, require: {{}}}}
- {{match: {{path: {{prefix: /orders}}}}, require: {{}}}}
"
        );
        let config = Config::parse(&text, Path::new("explained.yaml"));
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        Self {
            signer,
            snapshot: core::snapshot(config),
        }
    }

    fn explain(&self, path: &str, token: &str, now: i64) -> Explanation {
        let host: &[u8] = if path == "/host" {
            b""
        } else {
            b"b.example.com"
        };
        let request = Request {
            method: b"GET",
            path: path.as_bytes(),
            host,
            ..Request::default()
        };
        let now = UnixTime::from_secs(f64::from(i32::try_from(now).unwrap()));
        let explanation = explain(&self.snapshot, &request, token.as_bytes(), now);
        check(&explanation, token);
        explanation
    }
}

/// The first failing step has the verdict's reason. The texts are bounded, harmless, and contain no
/// signature.
pub(crate) fn check(explanation: &Explanation, token: &str) {
    let failure = explanation.first_failure().map(|step| &step.outcome);
    let denial = explanation.denial.clone().map(StepOutcome::Fail);
    assert_eq!(failure, denial.as_ref(), "{:?}", explanation.steps);
    let mut steps = explanation.steps.iter();
    let failed = |step: &watchword::explain::Step| matches!(step.outcome, StepOutcome::Fail(_));
    let _ = steps.find(|step| failed(step));
    assert!(steps.all(|step| !step.decisive), "{:?}", explanation.steps);
    let signature = token.split('.').nth(2).unwrap_or_default();
    for step in &explanation.steps {
        let texts = [&*step.name, &step.found, &step.expected];
        for text in texts {
            let plain = |c: char| matches!(c, ' '..='~' | '…');
            assert!(text.chars().all(plain), "{text:?}");
            assert!(text.len() <= 4096, "{text}");
            assert!(signature.len() < 16 || !text.contains(signature), "{text}");
        }
        assert!(step.outcome == StepOutcome::NotReached || !step.found.is_empty());
    }
}

#[test]
fn the_first_failing_step_carries_the_verdicts_reason_for_random_tokens() {
    let world = World::new();
    let mut random = Random::new(20_261_125);
    let paths = [
        "/orders",
        "/orders",
        "/public/a",
        "/optional",
        "/shop",
        "/admin",
        "/nothing",
        "/orders/../a",
        "/host",
        "/orders?x=1",
        "no-slash",
    ];
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for case in 0..20_000 {
        let payload = generate::payload(&mut random, NOW);
        let header = generate::header(&mut random, "ES256");
        let mut token = world.signer.sign_text(&header, payload.as_bytes());
        if case % 4 == 0 {
            token = generate::spoil(&mut random, &token);
        }
        let path = if case % 3 == 0 {
            random.pick(&paths)
        } else {
            "/orders"
        };
        let explanation = world.explain(path, &token, NOW);
        *seen.entry(explanation.reason).or_default() += 1;
    }
    println!("explained: {seen:?}");
    assert!(seen.len() >= 16, "{seen:?}");
}

/// Path, token, and the reason and the step that it fails at.
type Case = (&'static str, String, &'static str, Option<&'static str>);

#[test]
fn the_first_failing_step_carries_the_verdicts_reason_for_each_kind_of_fault() {
    let world = World::new();
    for (path, token, reason, step) in cases(&world.signer) {
        let explanation = world.explain(path, &token, NOW);
        let failure = explanation.first_failure().map(|step| &*step.name);
        assert_eq!((explanation.reason, failure), (reason, step), "{token}");
    }
    let early = world.explain("/orders", &world.signer.sign(&mint::claims(NOW)), -5);
    assert_eq!(early.reason, "token_not_yet_valid");
    assert_eq!(early.first_failure().unwrap().name, "clock");
}

fn cases(signer: &Signer) -> Vec<Case> {
    let with = |changes: Value| {
        let mut claims = mint::claims(NOW);
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    };
    let token = |changes: Value| signer.sign(&with(changes));
    let headed = |changes: Value, header: Value| {
        let mut full = signer.header();
        for (name, value) in header.as_object().unwrap() {
            full[name] = value.clone();
        }
        signer.sign_with(&full, &with(changes))
    };
    let good = token(json!({}));
    let (unsigned, signature) = good.rsplit_once('.').unwrap();
    let shop = json!({"iss": SHOP});
    let at = json!({"typ": "at+jwt"});
    let admin = json!({"scope": "admin", "department": "it", "level": [1, 3]});
    let mut cases = vec![
        ("/orders", good.clone(), "allowed", None),
        ("/optional", String::new(), "anonymous", None),
        ("/public/a", "nonsense".into(), "anonymous", None),
        (
            "/optional",
            "nonsense".into(),
            "token_malformed",
            Some("form"),
        ),
        ("/orders", String::new(), "token_missing", Some("token")),
        (
            "/orders",
            "a".repeat(65537),
            "token_too_large",
            Some("token"),
        ),
        ("/orders", "a b".into(), "token_malformed", Some("token")),
        ("/orders", "a.b".into(), "token_malformed", Some("form")),
        (
            "/orders",
            "a.b.c.d.e.f".into(),
            "token_malformed",
            Some("form"),
        ),
        (
            "/orders",
            format!("=.{}", &good),
            "token_malformed",
            Some("token"),
        ),
        (
            "/orders",
            "e30.e30.AAAA".into(),
            "token_malformed",
            Some("header"),
        ),
        (
            "/orders",
            format!("{unsigned}.A"),
            "token_malformed",
            Some("payload"),
        ),
        (
            "/orders",
            format!("{unsigned}."),
            "token_malformed",
            Some("key"),
        ),
        (
            "/orders",
            format!("{good}.AA.AA"),
            "alg_not_allowed",
            Some("jwe.key"),
        ),
        (
            "/orders",
            format!("{unsigned}A.{signature}"),
            "token_malformed",
            Some("payload"),
        ),
        ("/nothing", good.clone(), "policy_denied", Some("rule")),
        (
            "/orders/../a",
            good.clone(),
            "request_malformed",
            Some("rule"),
        ),
        ("/host", good.clone(), "request_malformed", Some("rule")),
        (
            "/shop",
            good.clone(),
            "issuer_not_allowed",
            Some("rule.issuers"),
        ),
        ("/shop", headed(shop.clone(), at.clone()), "allowed", None),
        (
            "/shop",
            headed(shop, json!({})),
            "token_type_invalid",
            Some("typ"),
        ),
        ("/admin", good, "insufficient_scope", Some("rule.scopes")),
        ("/admin", token(admin.clone()), "allowed", None),
        (
            "/admin",
            headed(json!({"iss": SHOP, "aud": "x", "scope": "admin"}), at),
            "audience_mismatch",
            Some("rule.audiences"),
        ),
    ];
    let mut outsider = admin.clone();
    outsider["department"] = json!("sales");
    let mut junior = admin;
    junior["level"] = json!([1]);
    cases.extend([
        (
            "/admin",
            token(outsider),
            "policy_denied",
            Some("rule.claims.department"),
        ),
        (
            "/admin",
            token(junior),
            "policy_denied",
            Some("rule.claims.level"),
        ),
        (
            "/admin",
            token(json!({"scope": [1]})),
            "claim_invalid",
            Some("rule.scopes"),
        ),
    ]);
    let stranger = Signer::generate("ES256", "k1");
    cases.extend([
        (
            "/orders",
            stranger.sign(&with(json!({}))),
            "signature_invalid",
            Some("signature"),
        ),
        (
            "/orders",
            signer.with_kid("k9").sign(&with(json!({}))),
            "key_not_found",
            Some("key"),
        ),
        (
            "/orders",
            headed(json!({}), json!({"kid": "k2"})),
            "alg_not_allowed",
            Some("key"),
        ),
        (
            "/orders",
            headed(json!({}), json!({"alg": "none"})),
            "alg_not_allowed",
            Some("algorithm"),
        ),
        (
            "/orders",
            headed(json!({}), json!({"alg": "EdDSA"})),
            "alg_not_allowed",
            Some("algorithm"),
        ),
        (
            "/orders",
            headed(json!({}), json!({"crit": ["x"]})),
            "crit_unsupported",
            Some("header"),
        ),
        (
            "/orders",
            headed(json!({}), json!({"crit": ["x"], "kid": 5})),
            "crit_unsupported",
            Some("header"),
        ),
        (
            "/orders",
            headed(json!({}), json!({"kid": 5})),
            "token_malformed",
            Some("header"),
        ),
        (
            "/orders",
            headed(json!({}), json!({"typ": "logout+jwt"})),
            "token_type_invalid",
            Some("typ"),
        ),
        (
            "/orders",
            token(json!({"cnf": {"jkt": "x"}})),
            "token_type_invalid",
            Some("cnf"),
        ),
        (
            "/orders",
            signer.sign_text(&signer.header().to_string(), b"[]"),
            "token_malformed",
            Some("payload"),
        ),
    ]);
    // With the claims and the list itself, one value more than a payload may have.
    let claims = mint::claims(NOW).as_object().unwrap().len();
    let crowd = json!({"a": vec![0; 12 * 1024 - 1 - claims]});
    let mut room = crowd.clone();
    room["a"].as_array_mut().unwrap().pop();
    let crowded_header = json!({"x5c": vec![0; 256]});
    cases.extend([
        ("/orders", token(room), "allowed", None),
        ("/orders", token(crowd), "token_too_large", Some("payload")),
        (
            "/orders",
            headed(json!({}), crowded_header),
            "token_too_large",
            Some("header"),
        ),
    ]);
    let keyless = "https://keyless.example.com";
    let claims = [
        (json!({"iss": null}), "claim_missing", "issuer"),
        (json!({"iss": 5}), "claim_invalid", "issuer"),
        (
            json!({"iss": "https://evil.example.com"}),
            "issuer_not_allowed",
            "issuer",
        ),
        (json!({"iss": keyless}), "jwks_unavailable", "key"),
        (json!({"exp": null}), "claim_missing", "claims"),
        (json!({"exp": "soon"}), "claim_invalid", "claims"),
        (
            json!({"exp": NOW - 60, "nbf": "x"}),
            "claim_invalid",
            "claims",
        ),
        (json!({"jti": 5}), "claim_invalid", "claims"),
        (json!({"aud": "other"}), "audience_mismatch", "aud"),
        (json!({"aud": null}), "audience_mismatch", "aud"),
        (json!({"exp": NOW - 60}), "token_expired", "exp"),
        (json!({"nbf": NOW + 60}), "token_not_yet_valid", "nbf"),
        (json!({"iat": NOW + 60}), "claim_invalid", "iat"),
        (json!({"exp": NOW + 86400}), "claim_invalid", "max_lifetime"),
        (json!({"iat": null}), "claim_missing", "max_lifetime"),
        (
            json!({"nbf": NOW + 1, "exp": NOW}),
            "claim_invalid",
            "nbf and exp",
        ),
        (json!({"sub": null}), "claim_missing", "headers"),
        (json!({"sub": "a\u{1b}[2Jb"}), "claim_invalid", "headers"),
    ];
    cases.extend(
        claims.map(|(changes, reason, step)| ("/orders", token(changes), reason, Some(step))),
    );
    cases
}

/// Escape sequences would control the reader's terminal, and direction marks would reorder words.
#[test]
fn what_a_token_says_cannot_steer_a_terminal() {
    let world = World::new();
    let evil = "\u{1b}[31m\u{202e}\u{7}\u{9b}ü".repeat(20);
    let mut claims = mint::claims(NOW);
    for name in ["aud", "scope", "department"] {
        claims[name] = json!(evil);
    }
    claims[&evil] = json!(evil);
    let header = json!({"alg": "ES256", "kid": evil, "typ": evil});
    let token = world.signer.sign_with(&header, &claims);
    let explanation = world.explain("/admin", &token, NOW);
    assert_eq!(explanation.reason, "key_not_found");
    let aud = explanation.steps.iter().find(|step| step.name == "aud");
    let found = &aud.unwrap().found;
    assert!(
        found.starts_with("\"\\u001b[31m\\u202e\\u0007\\u009b\\u00fc"),
        "{found}"
    );
    assert!(found.ends_with("characters)"), "{found}");
}

/// People want to see all faults at once.
#[test]
fn what_else_is_wrong_is_shown_as_not_decisive() {
    let world = World::new();
    let mut claims = mint::claims(NOW - 3600);
    claims["aud"] = json!("other");
    let token = Signer::generate("ES256", "k1").sign(&claims);
    let explanation = world.explain("/admin", &token, NOW);
    let failures = explanation.steps.iter();
    let failures = failures.filter(|step| matches!(step.outcome, StepOutcome::Fail(_)));
    let failures: Vec<_> = failures.map(|step| (&*step.name, step.decisive)).collect();
    let expected = [
        ("signature", true),
        ("aud", false),
        ("exp", false),
        ("rule.audiences", false),
        ("rule.scopes", false),
        ("rule.claims.department", false),
        ("rule.claims.level", false),
    ];
    assert_eq!(failures, expected);
}

/// The token is explained even if the rules deny the request.
#[test]
fn a_token_is_judged_where_no_rule_applies() {
    let world = World::new();
    let token = world.signer.sign(&mint::claims(NOW));
    let explanation = world.explain("/nothing", &token, NOW);
    let others = explanation.steps.iter().skip(1);
    let passed = others
        .clone()
        .filter(|step| step.outcome == StepOutcome::Pass);
    assert_eq!(passed.count(), others.count());
}

#[test]
fn a_token_is_put_where_its_issuers_tokens_may_stand() {
    let text = format!(
        "server: {{token_from: [{{query: access_token}}]}}\nissuers: {{corp: {{issuer: '{ISSUER}', \
         any_audience: true, jwks: {{inline: {}}}}}}}",
        mint::key_set(&[&Signer::generate("ES256", "k1")])
    );
    let config = Config::parse(&text, Path::new("explained.yaml")).unwrap();
    let snapshot = Snapshot::new(config.policy);
    let request = Request {
        method: b"GET",
        path: b"/a?b=c",
        ..Request::default()
    };
    let now = UnixTime::from_secs(1_800_000_000.0);
    for (token, reason) in [("e30.e30.e30", "token_malformed"), ("", "token_missing")] {
        let explanation = explain(&snapshot, &request, token.as_bytes(), now);
        assert_eq!(explanation.reason, reason);
        check(&explanation, token);
    }
    let explanation = explain(&snapshot, &request, b"e30.e30.e30", now);
    let step = explanation.steps.iter().find(|step| step.name == "token");
    assert_eq!(
        step.unwrap().found,
        "11 bytes in the query parameter access_token"
    );
}
