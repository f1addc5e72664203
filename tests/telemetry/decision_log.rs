//! The decision log: its fields, its decisions, and secrets that it never holds.

use serde_json::{Value, json};
use watchword::telemetry::{DecisionEvent, DecisionOutcome, Door, RequestId, TraceContext};
use watchword::token::Denial;
use watchword_test_support::mint;

use crate::scene::{decision, expired, lines, telemetry, verified};

const TRACE: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// The lines of these decisions.
fn logged(decisions: &str, told: &[DecisionEvent<'_>]) -> Vec<Value> {
    let (telemetry, log) = telemetry(&format!("log: {{decisions: {{{decisions}}}}}"));
    for decision in told {
        telemetry.record(decision);
    }
    // The log ends when nobody can write to it any more.
    drop(telemetry);
    lines(log)
}

#[test]
fn a_line_has_every_field_that_says_something() {
    let denial = expired();
    let claims = mint::claims(1_700_000_000);
    let token = verified(&claims);
    let told = DecisionEvent {
        token: Some(&token),
        request_id: RequestId::new(b"4a\n\"b"),
        trace: TraceContext::parse(TRACE, None),
        ..decision(DecisionOutcome::Denied(&denial))
    };
    let expected = json!({
        "time": "2023-11-14T22:13:20.125Z",
        "door": "check", "verdict": "deny", "reason": "token_expired",
        "detail": {"ago_seconds": 12.5}, "mode": "enforce", "rule": "admin", "issuer": "corp",
        "request_id": "4a\"b", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "latency_us": 1500,
        "claims": {"sub": "alice", "scope": "orders.read orders.write"},
    });
    let config = "policy: all, hash_claims: false, claims: [sub, [scope], absent]";
    assert_eq!(logged(config, &[told]), [expected]);

    let bare = DecisionEvent {
        door: Door::Validate,
        issuer: None,
        rule: None,
        ..decision(DecisionOutcome::Anonymous)
    };
    let expected = json!({
        "time": "2023-11-14T22:13:20.125Z",
        "door": "validate", "verdict": "allow", "reason": "anonymous",
        "mode": "enforce", "latency_us": 1500,
    });
    assert_eq!(logged(config, &[bare]), [expected]);
}

#[test]
fn what_shadow_mode_lets_pass_says_what_it_would_be() {
    let denial = Denial::InsufficientScope {
        scope: "admin".into(),
    };
    let told = DecisionEvent {
        shadow: true,
        ..decision(DecisionOutcome::Shadowed(&denial))
    };
    let line = &logged("policy: denials", &[told])[0];
    let of = |member: &str| line[member].clone();
    assert_eq!(
        (of("verdict"), of("would_be")),
        (json!("allow"), json!("deny"))
    );
    assert_eq!(
        (of("reason"), of("mode")),
        (json!("insufficient_scope"), json!("shadow"))
    );
    assert_eq!(of("detail"), json!({"scope": "admin"}));
}

#[test]
fn details_name_claims_and_times() {
    let claim = || "sub".into();
    let ahead = std::time::Duration::from_secs(5);
    for (denial, detail) in [
        (
            Denial::ClaimMissing { claim: claim() },
            json!({"claim": "sub"}),
        ),
        (
            Denial::ClaimInvalid { claim: claim() },
            json!({"claim": "sub"}),
        ),
        (
            Denial::TokenNotYetValid { ahead },
            json!({"ahead_seconds": 5.0}),
        ),
        (Denial::PolicyDenied, Value::Null),
    ] {
        let line = &logged("policy: all", &[decision(DecisionOutcome::Denied(&denial))])[0];
        assert_eq!(line["detail"], detail, "{denial:?}");
    }
}

#[test]
fn claims_are_hashed_unless_asked_otherwise_and_others_are_never_written() {
    let mut claims = mint::claims(1_700_000_000);
    claims["email"] = "alice@example.com".into();
    let token = verified(&claims);
    let told = || DecisionEvent {
        token: Some(&token),
        ..decision(DecisionOutcome::Allowed)
    };
    let hashed = &logged("policy: all, claims: [sub]", &[told(), told()]);
    let hash = hashed[0]["claims"]["sub"].as_str().unwrap();
    assert!(
        hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{hash}"
    );
    assert_eq!(
        hashed[0]["claims"], hashed[1]["claims"],
        "one key in a process"
    );
    let plain = &logged("policy: all, claims: [sub], hash_claims: false", &[told()]);
    assert_eq!(plain[0]["claims"], json!({"sub": "alice"}));
    let none = &logged("policy: all", &[told()]);
    assert_eq!(none[0].get("claims"), None);
    for line in [&hashed[0], &plain[0], &none[0]] {
        assert!(!line.to_string().contains("example.com"), "{line}");
    }
    assert!(!hashed[0].to_string().contains("alice"));
}

#[test]
fn replicas_with_one_key_write_the_same_hashes() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("hash.key"), "k".repeat(32) + "\n").unwrap();
    let token = verified(&mint::claims(1_700_000_000));
    let told = || DecisionEvent {
        token: Some(&token),
        ..decision(DecisionOutcome::Allowed)
    };
    let config = "policy: all, claims: [sub], hash_key_file: hash.key";
    let (one, other) = (logged(config, &[told()]), logged(config, &[told()]));
    // HMAC-SHA-256 of "alice" under 32 times "k", by another implementation.
    assert_eq!(one[0]["claims"]["sub"], "6664a42048c6d6d7fe3657e39b14155c");
    assert_eq!(one, other);
}

#[test]
fn policies_choose_which_decisions_are_written() {
    let denial = expired();
    let told: Vec<_> = (0..2000)
        .flat_map(|_| {
            [
                decision(DecisionOutcome::Allowed),
                decision(DecisionOutcome::Denied(&denial)),
            ]
        })
        .collect();
    let count = |config: &str| {
        let lines = logged(config, &told);
        let allows = lines
            .iter()
            .filter(|line| line["verdict"] == "allow")
            .count();
        (allows, lines.len() - allows)
    };
    assert_eq!(count("policy: none"), (0, 0));
    assert_eq!(count("claims: [sub]"), (0, 0), "none is the default");
    assert_eq!(count("policy: denials"), (0, 2000));
    assert_eq!(count("policy: all"), (2000, 2000));
    assert_eq!(count("policy: sampled, sample: 0"), (0, 2000));
    assert_eq!(count("policy: sampled, sample: 1"), (2000, 2000));
    // 0.25 within five standard deviations.
    let (allows, denials) = count("policy: sampled, sample: 0.25");
    assert!((403..=597).contains(&allows), "{allows}");
    assert_eq!(denials, 2000);
}
