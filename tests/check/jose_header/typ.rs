//! Area `jose-header`: the type of a token.

use std::sync::LazyLock;

use serde_json::json;

use super::super::catalogue::{Case, Row, row};
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::{self, CORP, RSA, claims, corp, with, without};
use super::bearing;

pub(crate) const ROWS: &[Row] = &[
    row!("HDR-09", typ_of_an_access_token_is_accepted),
    row!("HDR-10", demanded_typ_is_demanded),
    row!("HDR-12", tokens_made_for_other_purposes_are_refused),
    row!("HDR-13", id_token_is_no_access_token),
    row!("HDR-14", typ_of_another_type_is_malformed),
    row!("HDR-15", nested_token_without_encryption_is_malformed),
];

fn typ_of_an_access_token_is_accepted(case: &mut Case) {
    for typ in [
        "JWT",
        "jwt",
        "Jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "application/jwt",
    ] {
        case.accepts(&CORP, typ, bearing("typ", json!(typ)));
    }
    case.accepts(
        &CORP,
        "absent",
        RSA.sign_with(&without(RSA.header(), "typ"), &claims()),
    );
}

/// Only RFC 9068's type is accepted.
static AT_JWT: LazyLock<Site> =
    LazyLock::new(|| Site::start(&Settings::of(corp().line("types: [at+jwt]"))));

fn demanded_typ_is_demanded(case: &mut Case) {
    for typ in [
        "at+jwt",
        "AT+jwt",
        "application/at+jwt",
        "Application/AT+JWT",
    ] {
        case.accepts(&AT_JWT, typ, bearing("typ", json!(typ)));
    }
    for typ in [
        "JWT",
        "",
        "at+jwt ",
        "xat+jwt",
        "at+jwt;v=1",
        "application/x/at+jwt",
        "text/at+jwt",
    ] {
        case.refuses(
            &AT_JWT,
            typ,
            bearing("typ", json!(typ)),
            "token_type_invalid",
        );
    }
    let absent = RSA.sign_with(&without(RSA.header(), "typ"), &claims());
    case.refuses(&AT_JWT, "absent", absent, "token_type_invalid");
}

fn tokens_made_for_other_purposes_are_refused(case: &mut Case) {
    for purpose in [
        "dpop",
        "logout",
        "secevent",
        "entity-statement",
        "token-introspection",
    ] {
        for typ in [
            format!("{purpose}+jwt"),
            format!("application/{purpose}+JWT"),
        ] {
            case.refuses(
                &CORP,
                &typ,
                bearing("typ", json!(typ)),
                "token_type_invalid",
            );
            case.refuses(
                &AT_JWT,
                &typ,
                bearing("typ", json!(typ)),
                "token_type_invalid",
            );
        }
    }
}

fn id_token_is_no_access_token(case: &mut Case) {
    let id_token = |audience: &str| {
        let claims = tokens::claims_with("aud", json!(audience));
        let claims = with(
            with(claims, "nonce", json!("n-0S6_WzA2Mj")),
            "at_hash",
            json!("77QmUPtjPfzWtF2AnpK9RQ"),
        );
        RSA.sign(&claims)
    };
    case.refuses(
        &CORP,
        "under a policy with audience",
        id_token("client-id"),
        "audience_mismatch",
    );
    case.refuses(
        &AT_JWT,
        "under a policy with both",
        id_token("client-id"),
        "token_type_invalid",
    );
    let by_type = corp()
        .audiences("any_audience: true")
        .line("types: [at+jwt]");
    let site = Site::start(&Settings::of(by_type));
    case.refuses(
        &site,
        "under a policy with typ",
        id_token("client-id"),
        "token_type_invalid",
    );
    case.accepts(
        &site,
        "an access token for anybody",
        bearing("typ", json!("at+jwt")),
    );
}

fn typ_of_another_type_is_malformed(case: &mut Case) {
    for typ in [
        json!(1),
        json!({}),
        json!(null),
        json!(["JWT"]),
        json!(true),
    ] {
        case.refuses(
            &CORP,
            &typ.to_string(),
            bearing("typ", typ.clone()),
            "token_malformed",
        );
    }
}

fn nested_token_without_encryption_is_malformed(case: &mut Case) {
    for cty in ["JWT", "jwt", "application/jwt"] {
        let header = with(RSA.header(), "cty", json!(cty)).to_string();
        let token = RSA.sign_text(&header, tokens::good().as_bytes());
        case.refuses(&CORP, cty, token, "token_malformed");
    }
    let quoted = format!("{:?}", tokens::good());
    case.refuses(
        &CORP,
        "as a JSON string",
        tokens::payload(&quoted),
        "token_malformed",
    );
}
