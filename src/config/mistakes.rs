//! Texts that are well-formed but cannot mean what they say: the syntax of another proxy or policy
//! language, or a mixed-up pair. Pure: text in, a mistake out.

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
    foreign_characters(kind, text)
        .or_else(|| template(kind, text))
        .or_else(|| regular_expression(text))
        .or_else(|| literal_star(kind, text))
}

/// Characters that no path has (RFC 3986 §3.3), and in which templates and regular expressions are
/// written.
fn foreign(c: char) -> bool {
    matches!(c, '{' | '}' | '<' | '>' | '[' | ']' | '|' | '^' | '`' | '"')
}

fn foreign_characters(kind: &str, text: &str) -> Option<Mistake> {
    if !text.contains(foreign) {
        return None;
    }
    let characters = "only characters that a path can hold (RFC 3986 §3.3)";
    let expected = if text.starts_with('/') {
        let glob = as_glob(kind, text);
        format!("{characters}; for any text in a segment, write glob: {glob:?}")
    } else {
        characters.to_owned()
    };
    Some(Mistake::never_right(format!("{text:?}"), expected))
}

fn template(kind: &str, text: &str) -> Option<Mistake> {
    let is_name = |segment: &str| segment.len() > 1 && segment.starts_with(':');
    text.split('/').any(is_name).then(|| {
        let glob = as_glob(kind, text);
        let expected = format!("glob: {glob:?}, if a segment such as \":id\" stands for any text");
        Mistake::unlikely(WarningCode::PathTemplate, format!("{text:?}"), expected)
    })
}

fn regular_expression(text: &str) -> Option<Mistake> {
    let is_regex = |segment: &str| segment == ".*" || segment.starts_with('(');
    let found = text.ends_with('$') || text.contains(".+") || text.split('/').any(is_regex);
    found.then(|| {
        let expected = "glob, where * stands for any text in a segment and a final ** for any segments: \
                        no pattern is a regular expression";
        Mistake::unlikely(WarningCode::PathRegex, format!("{text:?}"), expected)
    })
}

fn literal_star(kind: &str, text: &str) -> Option<Mistake> {
    if kind == "glob" || !text.contains('*') {
        return None;
    }
    let whole = text.strip_suffix("/**").or_else(|| text.strip_suffix("/*"));
    let whole = whole.filter(|whole| kind == "prefix" && !whole.contains('*'));
    let expected = if let Some(whole) = whole {
        let whole = if whole.is_empty() { "/" } else { whole };
        format!("prefix: {whole:?}, which is for everything below")
    } else {
        let glob = as_glob(kind, text);
        format!("glob: {glob:?}, since * is a plain character in {kind}")
    };
    Some(Mistake::unlikely(
        WarningCode::LiteralStar,
        format!("{text:?}"),
        expected,
    ))
}

/// The glob that was most likely meant: stars for what stands for any text, and everything below a
/// prefix.
fn as_glob(kind: &str, text: &str) -> String {
    let segments = text.split('/').map(|segment| {
        if segment.starts_with(':') || segment.contains(foreign) {
            "*"
        } else {
            segment
        }
    });
    let glob = segments.collect::<Vec<_>>().join("/");
    if kind == "prefix" && !glob.ends_with("/**") {
        format!("{}/**", glob.trim_end_matches('/'))
    } else {
        glob
    }
}

/// A method.
pub(super) fn of_method(text: &str) -> Option<Mistake> {
    let upper = text.to_ascii_uppercase();
    if ["ALL", "ANY"].contains(&&*upper) {
        let expected = "no methods, which is for every method";
        return Some(Mistake::unlikely(
            WarningCode::UnknownMethod,
            format!("{text:?}"),
            expected,
        ));
    }
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
    if let Some(rest) = text.strip_prefix(['$', '@']) {
        let rest = rest.replace(['[', ']', '\'', '"'], ".").replace("..", ".");
        let rest = rest.trim_matches('.');
        return Some(Mistake::never_right(
            found,
            format!("{rest:?}: a claim path is not JSONPath"),
        ));
    }
    if text.contains("{{") || text.contains("${") {
        return Some(Mistake::never_right(
            found,
            "names of claims, separated by dots; templates are not expanded",
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
    let wrapper = [
        "access_token",
        "claim",
        "claims",
        "id_token",
        "jwt",
        "payload",
        "token",
    ];
    if wrapper.contains(&first) {
        let rest = rest.trim_start_matches("claims.");
        let expected = format!("{rest:?}: a claim path starts at the token's claims");
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
    if name.contains("://") {
        let expected =
            "a label of your own, with path: [the claim's name] and equals, for a name with dots";
        return Some(Mistake::unlikely(
            WarningCode::ClaimSyntax,
            format!("{name:?}"),
            expected,
        ));
    }
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
    let expected = format!("one scope per entry, such as {first:?}; a token must have all of them");
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
    let placeholder = |c: char| matches!(c, '{' | '}' | '*' | '<' | '>');
    if url.contains(placeholder) {
        let found = "a URL with a placeholder";
        return Some(Mistake::never_right(
            found,
            "the URL of the keys, without { }, < > and *",
        ));
    }
    let issuer = without_metadata_path(url)?;
    let found = "the URL of metadata, which name the URL of the keys";
    let expected =
        format!("discovery in place of uri: true where the issuer is {issuer:?}, else this URL");
    Some(Mistake::never_right(found, expected))
}

/// The issuer of a metadata URL: OIDC Discovery 1.0 §4 appends the well-known path to it, and RFC
/// 8414 §3.1 inserts it before the issuer's own path.
fn without_metadata_path(url: &str) -> Option<String> {
    let url = url.split(['?', '#']).next()?.trim_end_matches('/');
    let kinds = [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ];
    kinds.iter().find_map(|kind| {
        let (before, after) = url.split_once(kind)?;
        Some(format!("{before}{after}"))
    })
}

#[cfg(test)]
mod tests;
