//! Texts that are well-formed but cannot mean what they say: the syntax of another proxy or policy language, or a
//! mixed-up pair. Pure: text in, a mistake out.

use super::warning::WarningCode;

/// A text that is most likely not meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Whether it is only warned of; `None`: it can never be right.
    pub(super) code: Option<WarningCode>,
    pub(super) found: String,
    pub(super) expected: String,
}

impl Mistake {
    pub(super) fn is_never_right(&self) -> bool {
        self.code.is_none()
    }

    fn never_right(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            code: None,
            found: found.into(),
            expected: expected.into(),
        }
    }

    fn unlikely(code: WarningCode, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            found: found.into(),
            expected: expected.into(),
        }
    }
}

/// The registered methods (IANA, HTTP Method Registry), and `PURGE`, which caches have.
const METHODS: [&str; 41] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// Claims that tokens commonly have.
const CLAIMS: [&str; 20] = [
    "aud",
    "azp",
    "client_id",
    "cid",
    "email",
    "exp",
    "groups",
    "iat",
    "iss",
    "jti",
    "name",
    "nbf",
    "oid",
    "preferred_username",
    "role",
    "roles",
    "scope",
    "scp",
    "sub",
    "tid",
];

/// Words of policy languages that combine or compare.
const OPERATORS: [&str; 20] = [
    "all",
    "all_of",
    "allof",
    "and",
    "any",
    "any_of",
    "anyof",
    "contains",
    "contains_all",
    "equals",
    "in",
    "matches",
    "none_of",
    "noneof",
    "not",
    "one_of",
    "oneof",
    "or",
    "regex",
    "values",
];

/// A path pattern of this kind: `exact`, `prefix` or `glob`.
pub(super) fn of_path(kind: &str, text: &str) -> Option<Mistake> {
    let found = format!("{text:?}");
    let foreign = |c: char| matches!(c, '{' | '}' | '<' | '>' | '[' | ']' | '|' | '^' | '`' | '"');
    let star = |segment: &str| {
        let template = segment.starts_with(':') || segment.contains(foreign);
        if template {
            "*".to_owned()
        } else {
            segment.to_owned()
        }
    };
    let as_glob: Vec<String> = text.split('/').map(star).collect();
    let as_glob = as_glob.join("/");
    if text.contains(foreign) {
        let expected = format!(
            "characters that a path can hold (RFC 3986 §3.3); glob: {as_glob:?} stands for any text in a segment"
        );
        return Some(Mistake::never_right(found, expected));
    }
    if text
        .split('/')
        .any(|segment| segment.len() > 1 && segment.starts_with(':'))
    {
        let expected =
            format!("glob: {as_glob:?}, if a segment such as \":id\" stands for any text");
        return Some(Mistake::unlikely(
            WarningCode::PathTemplate,
            found,
            expected,
        ));
    }
    let regex = text.ends_with('$')
        || text.contains(".+")
        || text
            .split('/')
            .any(|segment| segment == ".*" || segment.starts_with('('));
    if regex {
        let expected = "glob, where * stands for any text in a segment and a final ** for any segments: \
                        no pattern is a regular expression";
        return Some(Mistake::unlikely(WarningCode::PathRegex, found, expected));
    }
    if kind != "glob" && text.contains('*') {
        let expected = match (kind, text.strip_suffix("/*").or(text.strip_suffix("/**"))) {
            ("prefix", Some(whole)) => format!("prefix: {whole:?}, which is for everything below"),
            _ => format!("glob: {text:?}, since * is a plain character in {kind}"),
        };
        return Some(Mistake::unlikely(WarningCode::LiteralStar, found, expected));
    }
    None
}

/// A method.
pub(super) fn of_method(text: &str) -> Option<Mistake> {
    let upper = text.to_ascii_uppercase();
    let known = METHODS.contains(&&*upper);
    if known && upper == text {
        return None;
    }
    let found = format!("{text:?}");
    if known {
        let expected = format!("{upper:?}: methods are case-sensitive (RFC 9110 §9.1)");
        return Some(Mistake::never_right(found, expected));
    }
    let score = |name: &&str| strsim::jaro_winkler(&upper, name);
    let nearest = METHODS
        .iter()
        .copied()
        .max_by(|a, b| score(a).total_cmp(&score(b)));
    let nearest = nearest.filter(|name| score(name) > 0.75).unwrap_or("GET");
    let expected = format!("a registered method, such as {nearest:?}");
    Some(Mistake::unlikely(
        WarningCode::UnknownMethod,
        found,
        expected,
    ))
}

/// The way to a claim, written with dots.
pub(super) fn of_claim(text: &str) -> Option<Mistake> {
    let found = format!("{text:?}");
    if let Some(rest) = text.strip_prefix('$') {
        let rest = rest.trim_start_matches('.');
        return Some(Mistake::never_right(
            found,
            format!("{rest:?}: the way to a claim is no JSONPath"),
        ));
    }
    if text.contains("{{") || text.contains("${") {
        return Some(Mistake::never_right(
            found,
            "names of claims, separated by dots: no template",
        ));
    }
    if text.contains("://") {
        let expected = format!("a list, [{text:?}], for a name with dots in it");
        return Some(Mistake::unlikely(WarningCode::ClaimSyntax, found, expected));
    }
    if text.starts_with('/') || text.contains(['[', ']', '*']) {
        let expected = "names of claims, separated by dots: no JSON Pointer, index or wildcard";
        return Some(Mistake::unlikely(WarningCode::ClaimSyntax, found, expected));
    }
    let (first, rest) = text.split_once('.')?;
    let wrapper = ["claim", "claims", "jwt", "payload", "token"];
    if wrapper.contains(&first) {
        let expected = format!("{rest:?}: the way begins among the token's claims");
        return Some(Mistake::unlikely(WarningCode::ClaimSyntax, found, expected));
    }
    None
}

/// A claim header: the header's name, and the claim that becomes its value.
pub(super) fn of_claim_header(header: &str, claim: &str) -> Option<Mistake> {
    let claim_is_header = claim.to_ascii_lowercase().starts_with("x-")
        || (claim.contains('-') && !claim.contains(':'));
    let header_is_claim = CLAIMS.contains(&header) || !header.contains('-');
    if claim_is_header && header_is_claim {
        let found = format!("the claim {claim:?} for the header {header:?}");
        let expected = format!(
            "the header first: {:?}: {header}",
            claim.to_ascii_lowercase()
        );
        return Some(Mistake::unlikely(
            WarningCode::SwappedHeader,
            found,
            expected,
        ));
    }
    None
}

/// The name under which a test for a claim stands.
pub(super) fn of_tested_claim(name: &str) -> Option<Mistake> {
    if OPERATORS.contains(&&*name.to_ascii_lowercase()) {
        let found = format!("{name:?}, which is the name of a claim here");
        let expected =
            "claims by their names, all of which must pass; a list of values means any of them";
        return Some(Mistake::unlikely(
            WarningCode::OperatorAsClaim,
            found,
            expected,
        ));
    }
    of_claim(name)
}

/// A scope.
pub(super) fn of_scope(text: &str) -> Option<Mistake> {
    let separator = text.find([',', '|']).filter(|_| text.len() > 1)?;
    let (first, _) = text.split_at(separator);
    let expected = format!("a scope an entry, such as {first:?}; a token must have all of them");
    Some(Mistake::unlikely(
        WarningCode::ScopeSeparator,
        format!("{text:?}"),
        expected,
    ))
}

/// An audience.
pub(super) fn of_audience(text: &str) -> Option<Mistake> {
    let expected =
        "an audience as tokens name it: it is compared exactly. any_audience: true accepts all";
    if text.contains(['*', '{', '}']) {
        return Some(Mistake::unlikely(
            WarningCode::WildcardAudience,
            format!("{text:?}"),
            expected,
        ));
    }
    None
}

/// An issuer.
pub(super) fn of_issuer(text: &str) -> Option<Mistake> {
    let found = format!("{text:?}");
    let placeholder = |c: char| matches!(c, '{' | '}' | '*' | '<' | '>') || c.is_whitespace();
    if text.contains(placeholder) {
        let expected = "the exact iss of its tokens, without placeholders, wildcards and spaces";
        // A name that is no URL may be any text (RFC 7519 §2).
        return if text.contains("://") {
            Some(Mistake::never_right(found, expected))
        } else {
            Some(Mistake::unlikely(
                WarningCode::IssuerPlaceholder,
                found,
                expected,
            ))
        };
    }
    if let Some(issuer) = without_metadata_path(text) {
        let expected = format!("the issuer, such as {issuer:?}: this is where its metadata are");
        return Some(Mistake::never_right(found, expected));
    }
    let lower = text.to_ascii_lowercase();
    let entra = lower.strip_prefix("https://login.microsoftonline.com/")?;
    let tenant = entra.split('/').next().unwrap_or_default();
    if ["common", "organizations", "consumers"].contains(&tenant) {
        let expected =
            format!("the tenant's id in place of {tenant:?}: tokens name their own tenant");
        return Some(Mistake::unlikely(
            WarningCode::IssuerPlaceholder,
            found,
            expected,
        ));
    }
    None
}

/// A URL that keys are fetched from.
pub(super) fn of_keys_url(url: &str) -> Option<Mistake> {
    let issuer = without_metadata_path(url)?;
    let found = "the URL of metadata, which name the URL of the keys";
    let expected =
        format!("discovery in place of uri: true where the issuer is {issuer:?}, else this URL");
    Some(Mistake::never_right(found, expected))
}

/// What stands before the well-known path of metadata (OIDC Discovery 1.0 §4, RFC 8414 §3).
fn without_metadata_path(url: &str) -> Option<&str> {
    let url = url.split(['?', '#']).next()?.trim_end_matches('/');
    let kinds = [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ];
    kinds.iter().find_map(|kind| {
        let at = url.find(kind)?;
        url.get(..at)
    })
}

#[cfg(test)]
mod tests {
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
        let hint = of_path("prefix", "/admin/*").unwrap().expected;
        assert!(hint.contains("prefix: \"/admin\""), "{hint}");
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
        ] {
            assert_eq!(kind(of_keys_url(text)), expected, "{text}");
        }
        assert_eq!(kind(of_audience("*")), "wildcard_audience");
        assert_eq!(kind(of_audience("https://api.example.com")), "");
        assert_eq!(kind(of_scope("read,write")), "scope_separator");
        assert_eq!(kind(of_scope("read:orders")), "");
    }
}
