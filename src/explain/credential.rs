//! Puts a token into a request where the policy looks for it, and finds it there.

use crate::authenticator::{OpenedJwe, TokenContent};
use crate::jose::Jwe;
use crate::policy::{Credential, IssuerId, Policy, Requirement};
use crate::token::{BearerToken, Claims, Denial, Location, UnverifiedToken};

use super::steps::Explainer;
use super::text;

type Field = (String, Vec<u8>);

/// The header field or the path that puts the token in its place.
pub(super) fn place_token(policy: &Policy, path: &[u8], token: &[u8]) -> (Option<Field>, Vec<u8>) {
    let mut path = path.to_vec();
    let header = match place(policy, token).filter(|_| !token.is_empty()) {
        None => None,
        Some(Location::Header { name, scheme }) => {
            let scheme = scheme.as_ref().map(|scheme| format!("{scheme} "));
            let value = [scheme.unwrap_or_default().as_bytes(), token].concat();
            Some((name.to_string(), value))
        }
        Some(Location::Cookie(name)) => {
            let value = [name.as_bytes(), b"=", token].concat();
            Some(("cookie".to_owned(), value))
        }
        Some(Location::Query(name)) => {
            let mark = if path.contains(&b'?') { b"&" } else { b"?" };
            path.extend([mark, name.as_bytes(), b"=", token].concat());
            None
        }
    };
    (header, path)
}

/// The first place that accepts tokens of this token's issuer.
fn place<'p>(policy: &'p Policy, token: &[u8]) -> Option<&'p Location> {
    let issuer = issuer_of(policy, token);
    let mut places = policy.token_from().iter();
    let admitting = places.find(|place| issuer.is_some_and(|issuer| place.admits(issuer)));
    let place = admitting.or(policy.token_from().first())?;
    Some(&place.location)
}

/// The issuer that a token names, unverified. An encrypted token is decrypted for that.
pub(crate) fn issuer_of(policy: &Policy, token: &[u8]) -> Option<IssuerId> {
    let max_size = policy.max_token_size();
    let token = BearerToken::new(token, max_size).ok()?;
    let Ok(jwe) = Jwe::parse(token.as_str()) else {
        return issuer_of_claims(policy, UnverifiedToken::parse(&token).ok()?.claims());
    };
    let opened = OpenedJwe::open(policy, jwe).ok()?;
    match opened.content(max_size).ok()? {
        TokenContent::Claims(claims) => issuer_of_claims(policy, &claims),
        TokenContent::Signed(segments) => {
            let jws = segments.open(segments.header().ok()?).ok()?;
            issuer_of_claims(policy, UnverifiedToken::read(jws).ok()?.claims())
        }
    }
}

fn issuer_of_claims(policy: &Policy, claims: &Claims) -> Option<IssuerId> {
    let (issuer, _) = policy.issuer_by_url(claims.issuer().ok()?)?;
    Some(issuer)
}

impl<'s, 'r> Explainer<'_, 's, 'r> {
    pub(super) fn credential(
        &mut self,
        requirement: Option<&Requirement>,
    ) -> Option<Credential<'s, 'r>> {
        let policy = self.snapshot.policy();
        let length = format!("{} bytes", self.length);
        let optional = matches!(requirement, Some(Requirement::Token(demand)) if demand.optional);
        let (denial, found, expected) = match policy.credential(self.request) {
            Ok(Some(found)) => {
                let place = text::location(&found.place.location);
                let shown = format!("{length} in {place}");
                return self.step("token", Ok(found), shown, "a token");
            }
            Ok(None) if optional && policy.overlooks_token(self.request) => (
                Denial::TokenMalformed,
                "a token where none is looked for: under a name or scheme that looks alike".into(),
                "the configured name and scheme, or no token".to_owned(),
            ),
            Ok(None) if requirement.is_some_and(Requirement::admits_anonymous) => {
                let found = "no token, and none is needed";
                self.step("token", Ok(()), found, "a token, or none");
                self.settled = true;
                return None;
            }
            Ok(None) => {
                let places = policy.token_from().iter();
                let places: Vec<_> = places
                    .map(|place| text::location(&place.location))
                    .collect();
                let expected = format!("a token in {}", places.join(" or "));
                (Denial::TokenMissing, "no token".to_owned(), expected)
            }
            Err(Denial::TokenTooLarge) => {
                let most = policy.max_token_size();
                let expected = format!("at most {most} bytes (max_token_size)");
                (Denial::TokenTooLarge, length, expected)
            }
            Err(denial) => {
                let expected = "exactly one token, under the configured name and scheme: letters, \
                                digits, \"-\", \"_\" and \".\"";
                let found = format!("{length} that are not one well-formed token");
                (denial, found, expected.to_owned())
            }
        };
        self.step("token", Err(denial), found, expected)
    }
}
