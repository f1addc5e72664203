use serde_json::{Value, json};

use super::TokenKind::{self, Access, Id, Logout, Rfc9068Access};
use crate::token::denial::outcome;
use crate::token::{Claims, MediaTypes};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn id_token() -> Value {
    json!({"iss": "a", "aud": "web", "sub": "alice", "iat": 1, "exp": 2})
}

fn logout_token() -> Value {
    json!({"iss": "a", "aud": "web", "sub": "alice", "sid": "s1", "iat": 1, "exp": 2, "jti": "j1",
           "events": {EVENT: {}}})
}

fn rfc9068() -> Value {
    json!({"iss": "a", "aud": "api", "sub": "alice", "iat": 1, "exp": 2, "jti": "j1",
           "client_id": "web"})
}

fn with(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// The code of the denial and the claim that it names.
fn judge(kind: TokenKind, typ: Option<&str>, claims: &Value) -> String {
    let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
    outcome(kind.check(typ, &claims))
}

/// A provider, the type in the header, and the claims that differ between providers.
const ACCESS_TOKENS: [(&str, Option<&str>, &str); 14] = [
    (
        "Keycloak",
        Some("jwt"),
        r#"{"typ": "Bearer", "azp": "web", "scope": "openid"}"#,
    ),
    (
        "Keycloak, in lower case",
        Some("jwt"),
        r#"{"typ": "bearer", "azp": "web"}"#,
    ),
    (
        "Keycloak, with a nonce",
        Some("jwt"),
        r#"{"typ": "Bearer", "nonce": "n", "azp": "web", "scope": "openid email"}"#,
    ),
    (
        "Keycloak, without scopes",
        Some("jwt"),
        r#"{"nonce": "n", "scope": ""}"#,
    ),
    (
        "Auth0",
        Some("jwt"),
        r#"{"azp": "web", "scope": "read", "gty": "password"}"#,
    ),
    (
        "Auth0, RFC 9068",
        Some("at+jwt"),
        r#"{"client_id": "web", "jti": "j"}"#,
    ),
    (
        "Okta",
        None,
        r#"{"cid": "web", "uid": "u", "scp": ["openid"], "ver": 1}"#,
    ),
    (
        "Entra ID",
        Some("jwt"),
        r#"{"azp": "web", "scp": "Orders.Read", "ver": "2.0"}"#,
    ),
    (
        "Entra ID, version 1",
        Some("jwt"),
        r#"{"appid": "web", "roles": ["a"]}"#,
    ),
    (
        "Azure AD B2C",
        Some("jwt"),
        r#"{"azp": "web", "scp": "read", "nonce": "defaultNonce"}"#,
    ),
    (
        "Cognito",
        None,
        r#"{"token_use": "access", "client_id": "web", "scope": "openid"}"#,
    ),
    ("a nonce under at+jwt", Some("at+jwt"), r#"{"nonce": "n"}"#),
    (
        "events of its own",
        Some("jwt"),
        r#"{"events": ["concert"]}"#,
    ),
    (
        "words of others",
        Some("jwt"),
        r#"{"typ": "JWT", "token_use": "api"}"#,
    ),
];

#[test]
fn access_tokens_of_providers_are_access_tokens() {
    for (provider, typ, claims) in ACCESS_TOKENS {
        let claims = serde_json::from_str(claims).unwrap();
        assert_eq!(judge(Access, typ, &claims), "allowed", "{provider}");
    }
}

#[test]
fn other_tokens_are_no_access_tokens() {
    for (claims, why) in [
        (
            json!({"typ": "ID", "azp": "web", "scope": "openid"}),
            "Keycloak's ID token",
        ),
        (json!({"typ": "id"}), "in lower case"),
        (
            json!({"typ": "Refresh", "scope": "openid"}),
            "Keycloak's refresh token",
        ),
        (
            json!({"typ": "Offline", "scope": "openid"}),
            "Keycloak's offline token",
        ),
        (json!({"typ": "Logout"}), "Keycloak's logout token"),
        (json!({"token_use": "id"}), "Cognito's ID token"),
        (
            json!({"nonce": "n"}),
            "an ID token that was asked for with a nonce",
        ),
        (
            json!({"at_hash": "h", "scope": "openid"}),
            "an ID token beside an access token",
        ),
        (json!({"c_hash": "h"}), "an ID token beside a code"),
        (json!({"s_hash": "h"}), "an ID token of FAPI"),
        (
            json!({"events": {EVENT: {}}}),
            "a logout token without its type",
        ),
    ] {
        for kind in [Access, Rfc9068Access] {
            let claims = with(rfc9068(), &claims);
            assert_eq!(
                judge(kind, Some("jwt"), &claims),
                "token_type_invalid",
                "{why}"
            );
        }
    }
}

/// A claim that decides about the kind is never taken for absent.
#[test]
fn a_kind_that_cannot_be_read_is_invalid() {
    for kind in [Access, Rfc9068Access, Id, Logout] {
        for name in ["typ", "token_use"] {
            for value in [json!(1), json!(null), json!(["Bearer"]), json!({})] {
                let claims = with(logout_token(), &json!({name: value}));
                assert_eq!(judge(kind, None, &claims), format!("claim_invalid {name}"));
            }
        }
    }
}

#[test]
fn an_rfc_9068_token_has_each_claim_that_the_rfc_requires() {
    assert_eq!(judge(Rfc9068Access, Some("at+jwt"), &rfc9068()), "allowed");
    for name in ["aud", "client_id", "iat", "jti", "sub"] {
        for claims in [
            without(rfc9068(), name),
            with(rfc9068(), &json!({name: ""})),
        ] {
            let expected = format!("claim_missing {name}");
            assert_eq!(judge(Rfc9068Access, Some("at+jwt"), &claims), expected);
            assert_eq!(judge(Access, Some("at+jwt"), &claims), "allowed");
        }
    }
    let odd = with(rfc9068(), &json!({"client_id": ["web"]}));
    assert_eq!(
        judge(Rfc9068Access, Some("at+jwt"), &odd),
        "claim_invalid client_id"
    );
}

#[test]
fn an_id_token_has_each_claim_that_openid_connect_requires() {
    let full = json!({"nonce": "n", "at_hash": "h", "typ": "ID", "token_use": "id"});
    assert_eq!(judge(Id, Some("jwt"), &id_token()), "allowed");
    assert_eq!(judge(Id, Some("jwt"), &with(id_token(), &full)), "allowed");
    for name in ["aud", "iat", "sub"] {
        let claims = without(id_token(), name);
        assert_eq!(judge(Id, None, &claims), format!("claim_missing {name}"));
    }
    for other in [
        json!({"typ": "Bearer"}),
        json!({"typ": "DPoP"}),
        json!({"typ": "Refresh"}),
        json!({"typ": "Logout"}),
        json!({"token_use": "access"}),
        json!({"events": {EVENT: {}}}),
        json!({"scope": "openid orders:read"}),
        json!({"scp": ["orders:read"]}),
    ] {
        let claims = with(id_token(), &other);
        assert_eq!(judge(Id, None, &claims), "token_type_invalid", "{other}");
    }
}

#[test]
fn an_id_token_with_several_audiences_names_its_client() {
    for (changes, expected) in [
        (json!({"aud": ["web"]}), "allowed"),
        (json!({"aud": ["web", "app"], "azp": "app"}), "allowed"),
        (json!({"aud": ["web", "app"]}), "claim_missing azp"),
        (
            json!({"aud": ["web", "app"], "azp": 1}),
            "claim_invalid azp",
        ),
        (json!({"azp": null}), "claim_invalid azp"),
    ] {
        let claims = with(id_token(), &changes);
        assert_eq!(judge(Id, None, &claims), expected, "{changes}");
    }
}

#[test]
fn a_logout_token_has_its_event_and_no_nonce() {
    let keycloak = json!({"typ": "Logout", "sid": "s"});
    assert_eq!(
        judge(Logout, Some("logout+jwt"), &logout_token()),
        "allowed"
    );
    assert_eq!(
        judge(Logout, None, &with(logout_token(), &keycloak)),
        "allowed"
    );
    for name in ["aud", "events", "iat", "jti"] {
        let claims = without(logout_token(), name);
        assert_eq!(
            judge(Logout, None, &claims),
            format!("claim_missing {name}")
        );
    }
    for name in ["sub", "sid"] {
        let one = without(logout_token(), name);
        assert_eq!(judge(Logout, None, &one), "allowed", "{name}");
    }
    let neither = without(without(logout_token(), "sub"), "sid");
    assert_eq!(judge(Logout, None, &neither), "claim_missing sub");
    for (changes, expected) in [
        (json!({"nonce": "n"}), "token_type_invalid"),
        (json!({"typ": "ID"}), "token_type_invalid"),
        (json!({"typ": "Bearer"}), "token_type_invalid"),
        (json!({"token_use": "access"}), "token_type_invalid"),
        (json!({"sid": 1}), "claim_invalid sid"),
        (json!({"events": {}}), "claim_invalid events"),
        (json!({"events": {EVENT: true}}), "claim_invalid events"),
        (
            json!({"events": {"https://other.example/event": {}}}),
            "claim_invalid events",
        ),
        (json!({"events": EVENT}), "claim_invalid events"),
        (json!({"events": [EVENT]}), "claim_invalid events"),
    ] {
        let claims = with(logout_token(), &changes);
        assert_eq!(judge(Logout, None, &claims), expected, "{changes}");
    }
}

#[test]
fn the_type_in_the_header_depends_on_the_kind() {
    let accepted = |kind: Option<TokenKind>| {
        let types = MediaTypes::of(kind);
        let all = [
            None,
            Some("jwt"),
            Some("at+jwt"),
            Some("logout+jwt"),
            Some("dpop+jwt"),
        ];
        let accepted = all.into_iter().filter(|typ| types.accept(*typ));
        accepted
            .map(|typ| typ.unwrap_or("none"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(accepted(None), "none jwt at+jwt");
    assert_eq!(accepted(Some(Access)), "none jwt at+jwt");
    assert_eq!(accepted(Some(Rfc9068Access)), "at+jwt");
    assert_eq!(accepted(Some(Id)), "none jwt");
    assert_eq!(accepted(Some(Logout)), "none jwt logout+jwt");
}
