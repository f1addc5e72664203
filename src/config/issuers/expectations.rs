//! The checks that every token of an issuer must pass, and settings that contradict each other.

use crate::policy::Issuer;
use crate::token::{Audiences, ClaimPath, Expectations, MediaTypes, TokenKind, media_type};

use super::super::setting::Setting;
use super::super::settings::{ClaimNameSetting, IssuerSettings, TokenKindSetting, boxed};

impl Setting<'_, '_, IssuerSettings> {
    pub(super) fn expectations(&mut self) -> Expectations {
        let settings = self.value;
        let kind = settings.token_kind.map(Into::into);
        Expectations {
            issuer: (*settings.issuer).into(),
            audiences: self.audiences(),
            leeway: settings.leeway.into(),
            max_lifetime: settings.max_lifetime.map(Into::into),
            types: self.types(kind),
            kind,
            client_ids: boxed(settings.client_ids.as_deref().unwrap_or_default()),
            required_claims: self.claims("required_claims", settings.required_claims.as_deref()),
            forbidden_claims: self.claims("forbidden_claims", settings.forbidden_claims.as_deref()),
            ignore_confirmation: settings.ignore_confirmation,
        }
    }

    fn types(&mut self, kind: Option<TokenKind>) -> MediaTypes {
        let Some(types) = self.value.types.as_deref() else {
            return MediaTypes::of(kind);
        };
        let mut setting = self.member("types", types);
        if kind == Some(TokenKind::Rfc9068Access) {
            setting.contradiction(
                "`token_kind: rfc9068_access_token` accepts only `at+jwt`: remove `types`, or use \
                 `token_kind: access_token`",
            );
        }
        let mut names = Vec::new();
        setting.for_each(|mut typ| {
            let name = media_type(typ.value);
            if kind.is_some_and(|kind| kind.contradicts(&name)) {
                let found = format!("{:?}, the type of another kind of tokens", &**typ.value);
                typ.found(found, "types that tokens of `token_kind` have");
            }
            names.push(name.into());
        });
        MediaTypes {
            optional: false,
            names,
        }
    }

    fn claims(&mut self, name: &str, claims: Option<&[ClaimNameSetting]>) -> Vec<ClaimPath> {
        let mut paths = Vec::new();
        let claims = claims.unwrap_or_default();
        self.member(name, claims)
            .for_each(|mut claim| paths.push(claim.claim_path()));
        paths
    }

    /// Claims that must be there and must not be there at once would refuse every token.
    pub(super) fn refuse_impossible(&mut self, issuer: &Issuer) {
        let checks = &issuer.expectations;
        let needed = needed_claims(issuer);
        let forbidden = self.value.forbidden_claims.as_deref().unwrap_or_default();
        let mut paths = checks.forbidden_claims.iter();
        self.member("forbidden_claims", forbidden)
            .for_each(|mut claim| {
                let path = paths.next();
                let mut needed = needed.iter();
                let needed =
                    needed.find(|(needed, _)| path.is_some_and(|path| path.contains(needed)));
                if let Some((_, by)) = needed {
                    claim.contradiction(format!(
                        "no token would pass, because {by} needs this claim: remove one of them"
                    ));
                }
            });
        let never = checks.kind.map_or(&[][..], TokenKind::forbidden);
        let required = self.value.required_claims.as_deref().unwrap_or_default();
        let mut paths = checks.required_claims.iter();
        self.member("required_claims", required)
            .for_each(|mut claim| {
                let first = paths.next().and_then(|path| path.names().next());
                if first.is_some_and(|first| never.contains(&first)) {
                    claim.contradiction(
                        "no token would pass, because `token_kind` refuses tokens with this claim: \
                     remove one of them",
                    );
                }
            });
    }

    /// A service that accepts tokens for others is open to every holder of such a token.
    fn audiences(&mut self) -> Audiences {
        match (&self.value.audiences, self.value.any_audience) {
            (None, true) => return Audiences::Any,
            (None, false) => {
                self.contradiction(
                    "an issuer needs `audiences`, the audiences of your service; or \
                     `any_audience: true` to accept tokens for any service",
                );
            }
            (Some(list), true) => {
                self.member("any_audience", list).contradiction(
                    "`any_audience: true` accepts what `audiences` refuses: remove one of them",
                );
            }
            (Some(list), false) => return self.member("audiences", &**list).audiences(),
        }
        Audiences::OneOf(Vec::new())
    }
}

/// The claims without which no token passes, and what needs each.
fn needed_claims(issuer: &Issuer) -> Vec<(ClaimPath, &'static str)> {
    let checks = &issuer.expectations;
    let audiences = (checks.audiences != Audiences::Any).then_some("aud");
    let lifetime = checks.max_lifetime.map(|_| "iat");
    let of_kind = checks.kind.map_or(&[][..], TokenKind::required);
    let registered = [("iss", "every token"), ("exp", "every token")].into_iter();
    let registered = registered
        .chain(audiences.map(|name| (name, "`audiences`")))
        .chain(lifetime.map(|name| (name, "`max_lifetime`")))
        .chain(of_kind.iter().map(|name| (*name, "`token_kind`")));
    let registered = registered.map(|(name, by)| (ClaimPath::literal(&[name]), by));
    let required = checks.required_claims.iter();
    let required = required.map(|path| (path.clone(), "`required_claims`"));
    let headers = issuer.headers.0.iter().filter(|header| header.required);
    let headers = headers.map(|header| (header.claim.clone(), "a required header"));
    registered.chain(required).chain(headers).collect()
}

impl From<TokenKindSetting> for TokenKind {
    fn from(setting: TokenKindSetting) -> Self {
        match setting {
            TokenKindSetting::Access => Self::Access,
            TokenKindSetting::Rfc9068Access => Self::Rfc9068Access,
            TokenKindSetting::Id => Self::Id,
            TokenKindSetting::Logout => Self::Logout,
        }
    }
}

#[cfg(test)]
mod tests;
