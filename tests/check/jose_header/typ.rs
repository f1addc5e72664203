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

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

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
    is_only_where_logout_tokens_are_asked_for(case);
}

fn is_only_where_logout_tokens_are_asked_for(case: &mut Case) {
    let site = Site::start(&Settings::of(corp().line("token_kind: logout_token")));
    let claims = with(
        tokens::claims_with("events", json!({LOGOUT: {}})),
        "jti",
        json!("j1"),
    );
    for typ in ["logout+jwt", "JWT"] {
        let header = with(RSA.header(), "typ", json!(typ));
        let logout = RSA.sign_with(&header, &claims);
        case.accepts(&site, typ, &logout);
        let nonce = RSA.sign_with(&header, &with(claims.clone(), "nonce", json!("n")));
        case.refuses(&site, "with a nonce", nonce, "token_type_invalid");
        let other = RSA.sign_with(&header, &without(claims.clone(), "events"));
        case.refuses(&site, "without the event", other, "claim_missing");
    }
    let at_jwt = RSA.sign_with(&with(RSA.header(), "typ", json!("at+jwt")), &claims);
    case.refuses(&site, "at+jwt", at_jwt, "token_type_invalid");
    case.refuses(&site, "an access token", tokens::good(), "claim_missing");
    let access = Site::start(&Settings::of(corp().line("token_kind: access_token")));
    let untyped = RSA.sign(&claims);
    case.refuses(
        &access,
        "a logout token without its type",
        untyped,
        "token_type_invalid",
    );
    case.accepts(&access, "an access token", tokens::good());
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
    is_no_access_token_by_its_claims(case);
}

/// The audience is that of the service, and the type is that of access tokens.
fn is_no_access_token_by_its_claims(case: &mut Case) {
    let kind = Site::start(&Settings::of(corp().line("token_kind: access_token")));
    let client = Site::start(&Settings::of(corp().line("client_ids: [web]")));
    let access = tokens::claims_with("azp", json!("web"));
    let id_token = without(access.clone(), "scope");
    for (name, value) in [
        ("typ", "ID"),
        ("token_use", "id"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"),
        ("c_hash", "LDktKdoQak3Pk0cnXxCltA"),
    ] {
        let token = RSA.sign(&with(id_token.clone(), name, json!(value)));
        case.refuses(&kind, name, &token, "token_type_invalid");
        case.accepts(&CORP, name, &token);
    }
    for (name, value) in [("typ", "Bearer"), ("token_use", "access"), ("nonce", "n")] {
        case.accepts(
            &kind,
            name,
            RSA.sign(&with(access.clone(), name, json!(value))),
        );
    }
    let rfc9068 = Site::start(&Settings::of(
        corp().line("token_kind: rfc9068_access_token"),
    ));
    let full = with(
        with(access.clone(), "client_id", json!("web")),
        "jti",
        json!("j1"),
    );
    let header = with(RSA.header(), "typ", json!("at+jwt"));
    case.accepts(&rfc9068, "RFC 9068", RSA.sign_with(&header, &full));
    case.refuses(
        &rfc9068,
        "RFC 9068, as JWT",
        RSA.sign(&full),
        "token_type_invalid",
    );
    let lacking = RSA.sign_with(&header, &access);
    case.refuses(
        &rfc9068,
        "RFC 9068, without claims",
        lacking,
        "claim_missing",
    );

    case.accepts(&client, "its client", RSA.sign(&access));
    case.refuses(
        &client,
        "no client",
        RSA.sign(&without(access.clone(), "azp")),
        "claim_missing",
    );
    for (name, value) in [("azp", "app"), ("azp", "WEB"), ("client_id", "app")] {
        let token = RSA.sign(&with(access.clone(), name, json!(value)));
        case.refuses(&client, name, token, "claim_invalid");
    }
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
