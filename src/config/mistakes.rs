//! Texts that are well-formed but most likely not meant: the syntax of another proxy or policy
//! language, or a mixed-up pair. Pure: text in, a mistake out.

mod paths;

pub(super) use paths::of_path;

use super::findings::nearest;
use super::warning::WarningCode;

/// A text that is most likely not meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The code of a warning; `None`: the text can never be right.
    pub(super) code: Option<WarningCode>,
    pub(super) found: String,
    pub(super) expected: String,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a check ends with one of them, or None"
)]
impl Mistake {
    pub(super) fn is_never_right(&self) -> bool {
        self.code.is_none()
    }

    fn never_right(found: impl Into<String>, expected: impl Into<String>) -> Option<Self> {
        Some(Self {
            code: None,
            found: found.into(),
            expected: expected.into(),
        })
    }

    fn unlikely(
        code: WarningCode,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Option<Self> {
        Some(Self {
            code: Some(code),
            found: found.into(),
            expected: expected.into(),
        })
    }
}

/// The registered methods (IANA, HTTP Method Registry), and `PURGE`, which caches have.
const METHODS: &str = "\
    ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK \
    MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH \
    PATCH POST PRI PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH TRACE UNBIND \
    UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL";

/// Claims that tokens commonly have.
const CLAIMS: &str = "\
    aud azp client_id cid email exp groups iat iss jti name nbf oid preferred_username role \
    roles scope scp sub tid";

/// Words of policy languages that combine or compare.
const OPERATORS: &str = "\
    all all_of allof and any any_of anyof contains contains_all equals in matches none_of \
    noneof not one_of oneof or regex values";

/// Names of a token in policy languages, before the names of its claims.
const WRAPPERS: &str = "access_token claim claims id_token jwt payload token";

fn contains(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// A method.
pub(super) fn of_method(text: &str) -> Option<Mistake> {
    let upper = text.to_ascii_uppercase();
    let found = format!("{text:?}");
    if contains(METHODS, text) {
        return None;
    }
    if contains(METHODS, &upper) {
        let expected = format!("{upper:?}: methods are case-sensitive (RFC 9110 §9.1)");
        return Mistake::never_right(found, expected);
    }
    let expected = if contains("ALL ANY", &upper) {
        "no methods, which is for every method".to_owned()
    } else {
        let known: Vec<&str> = METHODS.split(' ').collect();
        let nearest = nearest(&upper, &known).unwrap_or("GET");
        format!("a registered method, such as {nearest:?}")
    };
    Mistake::unlikely(WarningCode::UnknownMethod, found, expected)
}

/// The path of a claim, written with dots.
pub(super) fn of_claim(text: &str) -> Option<Mistake> {
    let found = format!("{text:?}");
    if let Some(rest) = text.strip_prefix(['$', '@']) {
        let rest = rest.replace(['[', ']', '\'', '"'], ".").replace("..", ".");
        let rest = rest.trim_matches('.');
        return Mistake::never_right(found, format!("{rest:?}: a claim path is not JSONPath"));
    }
    if text.contains("{{") || text.contains("${") {
        let expected = "names of claims, separated by dots; templates are not expanded";
        return Mistake::never_right(found, expected);
    }
    let expected = if text.contains("://") {
        format!("a list, [{text:?}], for a name with dots in it")
    } else if text.starts_with('/') || text.contains(['[', ']', '*']) {
        "names of claims, separated by dots: no JSON Pointer, index or wildcard".to_owned()
    } else {
        let (first, rest) = text.split_once('.')?;
        let rest = contains(WRAPPERS, first).then_some(rest)?;
        let rest = rest.trim_start_matches("claims.");
        format!("{rest:?}: a claim path starts at the token's claims")
    };
    Mistake::unlikely(WarningCode::ClaimSyntax, found, expected)
}

/// A claim header: the header's name, and the claim that becomes its value.
pub(super) fn of_claim_header(header: &str, claim: &str) -> Option<Mistake> {
    let lower = claim.to_ascii_lowercase();
    let claim_is_header = lower.starts_with("x-") || (claim.contains('-') && !claim.contains(':'));
    let header_is_claim = contains(CLAIMS, header) || !header.contains('-');
    if !claim_is_header || !header_is_claim {
        return None;
    }
    let found = format!("the claim {claim:?} for the header {header:?}");
    let expected = format!("the header first: {lower:?}: {header}");
    Mistake::unlikely(WarningCode::SwappedHeader, found, expected)
}

/// The name of a test for a claim.
pub(super) fn of_tested_claim(name: &str) -> Option<Mistake> {
    if name.contains("://") {
        let expected =
            "a label of your own, with path: [the claim's name] and equals, for a name with dots";
        return Mistake::unlikely(WarningCode::ClaimSyntax, format!("{name:?}"), expected);
    }
    if contains(OPERATORS, &name.to_ascii_lowercase()) {
        let found = format!("{name:?}, which is the name of a claim here");
        let expected =
            "claims by their names, all of which must pass; a list of values means any of them";
        return Mistake::unlikely(WarningCode::OperatorAsClaim, found, expected);
    }
    of_claim(name)
}

/// A scope.
pub(super) fn of_scope(text: &str) -> Option<Mistake> {
    let separator = text.find([',', '|']).filter(|_| text.len() > 1)?;
    let (first, _) = text.split_at(separator);
    let expected = format!("one scope per entry, such as {first:?}; a token must have all of them");
    Mistake::unlikely(WarningCode::ScopeSeparator, format!("{text:?}"), expected)
}

/// An audience.
pub(super) fn of_audience(text: &str) -> Option<Mistake> {
    if !text.contains(['*', '{', '}']) {
        return None;
    }
    let expected =
        "an audience as tokens name it: it is compared exactly. any_audience: true accepts all";
    Mistake::unlikely(WarningCode::WildcardAudience, format!("{text:?}"), expected)
}

/// An issuer.
pub(super) fn of_issuer(text: &str) -> Option<Mistake> {
    let found = format!("{text:?}");
    let placeholder = |c: char| matches!(c, '{' | '}' | '*' | '<' | '>') || c.is_whitespace();
    if text.contains(placeholder) {
        let expected = "the exact iss of its tokens, without placeholders, wildcards and spaces";
        // A name that is no URL may be any text (RFC 7519 §2).
        return if text.contains("://") {
            Mistake::never_right(found, expected)
        } else {
            Mistake::unlikely(WarningCode::IssuerPlaceholder, found, expected)
        };
    }
    if let Some(issuer) = without_metadata_path(text) {
        let expected = format!("the issuer, such as {issuer:?}: this is where its metadata are");
        return Mistake::never_right(found, expected);
    }
    let lower = text.to_ascii_lowercase();
    let entra = lower.strip_prefix("https://login.microsoftonline.com/")?;
    let tenant = entra.split('/').next().unwrap_or_default();
    if !contains("common organizations consumers", tenant) {
        return None;
    }
    let expected = format!("the tenant's id in place of {tenant:?}: tokens name their own tenant");
    Mistake::unlikely(WarningCode::IssuerPlaceholder, found, expected)
}

/// The URL of keys.
pub(super) fn of_keys_url(url: &str) -> Option<Mistake> {
    if url.contains(['{', '}', '*', '<', '>']) {
        let expected = "the URL of the keys, without { }, < > and *";
        return Mistake::never_right("a URL with a placeholder", expected);
    }
    let issuer = without_metadata_path(url)?;
    let found = "the URL of metadata, which name the URL of the keys";
    let expected =
        format!("discovery in place of uri: true where the issuer is {issuer:?}, else this URL");
    Mistake::never_right(found, expected)
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
