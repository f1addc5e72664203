//! The steps for a token's form, its issuer, and its signature.

use crate::jose::{Compact, JoseError, Json, JwsSegments, KeySet, MAX_HEADER_VALUES};
use crate::policy::{Issuer, IssuerId};
use crate::token::{BearerToken, Claims, Denial, MAX_CLAIM_VALUES, UnverifiedToken};

use super::steps::Explainer;
use super::text;

const HEADER: &str = "base64url of a JSON object with alg, and no crit; kid and typ are strings";

/// Members of the header of an encrypted token that tell nothing to a reader.
const OPAQUE: [&str; 3] = ["epk", "iv", "tag"];

impl<'s> Explainer<'_, 's, '_> {
    pub(super) fn form<'r>(&mut self, token: &BearerToken<'r>) -> Option<Compact<'r>> {
        let compact = Compact::split(token.as_str()).map_err(Denial::from);
        let found = match &compact {
            Ok(Compact::Jws(_)) => "3 segments: signed (JWS)".to_owned(),
            Ok(Compact::Jwe(_)) => "5 segments: encrypted (JWE)".to_owned(),
            Err(_) => text::counted(token.as_str().split('.').count(), "segment"),
        };
        let expected = "3 segments with dots between them, or 5 for an encrypted token";
        self.step("form", compact, found, expected)
    }

    pub(super) fn signed<'r>(&mut self, segments: &JwsSegments<'r>) -> Option<UnverifiedToken<'r>> {
        let header = segments.header().map_err(Denial::from);
        let found = self.header(segments.header_bytes(), header.is_ok());
        let header = self.step("header", header, found, HEADER)?;
        let jws = match segments.open(header) {
            Ok(jws) => jws,
            Err(error) => {
                let found = "payload or signature is not base64url";
                let expected = "base64url without padding";
                return self.step("payload", Err(error.into()), found, expected);
            }
        };
        let found = claims_in_words(jws.payload());
        let read = UnverifiedToken::read(jws);
        self.step("payload", read, found, "a JSON object of claims")
    }

    /// The header or its fault, in words. Remembers the algorithm.
    pub(super) fn header(&mut self, bytes: Result<Vec<u8>, JoseError>, is_valid: bool) -> String {
        let Ok(bytes) = bytes else {
            return "not base64url without padding".to_owned();
        };
        let header = match Json::parse(&bytes, MAX_HEADER_VALUES) {
            Ok(Json::Object(header)) => header,
            Ok(_) => return "JSON, but not an object".to_owned(),
            Err(error) => return error.to_string(),
        };
        let mut texts = ["alg", "kid", "typ"].into_iter();
        let odd = texts.find_map(|name| {
            let value = header.get(name).filter(|value| value.as_str().is_none())?;
            Some(format!("{name} {}", text::value(value)))
        });
        self.algorithm = header.get("alg").map(text::value).unwrap_or_default();
        match (header.get("crit"), odd) {
            _ if is_valid => text::value(&Json::Object(header.without(&OPAQUE))),
            _ if !header.contains("alg") => "no alg".to_owned(),
            (Some(crit), _) => format!("crit {}", text::value(crit)),
            (None, _) if header.contains("b64") => "b64 without crit".to_owned(),
            (None, Some(odd)) => odd,
            (None, None) => text::value(&Json::Object(header)),
        }
    }

    pub(super) fn issuer(&mut self, claims: &Claims) -> Option<(IssuerId, &'s Issuer)> {
        let policy = self.snapshot.policy();
        let configured = policy.issuers().iter();
        let configured = configured.map(|issuer| text::quoted(&issuer.expectations.issuer));
        let expected = format!("iss {}", text::one_of(configured));
        let issuer = claims.issuer().map(|url| policy.issuer_by_url(url));
        let issuer = issuer.and_then(|issuer| issuer.ok_or(Denial::IssuerNotAllowed));
        let iss = claims.get("iss").map(text::value);
        let found = match (&issuer, iss) {
            (Ok((_, issuer)), Some(iss)) => format!("{}: iss {iss}", text::plain(&issuer.name)),
            (_, Some(iss)) => format!("iss {iss}"),
            (_, None) => "no iss".to_owned(),
        };
        self.step("issuer", issuer, found, expected)
    }

    pub(super) fn algorithm_and_keys(
        &mut self,
        token: &UnverifiedToken<'_>,
        id: IssuerId,
        issuer: &Issuer,
    ) -> Option<()> {
        let allowed = token.is_allowed(&issuer.algorithms).then_some(());
        let found = format!("alg {}", self.algorithm);
        let accepted = text::one_of(issuer.algorithms.iter().map(|it| it.name().to_owned()));
        let result = allowed.ok_or(Denial::AlgNotAllowed);
        self.step("algorithm", result, found, accepted)?;

        let Some(keys) = self.snapshot.keys(id, self.now.monotonic) else {
            let found = format!("no keys of {}", text::plain(&issuer.name));
            let result = Err(Denial::JwksUnavailable);
            return self.step("key", result, found, "the issuer's keys");
        };
        let (jws, keys) = (token.jws(), &*keys.set);
        let candidates: Vec<_> = match jws.candidates(keys, &issuer.algorithms) {
            Ok(candidates) => candidates.collect(),
            Err(error) => {
                let (found, expected) = missing(error, keys, token.kid());
                return self.step("key", Err(error.into()), found, expected);
            }
        };
        let count = candidates.len();
        let found = kid(token.kid()) + ": " + &text::counted(count, "key") + " to try";
        self.step("key", Ok(()), found, "a key that fits");

        let good = candidates.iter().find(|key| jws.is_signed_with(key));
        let found = match good {
            Some(key) => format!("verifies with the key that has {}", kid(key.kid())),
            None => format!("verifies with no key that was tried ({count})"),
        };
        let result = good.map(drop).ok_or(JoseError::SignatureInvalid.into());
        let expected = "a signature of the issuer over these very bytes";
        self.step("signature", result, found, expected)
    }
}

/// The names of the claims in a payload, or its fault.
fn claims_in_words(payload: &[u8]) -> String {
    match Json::parse(payload, MAX_CLAIM_VALUES) {
        Ok(Json::Object(claims)) => {
            let names = text::list(claims.iter().map(|(name, _)| text::plain(name)));
            let colon = if names.is_empty() { "" } else { ": " };
            text::counted(claims.iter().count(), "claim") + colon + &names
        }
        Ok(_) => "JSON, but not an object".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Explains why there is no key to try, and lists the keys.
fn missing(error: JoseError, keys: &KeySet, named: Option<&str>) -> (String, String) {
    if error == JoseError::Malformed {
        return ("an empty signature".to_owned(), "a signature".to_owned());
    }
    let mut skipped = keys.skipped().iter();
    let skipped = skipped.find(|key| named.is_some() && key.kid.as_deref() == named);
    let fault = match skipped {
        Some(key) => format!(", a key that is not used: {}", key.reason),
        None if error == JoseError::AlgNotAllowed => ", a key for another algorithm".to_owned(),
        None if named.is_some() => ", which no usable key has".to_owned(),
        None => ", and no key for this algorithm".to_owned(),
    };
    let published = keys.keys();
    let published = published.map(|key| format!("{} ({})", kid(key.kid), key.algorithms.join(" ")));
    (kid(named) + &fault, text::one_of(published))
}

pub(super) fn kid(kid: Option<&str>) -> String {
    let kid = kid.map(text::quoted);
    kid.map_or("no kid".to_owned(), |kid| format!("kid {kid}"))
}
