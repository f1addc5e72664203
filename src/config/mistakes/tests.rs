use super::*;

/// `never`, the code of a warning, or nothing.
fn kind(mistake: Option<Mistake>) -> &'static str {
    mistake.map_or("", |mistake| {
        mistake.code.map_or("never", WarningCode::name)
    })
}

#[test]
fn syntax_of_other_languages_is_noticed_in_paths() {
    for (pattern, text, expected) in [
        ("prefix", "/admin*", "literal_star"),
        ("prefix", "/admin/**", "literal_star"),
        ("exact", "/admin/*", "literal_star"),
        ("glob", "/users/{id}", "never"),
        ("exact", "/users/<id>", "never"),
        ("prefix", "^/admin", "never"),
        ("glob", "/users/:id", "path_template"),
        ("prefix", "/users/:id/orders", "path_template"),
        ("glob", "/admin/.*", "path_regex"),
        ("exact", "/admin$", "path_regex"),
        ("prefix", "/(a)", "path_regex"),
        ("glob", "/users/*/orders/**", ""),
        ("glob", "/v1/accounts/*:delete", ""),
        ("glob", "/files/report.*", ""),
        ("prefix", "/users/@me/", ""),
        ("exact", "/.well-known/x", ""),
        ("exact", "/", ""),
    ] {
        assert_eq!(kind(of_path(pattern, text)), expected, "{pattern}: {text}");
    }
    let hint = of_path("glob", "/users/{id}/x").unwrap().expected;
    assert!(hint.contains("\"/users/*/x\""), "{hint}");
    for (kind, text, fix) in [
        ("prefix", "/admin/*", "prefix: \"/admin\""),
        ("prefix", "/admin*", "glob: \"/admin*/**\""),
        (
            "prefix",
            "/users/:id/orders",
            "glob: \"/users/*/orders/**\"",
        ),
        ("exact", "/admin/*", "glob: \"/admin/*\""),
        ("prefix", "/**", "prefix: \"/\""),
    ] {
        let hint = of_path(kind, text).unwrap().expected;
        assert!(hint.contains(fix), "{hint}");
    }
    assert!(
        !of_path("prefix", "^/admin")
            .unwrap()
            .expected
            .contains("glob")
    );
}

#[test]
fn methods_that_are_misspelt_are_noticed() {
    for (text, expected) in [
        ("post", "never"),
        ("Get", "never"),
        ("POTS", "unknown_method"),
        ("ANY", "unknown_method"),
        ("GET", ""),
        ("PROPFIND", ""),
        ("PURGE", ""),
    ] {
        assert_eq!(kind(of_method(text)), expected, "{text}");
    }
    assert!(of_method("POTS").unwrap().expected.contains("\"POST\""));
}

#[test]
fn ways_to_claims_in_another_syntax_are_noticed() {
    for (text, expected) in [
        ("$.sub", "never"),
        ("$['sub']", "never"),
        ("jwt.claims.sub", "claim_syntax"),
        ("{{ .sub }}", "never"),
        ("claims.sub", "claim_syntax"),
        ("payload.realm_access.roles", "claim_syntax"),
        ("/realm_access/roles", "claim_syntax"),
        ("roles[0]", "claim_syntax"),
        ("https://example.com/roles", "claim_syntax"),
        ("sub", ""),
        ("realm_access.roles", ""),
        ("claims", ""),
        ("cognito:groups", ""),
    ] {
        assert_eq!(kind(of_claim(text)), expected, "{text}");
    }
    for (text, expected) in [
        ("https://example.com/roles", "claim_syntax"),
        ("any_of", "operator_as_claim"),
        ("anyOf", "operator_as_claim"),
        ("department", ""),
    ] {
        assert_eq!(kind(of_tested_claim(text)), expected, "{text}");
    }
    for (header, claim, expected) in [
        ("sub", "x-auth-subject", "swapped_header"),
        ("roles", "X-Roles", "swapped_header"),
        ("email", "auth-email", "swapped_header"),
        ("x-auth-subject", "sub", ""),
        ("x-hasura-role", "x-hasura-role", ""),
        ("x-tenant", "tenant-id", ""),
    ] {
        assert_eq!(
            kind(of_claim_header(header, claim)),
            expected,
            "{header}: {claim}"
        );
    }
}

#[test]
fn issuers_and_urls_that_no_token_or_key_set_has_are_noticed() {
    for (text, expected) in [
        ("https://login.microsoftonline.com/{tenantid}/v2.0", "never"),
        ("https://*.example.com", "never"),
        ("https://idp.example.com ", "never"),
        (
            "https://idp.example.com/.well-known/openid-configuration",
            "never",
        ),
        (
            "https://login.microsoftonline.com/common/v2.0",
            "issuer_placeholder",
        ),
        ("https://idp.example.com/realms/corp", ""),
        ("accounts.google.com", ""),
    ] {
        assert_eq!(kind(of_issuer(text)), expected, "{text}");
    }
    for (text, expected) in [
        (
            "https://a.example/.well-known/openid-configuration",
            "never",
        ),
        (
            "https://a.example/.well-known/oauth-authorization-server/x",
            "never",
        ),
        ("https://a.example/.well-known/jwks.json", ""),
        ("https://a.example/{tenant}/keys", "never"),
    ] {
        assert_eq!(kind(of_keys_url(text)), expected, "{text}");
    }
    let hint = of_keys_url("https://a.example/.well-known/oauth-authorization-server/x");
    assert!(hint.unwrap().expected.contains("\"https://a.example/x\""));
    assert_eq!(kind(of_audience("*")), "wildcard_audience");
    assert_eq!(kind(of_audience("https://api.example.com")), "");
    assert_eq!(kind(of_scope("read,write")), "scope_separator");
    assert_eq!(kind(of_scope("read:orders")), "");
}
