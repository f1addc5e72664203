//! One snapshot per reason: the text for people, and the JSON.

use serde_json::{Value, json};
use watchword::authenticator::Verdict;
use watchword::token::Denial;
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::sealed::{DECRYPTION_KEY, OTHER_KEY};

use super::{NOW, World, claims, encrypted, headed, none, snapshot};
use crate::text;

/// Reasons without a snapshot. `jwks_unavailable` is exit code 2 here; the others need a running
/// server, or are not implemented.
const NOT_REACHED: [&str; 5] = [
    "caller_not_allowed",
    "token_revoked",
    "jwks_unavailable",
    "overloaded",
    "internal",
];

/// Name of the snapshot, reason, failed step, arguments, token.
type Case = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Vec<&'static str>,
    String,
);

#[test]
fn each_reason_is_explained_to_people_and_machines() {
    let world = World::new("validate-reasons");
    let mut reasons = vec![];
    for (name, reason, step, arguments, token) in cases(&world) {
        let people = world.run(&arguments, &token);
        let json = world.run(&[&arguments[..], &["--json"]].concat(), &token);
        let (shown, object) = (text(&people.stdout), text(&json.stdout));
        let all = [&*shown, &object, &text(&people.stderr), &text(&json.stderr)].concat();
        let code = people.status.code();
        assert_eq!(code, json.status.code(), "{name}");
        assert_eq!(code, Some(i32::from(step.is_some())), "{name}: {all}");
        assert!(!all.contains('\u{1b}'), "{name}: {all}");
        let signature = token.split('.').nth(2).unwrap_or_default();
        assert!(
            signature.len() < 8 || !all.contains(&signature[..8]),
            "{name}: {all}"
        );

        let lines = object.replace(",{\"step\"", ",\n{\"step\"");
        let object: Value = serde_json::from_str(&object).unwrap();
        assert_eq!(
            (&object["reason"], &object["failed"]),
            (&json!(reason), &json!(step)),
            "{name}"
        );
        let arguments = arguments.join(" ");
        let people = format!("$ watchword validate {arguments}\n{shown}");
        snapshot::matches(name, &format!("{people}\n$ --json\n{lines}"));
        reasons.push(reason);
    }
    let denials = Denial::samples();
    let every = denials.iter().map(Denial::code);
    for reason in every.chain([Verdict::ALLOWED, Verdict::ANONYMOUS]) {
        let excused = NOT_REACHED.contains(&reason);
        assert_ne!(reasons.contains(&reason), excused, "{reason}");
    }
}

#[test]
fn the_hint_for_a_malformed_request_is_about_the_part_that_is_wrong() {
    let world = World::new("validate-hints");
    let host = ["--context", "zone=edge", "--host"];
    for (arguments, hint) in [
        (
            &["--path", "/public/..%2fadmin"][..],
            "see Ambiguous paths in docs/rules.md",
        ),
        (&["--path", "/ADMIN"], "see Spellings in docs/rules.md"),
        (
            &["--path", "/public/a", "--method", "get"],
            "methods are case-sensitive: give --method",
        ),
        (&host[..2], "rules have hosts: give --host"),
        (
            &[&host[..], &["edge.example.com:1"]].concat(),
            "let the proxy remove a port and a final dot",
        ),
        (
            &[&host[..], &["a@edge.example.com"]].concat(),
            "the host is not valid: check --host",
        ),
    ] {
        let shown = text(&world.run(arguments, "").stdout);
        let next = shown.lines().find(|line| line.starts_with("Next: "));
        assert!(
            next.is_some_and(|next| next.contains(hint)),
            "{arguments:?}: {shown}"
        );
    }
}

fn cases(world: &World) -> Vec<Case> {
    let corp = &world.signer;
    let orders = || vec!["--path", "/orders"];
    let good = world.token(&none());
    let stranger = Signer::generate("ES256", "k1");
    let late = json!({"iat": NOW - 522, "exp": NOW - 192, "aud": "billing-api", "nbf": "soon"});
    let admin = json!({"scope": "admin", "department": "sales"});
    let on_edge = vec![
        "--host",
        "edge.example.com",
        "--context",
        "zone=edge",
        "--path",
        "/x",
    ];
    let machine = json!({"iss": "https://machines.example.com", "aud": null});
    let sealed = world.token(&json!({"iss": "https://sealed.example.com"}));
    let evil = json!({"aud": ["\u{1b}[31mred\u{202e}", "x".repeat(400)], "iat": null});
    let mut cases = vec![
        ("allowed", "allowed", None, orders(), good.clone()),
        (
            "allowed_secret",
            "allowed",
            None,
            on_edge,
            world.machines.sign(&claims(&machine)),
        ),
        (
            "anonymous",
            "anonymous",
            None,
            vec!["--path", "/public/a"],
            good.clone(),
        ),
        (
            "token_missing",
            "token_missing",
            Some("token"),
            orders(),
            String::new(),
        ),
        (
            "token_malformed",
            "token_malformed",
            Some("header"),
            orders(),
            "e30.e30.AAAAAAAAAAAA".into(),
        ),
        (
            "token_malformed_opaque",
            "token_malformed",
            Some("form"),
            orders(),
            "2YotnFZFEjr1zCsicMWpAA".into(),
        ),
        (
            "token_malformed_json",
            "token_malformed",
            Some("payload"),
            orders(),
            corp.sign_text(&corp.header().to_string(), br#"{"iss":"a","iss":"b"}"#),
        ),
        (
            "token_too_large",
            "token_too_large",
            Some("token"),
            orders(),
            "a".repeat(20_000),
        ),
        (
            "alg_not_allowed",
            "alg_not_allowed",
            Some("algorithm"),
            orders(),
            headed(corp, &json!({"alg": "none"}), &none()),
        ),
        (
            "alg_not_allowed_key",
            "alg_not_allowed",
            Some("key"),
            orders(),
            headed(corp, &json!({"kid": "k2"}), &none()),
        ),
        (
            "alg_not_allowed_jwe",
            "alg_not_allowed",
            Some("jwe.key"),
            orders(),
            mint::b64(br#"{"alg":"RSA1_5","enc":"A256GCM"}"#) + ".AAAA.AAAA.AAAA.AAAA",
        ),
        (
            "allowed_encrypted",
            "allowed",
            None,
            orders(),
            encrypted(
                &sealed,
                DECRYPTION_KEY,
                &[("kid", "sealed-1"), ("cty", "JWT")],
            ),
        ),
        (
            "decrypt_failed",
            "decrypt_failed",
            Some("decryption"),
            orders(),
            encrypted(&sealed, OTHER_KEY, &[]),
        ),
        (
            "encryption_required",
            "encryption_required",
            Some("encryption"),
            orders(),
            sealed.clone(),
        ),
        (
            "key_not_found_jwe",
            "key_not_found",
            Some("jwe.key"),
            orders(),
            encrypted(&sealed, DECRYPTION_KEY, &[("kid", "old-1")]),
        ),
        (
            "token_malformed_jwe",
            "token_malformed",
            Some("content"),
            orders(),
            encrypted(&claims(&none()).to_string(), DECRYPTION_KEY, &[]),
        ),
        (
            "claim_invalid_jwe",
            "claim_invalid",
            Some("jwe.claims"),
            orders(),
            encrypted(&sealed, DECRYPTION_KEY, &[("sub", "bob")]),
        ),
        (
            "key_not_found",
            "key_not_found",
            Some("key"),
            orders(),
            corp.with_kid("k9").sign(&claims(&none())),
        ),
        (
            "signature_invalid",
            "signature_invalid",
            Some("signature"),
            orders(),
            stranger.sign(&claims(&late)),
        ),
        (
            "crit_unsupported",
            "crit_unsupported",
            Some("header"),
            orders(),
            headed(corp, &json!({"crit": ["exp"]}), &none()),
        ),
    ];
    cases.extend([
        (
            "token_type_invalid",
            "token_type_invalid",
            Some("typ"),
            orders(),
            headed(
                corp,
                &json!({"typ": "logout+jwt"}),
                &json!({"cnf": {"jkt": "x"}}),
            ),
        ),
        (
            "token_expired",
            "token_expired",
            Some("exp"),
            orders(),
            world.token(&json!({"exp": NOW - 192})),
        ),
        (
            "token_not_yet_valid",
            "token_not_yet_valid",
            Some("nbf"),
            orders(),
            world.token(&json!({"nbf": NOW + 90})),
        ),
        (
            "issuer_not_allowed",
            "issuer_not_allowed",
            Some("issuer"),
            orders(),
            world.token(&json!({"iss": "https://idp.example.com/"})),
        ),
        (
            "issuer_not_allowed_rule",
            "issuer_not_allowed",
            Some("rule.issuers"),
            vec!["--host", "edge.example.com", "--context", "zone=edge"],
            good.clone(),
        ),
        (
            "audience_mismatch",
            "audience_mismatch",
            Some("aud"),
            orders(),
            world.token(&evil),
        ),
        (
            "claim_missing",
            "claim_missing",
            Some("claims"),
            orders(),
            world.token(&json!({"exp": null})),
        ),
        (
            "claim_invalid",
            "claim_invalid",
            Some("claims"),
            orders(),
            world.token(&json!({"exp": "soon"})),
        ),
        (
            "insufficient_scope",
            "insufficient_scope",
            Some("rule.scopes"),
            vec!["--path", "/admin/users"],
            good.clone(),
        ),
        (
            "policy_denied",
            "policy_denied",
            Some("rule.claims.department"),
            vec!["--path", "/admin/users"],
            world.token(&admin),
        ),
        (
            "policy_denied_rules",
            "policy_denied",
            Some("rule"),
            vec!["--method", "POST", "--path", "/public/a?token=in-query"],
            good.clone(),
        ),
        (
            "request_malformed",
            "request_malformed",
            Some("rule"),
            vec!["--path", "/public/..%2fadmin"],
            good,
        ),
    ]);
    cases
}

/// The example of docs/validate.md is what the command prints.
#[test]
fn the_documentation_shows_what_is_printed() {
    let read = |file: &str| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(root.join(file)).unwrap()
    };
    let page = read("docs/validate.md");
    let shown = read("tests/cli/snapshots/token_expired.txt");
    let output = shown.split_once('\n').unwrap().1.split("\n$ --json").next();
    assert!(
        page.contains(output.unwrap().trim_end()),
        "{}",
        output.unwrap()
    );
}

/// Without `--at`, the command judges at the present time.
#[test]
fn without_a_time_the_present_is_meant() {
    let world = World::new("validate-now");
    let arguments = ["validate", "-c", "watchword.yaml", "--path", "/orders"];
    let mut claims = mint::claims(NOW);
    for (exp, code) in [(NOW - 900_000_000, 1), (NOW * 2, 0)] {
        claims["exp"] = exp.into();
        claims["iat"] = 0.into();
        let token = world.signer.sign(&claims);
        let output = super::run(&world.folder, &arguments, token.as_bytes());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stdout));
    }
}
