//! The steps for the issuer, its keys and the signature.

use crate::jose::{Json, JwsError, KeySet, PublishedKey};
use crate::policy::{Issuer, IssuerId};
use crate::token::{Denial, UnverifiedToken};

use super::steps::Explainer;
use super::text;

impl<'s> Explainer<'_, 's, '_> {
    /// The issuer that the token names.
    pub(super) fn issuer(&mut self, token: &UnverifiedToken<'_>) -> Option<(IssuerId, &'s Issuer)> {
        let policy = self.snapshot.policy();
        let configured = policy.issuers().iter();
        let configured = configured.map(|issuer| text::quoted(&issuer.expectations.issuer));
        let expected = format!("iss {}", text::one_of(configured));
        let iss = token.claims().get("iss");
        let found = iss.map_or_else(
            || "no iss".to_owned(),
            |iss| format!("iss {}", text::value(iss)),
        );
        let issuer = token.issuer().map(|url| policy.issuer_by_url(url));
        match issuer.and_then(|issuer| issuer.ok_or(Denial::IssuerNotAllowed)) {
            Ok((id, issuer)) => {
                let found = format!("{}: {found}", text::plain(&issuer.name));
                self.step("issuer", Ok(()), found, expected);
                Some((id, issuer))
            }
            Err(denial) => {
                self.step("issuer", Err(denial), found, expected);
                None
            }
        }
    }

    pub(super) fn algorithm_and_keys(
        &mut self,
        token: &UnverifiedToken<'_>,
        id: IssuerId,
        issuer: &Issuer,
    ) {
        let allowed = token.is_allowed(&issuer.algorithms);
        let result = if allowed {
            Ok(())
        } else {
            Err(Denial::AlgNotAllowed)
        };
        let found = format!("alg {}", self.algorithm);
        let accepted = issuer.algorithms.iter();
        let accepted = text::one_of(accepted.map(|algorithm| algorithm.name().to_owned()));
        self.step("algorithm", result, found, accepted);
        if allowed {
            self.keys(token, id, issuer);
        } else {
            self.skip(&["key", "signature"]);
        }
    }

    fn keys(&mut self, token: &UnverifiedToken<'_>, id: IssuerId, issuer: &Issuer) {
        let Some(keys) = self.snapshot.keys(id, self.now.monotonic) else {
            let found = format!("no keys of {}", text::plain(&issuer.name));
            self.step(
                "key",
                Err(Denial::JwksUnavailable),
                found,
                "the issuer's keys",
            );
            self.skip(&["signature"]);
            return;
        };
        let (jws, keys) = (token.jws(), &*keys.set);
        let kid = kid(token.kid());
        let candidates: Vec<_> = match jws.candidates(keys, &issuer.algorithms) {
            Ok(candidates) => candidates.collect(),
            Err(error) => {
                let (found, expected) = missing(error, keys, token.kid(), &kid);
                self.step("key", Err(error.into()), found, expected);
                self.skip(&["signature"]);
                return;
            }
        };
        let count = candidates.len();
        let tried = format!("{count} key{} to try", text::plural(count));
        self.step("key", Ok(()), format!("{kid}: {tried}"), "a key that fits");
        let good = candidates.iter().find(|key| jws.is_signed_with(key));
        let found = match good {
            Some(key) => format!("verifies with the key that has {}", self::kid(key.kid())),
            None => format!("verifies with no key that was tried ({count})"),
        };
        let result = good.map(drop).ok_or(JwsError::SignatureInvalid.into());
        let expected = "a signature of the issuer over these very bytes";
        self.step("signature", result, found, expected);
    }
}

/// Explains why there is no key to try, and lists the keys.
fn missing(error: JwsError, keys: &KeySet, kid: Option<&str>, shown: &str) -> (String, String) {
    if error == JwsError::Malformed {
        return ("an empty signature".to_owned(), "a signature".to_owned());
    }
    let named = |other: Option<&str>| kid.is_some() && other == kid;
    let mut skipped = keys.skipped().iter();
    let skipped = skipped.find(|key| named(key.kid.as_deref()));
    let found = match skipped {
        Some(key) => format!("{shown}, a key that is not used: {}", key.reason),
        None if error == JwsError::AlgNotAllowed => format!("{shown}, a key for another algorithm"),
        None if kid.is_some() => format!("{shown}, which no usable key has"),
        None => format!("{shown}, and no key for this algorithm"),
    };
    (found, text::one_of(keys.keys().map(|key| published(&key))))
}

fn published(key: &PublishedKey<'_>) -> String {
    format!("{} ({})", kid(key.kid), key.algorithms.join(" "))
}

fn kid(kid: Option<&str>) -> String {
    kid.map_or_else(
        || "no kid".to_owned(),
        |kid| format!("kid {}", text::value(&Json::String(kid.into()))),
    )
}
