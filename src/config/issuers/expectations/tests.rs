use std::path::Path;

use crate::config::Config;
use crate::token::{ClaimPath, Expectations, TokenKind};

/// The checks of an issuer with these further settings, or all problems.
fn parse(settings: &str) -> Result<Expectations, String> {
    let lines = format!("\n{settings}").replace('\n', "\n    ");
    let text = format!(
        "issuers:\n  corp:\n    issuer: a\n    audiences: [b]\n    jwks: {{file: k}}{lines}\n"
    );
    let config = Config::parse(&text, Path::new("w.yaml")).map_err(|all| all.to_string())?;
    assert_eq!(config.warnings, [], "{settings}");
    Ok(config.policy.issuers()[0].expectations.clone())
}

fn is_refused(settings: &str, problem: &str) {
    let problems = parse(settings).expect_err(settings);
    assert!(problems.contains(problem), "{settings}: {problems}");
}

#[test]
fn settings_of_claims_are_read() {
    let checks = parse(
        "token_kind: access_token\ntypes: [Application/AT+JWT, x+jwt]\nclient_ids: [web, \
         app]\nrequired_claims: [sub, realm_access.roles]\nforbidden_claims: [[a.b, c]]",
    )
    .unwrap();
    assert_eq!(checks.kind, Some(TokenKind::Access));
    assert!(checks.types.accept(Some("at+jwt")) && checks.types.accept(Some("x+jwt")));
    assert!(!checks.types.accept(None) && !checks.types.accept(Some("jwt")));
    assert_eq!(checks.client_ids, ["web".into(), "app".into()]);
    let required = [
        ClaimPath::dotted("sub"),
        ClaimPath::dotted("realm_access.roles"),
    ];
    assert_eq!(checks.required_claims, required);
    assert_eq!(checks.forbidden_claims, [ClaimPath::literal(&["a.b", "c"])]);
}

#[test]
fn nothing_is_asked_for_by_default() {
    let checks = parse("").unwrap();
    assert_eq!(checks.kind, None);
    assert!(checks.client_ids.is_empty());
    assert!(checks.required_claims.is_empty() && checks.forbidden_claims.is_empty());
    assert!(checks.types.accept(None) && checks.types.accept(Some("jwt")));
}

#[test]
fn empty_lists_and_unknown_kinds_are_refused() {
    for name in ["client_ids", "required_claims", "forbidden_claims"] {
        is_refused(&format!("{name}: []"), name);
        is_refused(&format!("{name}: ['']"), name);
    }
    is_refused("token_kind: at+jwt", "rfc9068_access_token");
    is_refused("required_claims: ['a..b']", "separated by single dots");
    is_refused("forbidden_claims: ['$.sub']", "JSONPath");
}

#[test]
fn types_of_another_kind_are_refused() {
    for (kind, typ) in [
        ("access_token", "logout+jwt"),
        ("access_token", "id_token+jwt"),
        ("id_token", "application/at+jwt"),
        ("logout_token", "at+jwt"),
    ] {
        let settings = format!("token_kind: {kind}\ntypes: [JWT, {typ}]");
        is_refused(&settings, "issuers.corp.types[1]: found");
    }
    is_refused(
        "token_kind: rfc9068_access_token\ntypes: [at+jwt]",
        "remove `types`",
    );
    for settings in [
        "token_kind: access_token\ntypes: [okta-internal-at+jwt]",
        "token_kind: logout_token\ntypes: [logout+jwt]",
        "token_kind: id_token\ntypes: [id_token+jwt, JWT]",
        "types: [logout+jwt]",
    ] {
        assert!(parse(settings).is_ok(), "{settings}");
    }
}

#[test]
fn a_claim_that_is_needed_and_forbidden_is_named_with_what_needs_it() {
    for (settings, needs) in [
        ("forbidden_claims: [exp]", "every token needs"),
        ("forbidden_claims: [aud]", "`audiences` needs"),
        (
            "forbidden_claims: [iat]\nmax_lifetime: 1h",
            "`max_lifetime` needs",
        ),
        (
            "forbidden_claims: [jti]\ntoken_kind: logout_token",
            "`token_kind` needs",
        ),
        (
            "forbidden_claims: [a]\nrequired_claims: [a.b]",
            "`required_claims` needs",
        ),
        (
            "forbidden_claims: [sub]\nheaders: {x-user: {claim: sub, required: true}}",
            "a required header needs",
        ),
    ] {
        is_refused(settings, "issuers.corp.forbidden_claims[0]: no token");
        is_refused(settings, needs);
    }
    for settings in [
        "forbidden_claims: [iat]",
        "forbidden_claims: [a.b]\nrequired_claims: [a, a.c]",
        "forbidden_claims: [sub]\nheaders: {x-user: sub}",
        "forbidden_claims: [nonce]\ntoken_kind: access_token",
    ] {
        assert!(parse(settings).is_ok(), "{settings}");
    }
}

#[test]
fn a_claim_that_the_kind_refuses_cannot_be_required() {
    for (kind, claim) in [("access_token", "at_hash"), ("logout_token", "nonce")] {
        is_refused(
            &format!("token_kind: {kind}\nrequired_claims: [sub, {claim}]"),
            "issuers.corp.required_claims[1]: no token would pass, because `token_kind`",
        );
    }
    assert!(parse("token_kind: id_token\nrequired_claims: [at_hash, nonce]").is_ok());
}
