use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::jose::{Algorithm, KeySet};
use crate::token::denial::outcome;
use crate::token::{
    Audiences, BearerToken, ClaimPath, Denial, Expectations, MediaTypes, TokenKind, UnixTime,
    UnverifiedToken,
};

const SECRET: &[u8] = b"a secret that is long enough for HS256";

fn expectations() -> Expectations {
    Expectations {
        issuer: "https://idp.example.com".into(),
        audiences: Audiences::OneOf(vec!["api".into()]),
        leeway: Duration::from_secs(30),
        max_lifetime: None,
        types: MediaTypes::of(None),
        kind: None,
        client_ids: Vec::new(),
        required_claims: Vec::new(),
        forbidden_claims: Vec::new(),
        ignore_confirmation: false,
    }
}

fn claims(changes: &Value) -> Value {
    let mut claims = json!({"iss": "https://idp.example.com", "aud": "api", "exp": 1000});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn judge(
    expectations: &Expectations,
    typ: Option<&str>,
    changes: &Value,
    now: f64,
) -> Result<(), Denial> {
    let header = jsonwebtoken::Header {
        typ: typ.map(ToOwned::to_owned),
        ..jsonwebtoken::Header::default()
    };
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let token = jsonwebtoken::encode(&header, &claims(changes), &key).unwrap();
    let token = BearerToken::new(token.as_bytes(), 16384)?;
    let keys = KeySet::from_secret(&[Algorithm::HS256], SECRET).unwrap();
    let verified = UnverifiedToken::parse(&token)?.verify(&keys, &[Algorithm::HS256])?;
    expectations.check(&verified, UnixTime::from_secs(now))
}

fn code(changes: &Value, now: f64) -> &'static str {
    judge(&expectations(), None, changes, now).map_or_else(|denial| denial.code(), |()| "allowed")
}

#[test]
fn a_clock_before_1970_denies_every_token() {
    assert_eq!(code(&json!({}), 0.0), "allowed");
    assert_eq!(code(&json!({}), -1.0), "token_not_yet_valid");
    assert_eq!(code(&json!({}), f64::MIN), "token_not_yet_valid");
}

#[test]
fn a_token_is_good_until_leeway_after_exp() {
    assert_eq!(code(&json!({}), 1029.0), "allowed");
    assert_eq!(code(&json!({}), 1029.9), "allowed");
    assert_eq!(code(&json!({}), 1030.0), "token_expired");
    assert_eq!(
        judge(&expectations(), None, &json!({}), 1090.0),
        Err(Denial::TokenExpired {
            ago: Duration::from_secs(90)
        })
    );
}

#[test]
fn a_token_is_good_from_leeway_before_nbf_and_iat() {
    for (claim, denial) in [("nbf", "token_not_yet_valid"), ("iat", "claim_invalid")] {
        assert_eq!(code(&json!({claim: 530}), 500.0), "allowed");
        assert_eq!(code(&json!({claim: 531}), 500.0), denial);
    }
}

#[test]
fn a_time_that_cannot_be_read_is_never_absent() {
    for claim in ["exp", "nbf", "iat"] {
        for value in [
            json!("1000"),
            json!(null),
            json!(true),
            json!([1000]),
            json!({}),
        ] {
            assert_eq!(
                code(&json!({claim: value}), 500.0),
                "claim_invalid",
                "{claim}"
            );
        }
    }
}

#[test]
fn a_clock_that_is_not_a_number_denies() {
    assert_eq!(code(&json!({}), f64::NAN), "token_expired");
}

#[test]
fn a_lifetime_is_measured_from_iat_and_from_now() {
    let limited = Expectations {
        max_lifetime: Some(Duration::from_secs(300)),
        ..expectations()
    };
    let code = |changes: &Value, now: f64| {
        judge(&limited, None, changes, now).map_or_else(|denial| denial.code(), |()| "allowed")
    };
    assert_eq!(code(&json!({"iat": 700}), 800.0), "allowed");
    assert_eq!(code(&json!({"iat": 699}), 800.0), "claim_invalid");
    assert_eq!(code(&json!({"iat": 700}), 701.0), "allowed");
    // As seen from now: `iat` is within the leeway, and so is `exp`.
    let ahead = json!({"iat": 730, "exp": 1030});
    assert_eq!(code(&ahead, 700.0), "allowed");
    assert_eq!(
        code(&json!({"iat": 731, "exp": 1031}), 700.0),
        "claim_invalid"
    );
}

/// A limit that only those tokens heeded which gave `iat` was none: without it, a token of ten
/// years passed in its last hour.
#[test]
fn a_limited_lifetime_needs_iat() {
    let limited = Expectations {
        max_lifetime: Some(Duration::from_secs(300)),
        ..expectations()
    };
    let judge = |expectations: &Expectations, changes: &Value, now: f64| {
        judge(expectations, None, changes, now).map_or_else(|denial| denial.code(), |()| "allowed")
    };
    assert_eq!(judge(&expectations(), &json!({}), 999.0), "allowed");
    assert_eq!(judge(&limited, &json!({"iat": 900}), 999.0), "allowed");
    for now in [0.0, 700.0, 999.0] {
        assert_eq!(judge(&limited, &json!({}), now), "claim_missing", "{now}");
    }
}

/// Within twice the leeway, neither check alone refuses it.
#[test]
fn a_token_that_begins_after_its_end_is_never_good() {
    let backwards = json!({"nbf": 1000.5, "exp": 1000});
    for now in [0.0, 980.0, 1000.0, 1020.0, 2000.0] {
        assert_eq!(code(&backwards, now), "claim_invalid", "{now}");
    }
    assert_eq!(code(&json!({"nbf": 1000, "exp": 1000}), 1000.0), "allowed");
    assert_eq!(code(&json!({"nbf": 999, "exp": 1000}), 980.0), "allowed");
}

#[test]
fn types_are_access_tokens_unless_others_are_demanded() {
    let code = |types: &[&str], typ: Option<&str>| {
        let mut accepted = MediaTypes::of(None);
        if !types.is_empty() {
            accepted = MediaTypes {
                optional: false,
                names: types.iter().map(|typ| (*typ).into()).collect(),
            };
        }
        judge(
            &Expectations {
                types: accepted,
                ..expectations()
            },
            typ,
            &json!({}),
            500.0,
        )
        .map_or_else(|denial| denial.code(), |()| "allowed")
    };
    for typ in [
        None,
        Some("JWT"),
        Some("jwt"),
        Some("at+jwt"),
        Some("application/AT+JWT"),
    ] {
        assert_eq!(code(&[], typ), "allowed", "{typ:?}");
    }
    for typ in [
        Some("dpop+jwt"),
        Some("logout+jwt"),
        Some(""),
        Some("application/x/jwt"),
    ] {
        assert_eq!(code(&[], typ), "token_type_invalid", "{typ:?}");
    }
    assert_eq!(code(&["at+jwt"], Some("at+JWT")), "allowed");
    assert_eq!(code(&["at+jwt"], Some("JWT")), "token_type_invalid");
    assert_eq!(code(&["at+jwt"], None), "token_type_invalid");
}

/// The outcome under further settings, and without them.
fn compare(change: impl FnOnce(&mut Expectations), changes: &Value) -> (String, String) {
    let mut further = expectations();
    change(&mut further);
    let plain = judge(&expectations(), None, changes, 500.0);
    (
        outcome(judge(&further, None, changes, 500.0)),
        outcome(plain),
    )
}

fn allowed_without(code: &str) -> (String, String) {
    (code.to_owned(), "allowed".to_owned())
}

#[test]
fn a_kind_is_checked_only_where_one_is_set() {
    let kind = |kind| move |checks: &mut Expectations| checks.kind = Some(kind);
    let id = json!({"typ": "ID", "sub": "alice", "iat": 400});
    let is_access = compare(kind(TokenKind::Access), &id);
    assert_eq!(is_access, allowed_without("token_type_invalid"));
    let is_id = compare(kind(TokenKind::Id), &id);
    assert_eq!(is_id, allowed_without("allowed"));
}

#[test]
fn a_client_is_checked_only_where_some_are_listed() {
    let web = |checks: &mut Expectations| checks.client_ids = vec!["web".into()];
    assert_eq!(
        compare(web, &json!({"azp": "web"})),
        allowed_without("allowed")
    );
    assert_eq!(
        compare(web, &json!({"azp": "app"})),
        allowed_without("claim_invalid azp")
    );
    assert_eq!(
        compare(web, &json!({})),
        allowed_without("claim_missing client_id")
    );
}

#[test]
fn a_required_claim_has_a_value() {
    let roles = ClaimPath::dotted("realm_access.roles");
    let required = |checks: &mut Expectations| checks.required_claims = vec![roles.clone()];
    for value in [json!(["a"]), json!("a"), json!(0), json!(false), json!({})] {
        let claims = json!({"realm_access": {"roles": value}});
        assert_eq!(
            compare(required, &claims),
            allowed_without("allowed"),
            "{claims}"
        );
    }
    for claims in [
        json!({}),
        json!({"realm_access": {}}),
        json!({"realm_access": ["roles"]}),
        json!({"realm_access.roles": "a"}),
        json!({"realm_access": {"roles": null}}),
        json!({"realm_access": {"roles": ""}}),
        json!({"realm_access": {"roles": []}}),
    ] {
        let expected = allowed_without("claim_missing realm_access.roles");
        assert_eq!(compare(required, &claims), expected, "{claims}");
    }
}

#[test]
fn a_forbidden_claim_is_refused_with_any_value() {
    let tenant = ClaimPath::literal(&["https://example.com/tenant"]);
    let act = ClaimPath::dotted("act.sub");
    let forbidden = |checks: &mut Expectations| {
        checks.forbidden_claims = vec![tenant.clone(), act.clone()];
    };
    for claims in [json!({}), json!({"act": {}}), json!({"act.sub": "x"})] {
        assert_eq!(
            compare(forbidden, &claims),
            allowed_without("allowed"),
            "{claims}"
        );
    }
    for value in [json!("x"), json!(""), json!(null), json!(false), json!([])] {
        let claims = json!({"act": {"sub": value}});
        let expected = allowed_without("claim_invalid act.sub");
        assert_eq!(compare(forbidden, &claims), expected, "{claims}");
        let claims = json!({"https://example.com/tenant": value});
        let expected = allowed_without("claim_invalid https://example.com/tenant");
        assert_eq!(compare(forbidden, &claims), expected, "{claims}");
    }
}

#[test]
fn a_sender_constrained_token_is_no_bearer_token() {
    let bound = json!({"cnf": {"jkt": "x"}});
    assert_eq!(code(&bound, 500.0), "token_type_invalid");
    let ignoring = Expectations {
        ignore_confirmation: true,
        ..expectations()
    };
    assert_eq!(judge(&ignoring, None, &bound, 500.0), Ok(()));
}

proptest! {
    /// Whatever the times in a token, the moments at which it is good form one interval.
    #[test]
    fn the_times_that_allow_a_token_form_one_interval(
        exp in 0_i64..2000,
        nbf in prop::option::of(0_i64..2000),
        iat in prop::option::of(0_i64..2000),
    ) {
        let mut changes = json!({"exp": exp});
        if let Some(nbf) = nbf { changes["nbf"] = nbf.into(); }
        if let Some(iat) = iat { changes["iat"] = iat.into(); }
        let allows = |now| code(&changes, f64::from(now)) == "allowed";
        let verdicts: Vec<bool> = (0_u32..2100).step_by(10).map(allows).collect();
        let edges = verdicts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        prop_assert!(edges <= 2, "{changes}: {edges} edges");
    }
}
