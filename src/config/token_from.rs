//! Where tokens are looked for: `token_from` of the server and of issuers.

use crate::policy::{IssuerId, Policy, TokenFrom};
use crate::token::Location;

use super::findings::Findings;
use super::settings;

/// Where tokens are looked for: the server's places, and each issuer's own.
pub(super) fn token_from(raw: &settings::Settings, findings: &mut Findings<'_>) -> Vec<TokenFrom> {
    let mut sources: Vec<TokenFrom> = Vec::new();
    if raw.server.token_from.is_empty() {
        findings.add(
            &["server", "token_from"],
            "an empty list",
            "at least one place",
        );
    }
    for (index, place) in raw.server.token_from.iter().enumerate() {
        let element = format!("[{index}]");
        let location = location(place, &["server", "token_from", &element], findings);
        note_alike(
            &sources,
            location.as_ref(),
            &["server", "token_from", &element],
            findings,
        );
        add(&mut sources, location, None);
    }
    for (id, (name, issuer)) in Policy::issuer_ids(raw.issuers.len()).zip(&raw.issuers) {
        for (index, place) in issuer.token_from.iter().enumerate() {
            let element = format!("[{index}]");
            let path = ["issuers", name, "token_from", &element];
            let location = location(place, &path, findings);
            note_alike(&sources, location.as_ref(), &path, findings);
            add(&mut sources, location, Some(id));
        }
    }
    sources
}

/// Of two places whose names a reader may take for one, each makes a token in the other malformed.
fn note_alike(
    sources: &[TokenFrom],
    location: Option<&Location>,
    path: &[&str],
    findings: &mut Findings<'_>,
) {
    let Some(location) = location else { return };
    let mut known = sources.iter().map(|source| &source.location);
    if known.any(|known| known != location && known.is_like(location)) {
        let found = "a name that is easily taken for that of another place";
        let expected = "names that differ in more than case and separators";
        findings.add(path, found, expected);
    }
}

/// One place is looked at once, however often it is named: else its token would count as two.
fn add(sources: &mut Vec<TokenFrom>, location: Option<Location>, issuer: Option<IssuerId>) {
    let Some(location) = location else { return };
    match sources
        .iter_mut()
        .find(|source| source.location == location)
    {
        Some(known) => match (&mut known.issuers, issuer) {
            (Some(issuers), Some(issuer)) => issuers.push(issuer),
            (issuers, None) => *issuers = None,
            (None, Some(_)) => {}
        },
        None => sources.push(TokenFrom {
            location,
            issuers: issuer.map(|issuer| vec![issuer]),
        }),
    }
}

fn location(
    raw: &settings::TokenFromSettings,
    path: &[&str],
    findings: &mut Findings<'_>,
) -> Option<Location> {
    const EXPECTED: &str = "exactly one of header, cookie and query (scheme only with header)";
    let token = |text: &str| {
        let special = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        !text.is_empty() && text.bytes().all(special)
    };
    let name = [&raw.header, &raw.cookie, &raw.query]
        .into_iter()
        .flatten()
        .next();
    if name.is_some_and(|name| !token(name)) || raw.scheme.as_deref().is_some_and(|s| !token(s)) {
        findings.add(
            path,
            "a name with other characters",
            "letters, digits, \"-\", \"_\", \".\" and \"~\"",
        );
        return None;
    }
    match (&raw.header, &raw.cookie, &raw.query) {
        (Some(name), None, None) => {
            let name = name.to_ascii_lowercase();
            let scheme = raw.scheme.as_deref().or(default_scheme(&name));
            let scheme = scheme.map(Into::into);
            Some(Location::Header {
                name: name.into(),
                scheme,
            })
        }
        (None, Some(name), None) if raw.scheme.is_none() => Some(Location::Cookie {
            name: name.as_str().into(),
        }),
        (None, None, Some(name)) if raw.scheme.is_none() => Some(Location::Query {
            name: name.as_str().into(),
        }),
        _ => {
            findings.add(path, "another combination", EXPECTED);
            None
        }
    }
}

/// The scheme before a token in a header, where none is configured.
pub(super) fn default_scheme(header: &str) -> Option<&'static str> {
    header
        .eq_ignore_ascii_case("authorization")
        .then_some("Bearer")
}
