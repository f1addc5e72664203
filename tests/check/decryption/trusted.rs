//! Area `decryption`: claims that are encrypted with a shared key, and not signed.

use serde_json::{Value, json};
use watchword_test_support::mint::Signer;

use super::super::catalogue::{Case, Row, row};
use super::super::config;
use super::super::jwe::{ENC_EC, ENC_RSA, ENC_SECRET, public_ways, shared_ways};
use super::super::settings::Settings;
use super::super::site::{NOW, Site};
use super::super::tokens::{self, claims, claims_with, claims_without, compact, corp, with};
use super::keys::{PARTNER, partner};
use super::terms::on;

pub(crate) const ROWS: &[Row] = &[
    row!("DEC-08", trusted_claims_need_a_shared_key),
    row!("DEC-09", trusted_claims_are_judged_like_any),
    row!("DEC-10", trust_is_an_issuers_own),
];

fn trusted_claims_need_a_shared_key(case: &mut Case) {
    let (trusting, refusing) = (
        on("encrypted_claims: trusted"),
        on("encrypted_claims: refused"),
    );
    let claims = claims().to_string();
    for (way, envelope) in shared_ways() {
        case.accepts(&trusting, &way, envelope.seal(&claims));
        case.accepts(
            &trusting,
            &format!("{way}, signed"),
            envelope.seal(tokens::good()),
        );
        let token = envelope.clone().member("cty", "JWT").seal(&claims);
        case.accepts(&trusting, &format!("{way}, cty"), token);
        case.refuses(&refusing, &way, envelope.seal(&claims), "token_malformed");
        // An unsecured token is no set of claims.
        let inner = compact(r#"{"alg":"none"}"#, claims.as_bytes(), b"");
        case.refuses(
            &trusting,
            &format!("{way}, none"),
            envelope.seal(inner),
            "alg_not_allowed",
        );
    }
    for (way, envelope) in public_ways() {
        for site in [&trusting, &refusing] {
            case.accepts(site, &way, envelope.seal(tokens::good()));
            case.refuses(site, &way, envelope.seal(&claims), "token_malformed");
        }
    }
    let public_only = corp().decryption_with(&[&ENC_RSA, &ENC_EC], "encrypted_claims: trusted");
    let words = ["needs a shared key"];
    config::refuse(
        case,
        "public keys only",
        &Settings::of(public_only).text(),
        &words,
    );
}

fn trusted_claims_are_judged_like_any(case: &mut Case) {
    let site = on("encrypted_claims: trusted");
    let other = |name: &str, value: Value| claims_with(name, value).to_string();
    for (way, envelope) in shared_ways() {
        let outcome = case.accepts(&site, &way, envelope.seal(claims().to_string()));
        case.equal(
            "the subject",
            outcome.header("x-auth-subject"),
            Some("alice"),
        );
        for (what, inner, reason) in [
            ("expired", other("exp", json!(1)), "token_expired"),
            (
                "without exp",
                claims_without("exp").to_string(),
                "claim_missing",
            ),
            (
                "exp a text",
                other("exp", json!("4102444800")),
                "claim_invalid",
            ),
            (
                "early",
                other("nbf", json!(NOW + 200)),
                "token_not_yet_valid",
            ),
            (
                "another audience",
                other("aud", json!("other")),
                "audience_mismatch",
            ),
            (
                "another issuer",
                other("iss", json!("https://evil.example")),
                "issuer_not_allowed",
            ),
            (
                "without iss",
                claims_without("iss").to_string(),
                "claim_missing",
            ),
            ("empty", "{}".to_owned(), "claim_missing"),
            ("cut off", "{\"iss\":".to_owned(), "token_malformed"),
            (
                "twice",
                format!("{}{}", claims(), claims()),
                "token_malformed",
            ),
            (
                "a member twice",
                r#"{"iss":"a","iss":"a"}"#.to_owned(),
                "token_malformed",
            ),
        ] {
            case.refuses(
                &site,
                &format!("{way}, {what}"),
                envelope.seal(inner),
                reason,
            );
        }
        let token = envelope
            .clone()
            .member("sub", "mallory")
            .seal(claims().to_string());
        case.refuses(
            &site,
            &format!("{way}, sub outside"),
            token,
            "claim_invalid",
        );
        let token = envelope
            .clone()
            .member("typ", "dpop+jwt")
            .seal(claims().to_string());
        case.refuses(&site, &format!("{way}, typ"), token, "token_type_invalid");
    }
}

/// Two issuers share the key; one of them trusts what is made with it.
fn trust_is_an_issuers_own(case: &mut Case) {
    let signer = Signer::generate("ES256", "partner-key");
    let keys = [&*ENC_SECRET];
    let settings = Settings::of(corp().decryption(&keys));
    let trusting = partner(&signer).decryption_with(&keys, "encrypted_claims: trusted");
    let site = Site::start(&settings.issuer(trusting));
    let of_partner = with(claims(), "iss", json!(PARTNER)).to_string();
    for (way, envelope) in shared_ways() {
        case.accepts(&site, &way, envelope.seal(&of_partner));
        let of_corp = envelope.seal(claims().to_string());
        case.refuses(&site, &way, of_corp, "token_malformed");
        // Nor does the header make it the partner's.
        let token = envelope.member("iss", PARTNER).seal(claims().to_string());
        case.refuses(
            &site,
            &format!("{way}, iss outside"),
            token,
            "token_malformed",
        );
    }
}
