//! Puts a token into a request where the policy looks for it, and finds it there.

use crate::policy::{Credential, IssuerId, Policy, Requirement, TokenFrom};
use crate::request::{Header, Request};
use crate::token::{BearerToken, Denial, Location, UnverifiedToken};

use super::steps::Explainer;
use super::text;

/// A request with a token in a header field or in the query.
pub(super) struct RequestWithToken {
    header: Option<(String, Vec<u8>)>,
    path: Vec<u8>,
}

impl RequestWithToken {
    pub(super) fn new(policy: &Policy, request: &Request<'_>, token: &[u8]) -> Self {
        let mut carrier = Self {
            header: None,
            path: request.path.to_vec(),
        };
        match place(policy, token).map(|place| &place.location) {
            _ if token.is_empty() => {}
            None => {}
            Some(Location::Header { name, scheme }) => {
                let scheme = scheme.as_ref().map(|scheme| format!("{scheme} "));
                let value = [scheme.unwrap_or_default().as_bytes(), token].concat();
                carrier.header = Some((name.to_string(), value));
            }
            Some(Location::Cookie { name }) => {
                let value = [name.as_bytes(), b"=", token].concat();
                carrier.header = Some(("cookie".to_owned(), value));
            }
            Some(Location::Query { name }) => {
                let mark: &[u8] = if carrier.path.contains(&b'?') {
                    b"&"
                } else {
                    b"?"
                };
                carrier
                    .path
                    .extend([mark, name.as_bytes(), b"=", token].concat());
            }
        }
        carrier
    }

    /// The request with the token in it.
    pub(super) fn request<'a>(&'a self, request: &Request<'a>) -> Request<'a> {
        let mut request = request.clone();
        request.path = &self.path;
        let header = self.header.as_ref();
        request.headers.extend(header.map(|(name, value)| Header {
            name: name.as_bytes(),
            value,
        }));
        request
    }
}

/// The first place that accepts tokens of this token's issuer.
fn place<'p>(policy: &'p Policy, token: &[u8]) -> Option<&'p TokenFrom> {
    let issuer = issuer_of(policy, token);
    let mut places = policy.token_from().iter();
    let admitting = places.find(|place| issuer.is_some_and(|issuer| place.admits(issuer)));
    admitting.or(policy.token_from().first())
}

/// The issuer that a token names, unverified.
#[must_use]
pub fn issuer_of(policy: &Policy, token: &[u8]) -> Option<IssuerId> {
    let token = BearerToken::new(token, policy.max_token_size()).ok()?;
    let token = UnverifiedToken::parse(&token).ok()?;
    let (issuer, _) = policy.issuer_by_url(token.issuer().ok()?)?;
    Some(issuer)
}

impl<'s, 'r> Explainer<'_, 's, 'r> {
    pub(super) fn credential(
        &mut self,
        requirement: Option<&Requirement>,
    ) -> Option<Credential<'s, 'r>> {
        let policy = self.snapshot.policy();
        let length = format!("{} bytes", self.length);
        match policy.credential(self.request) {
            Ok(Some(found)) => {
                let place = text::location(&found.place.location);
                self.step("token", Ok(()), format!("{length} in {place}"), "a token");
                return Some(found);
            }
            Ok(None) if self.is_overlooked(requirement) => {
                let found =
                    "a token where none is looked for: under a name or scheme that looks alike";
                self.step(
                    "token",
                    Err(Denial::TokenMalformed),
                    found,
                    "the configured name and scheme, or no token",
                );
            }
            Ok(None) if requirement.is_some_and(Requirement::admits_anonymous) => {
                self.step(
                    "token",
                    Ok(()),
                    "no token, and none is needed",
                    "a token, or none",
                );
                self.allow();
            }
            Ok(None) => {
                let expected = policy.token_from().iter();
                let expected = expected.map(|place| text::location(&place.location));
                let expected = format!("a token in {}", text::any_of(expected));
                self.step("token", Err(Denial::TokenMissing), "no token", expected);
            }
            Err(denial) => {
                let (found, expected) = match denial {
                    Denial::TokenTooLarge => {
                        let most = policy.max_token_size();
                        (length, format!("at most {most} bytes (max_token_size)"))
                    }
                    _ => (
                        format!("{length} that are not one well-formed token"),
                        "exactly one token, under the configured name and scheme: letters, digits, \
                         \"-\", \"_\" and \".\""
                            .to_owned(),
                    ),
                };
                self.step("token", Err(denial), found, expected);
            }
        }
        self.skip(&["form", "header", "payload", "issuer"]);
        None
    }

    /// Returns true if only an overlooked token keeps the request from passing as anonymous.
    fn is_overlooked(&self, requirement: Option<&Requirement>) -> bool {
        let optional = requirement.is_some_and(
            |requirement| matches!(requirement, Requirement::Token(demand) if demand.optional),
        );
        optional && self.snapshot.policy().overlooks_token(self.request)
    }
}
