//! The steps for an encrypted token: its header, its key, its decryption, and its content.
//!
//! Decryption is one step, which never says what failed, so that it is no oracle.

use crate::authenticator::{OpenedJwe, TokenContent};
use crate::jose::{ContentEncryption, Jwe, JweSegments, KeyAlgorithm};
use crate::policy::{DecryptionCandidates, DecryptionKeys, Issuer, IssuerId};
use crate::token::{Claims, Denial};

use super::steps::Explainer;
use super::text;
use super::token::kid;

const EXPECTED_HEADER: &str =
    "base64url of a JSON object with alg and enc, and no crit; ECDH-ES has epk";

impl Explainer<'_, '_, '_> {
    /// Explains the header, the choice of keys, and the decryption.
    pub(super) fn decryption(&mut self, segments: &JweSegments<'_>) -> Option<OpenedJwe> {
        let (jwe, found) = self.jwe(segments)?;
        let policy = self.snapshot.policy();
        let candidates = policy.decryption_candidates(&jwe);
        let found = match &candidates {
            Ok(candidates) => format!("{found}: {}", to_try(candidates)),
            Err(_) => found,
        };
        let expected = described(policy.decryption_keys());
        self.step("jwe.key", candidates.map(drop), found, expected)?;
        let opened = OpenedJwe::open(policy, jwe);
        let found = match &opened {
            Ok(_) => "decrypts",
            Err(Denial::TokenTooLarge) => "too large when it is inflated",
            Err(_) => "does not decrypt with the keys that were tried",
        };
        let expected = "a token that was encrypted to one of these keys, and not changed";
        self.step("decryption", opened, found, expected)
    }

    /// Explains the header and the other segments. Also returns the algorithms and the key that the
    /// header names, in words.
    fn jwe<'t>(&mut self, segments: &JweSegments<'t>) -> Option<(Jwe<'t>, String)> {
        let header = segments.header().map_err(Denial::from);
        let found = self.header(segments.header_bytes(), header.is_ok());
        let header = self.step("jwe.header", header, found, EXPECTED_HEADER)?;
        let is_known = header.algorithm().is_some() && header.encryption().is_some();
        let named = header.kid().map(str::to_owned);
        let found = format!("{}, for {}", self.algorithm, kid(named.as_deref()));
        match segments.open(header) {
            Ok(jwe) => Some((jwe, found)),
            Err(error) if is_known => {
                let found = "a segment that is not base64url, or an encrypted key that is missing \
                             or must not be there";
                let expected = "base64url without padding; no encrypted key with dir and ECDH-ES";
                self.step("jwe.segments", Err(error.into()), found, expected)
            }
            Err(error) => {
                let known = KeyAlgorithm::ALL.into_iter().map(KeyAlgorithm::name);
                let known = known.chain(
                    ContentEncryption::ALL
                        .into_iter()
                        .map(ContentEncryption::name),
                );
                let expected = text::one_of(known.map(str::to_owned));
                self.step("jwe.key", Err(error.into()), found, expected)
            }
        }
    }

    /// Explains the content.
    pub(super) fn content<'o>(&mut self, opened: &'o OpenedJwe) -> Option<TokenContent<'o>> {
        let content = opened.content(self.snapshot.policy().max_token_size());
        let found = match &content {
            Ok(TokenContent::Signed(_)) => "3 segments: signed (JWS)",
            Ok(TokenContent::Claims(_)) => "claims that are not signed",
            Err(Denial::TokenTypeInvalid) => "a cty that is not JWT",
            Err(_) => "neither a signed token nor, from a shared key, claims",
        };
        self.step("content", content, found, "a signed token")
    }

    /// Compares the token with the issuer's terms for encrypted tokens.
    pub(super) fn encryption(
        &mut self,
        envelope: Option<&OpenedJwe>,
        is_signed: bool,
        id: IssuerId,
        issuer: &Issuer,
    ) -> Option<()> {
        let Some(opened) = envelope else {
            if !issuer.requires_encryption() {
                return Some(());
            }
            let result = Err(Denial::EncryptionRequired);
            return self.step("encryption", result, "only signed", "an encrypted token");
        };
        let result = opened.check_issuer(id);
        let found = match result {
            Ok(()) => "encrypted to a key of this issuer",
            Err(_) => "encrypted to a key of another issuer",
        };
        let expected = "a key and algorithms of this issuer's decryption";
        self.step("encryption", result, found, expected)?;
        if is_signed {
            return Some(());
        }
        let expected = "a signed token, unless encrypted_claims is trusted";
        let result = OpenedJwe::check_trust(issuer);
        self.step("trust", result, "claims that are not signed", expected)
    }

    /// Compares the claims with those that the outer header repeats.
    pub(super) fn repeated_claims(&mut self, envelope: Option<&OpenedJwe>, claims: &Claims) {
        let Some(opened) = envelope else {
            return;
        };
        if opened.header().repeated_claims().next().is_none() {
            return;
        }
        let result = opened.check_repeated(claims);
        let found = match &result {
            Err(Denial::ClaimInvalid { claim }) => format!("another {claim} in the header"),
            _ => "the same claims".to_owned(),
        };
        let expected = "claims in the outer header that equal those in the token";
        self.step("jwe.claims", result, found, expected);
    }
}

fn to_try(candidates: &DecryptionCandidates<'_>) -> String {
    let keys = text::counted(candidates.keys.len(), "key");
    match candidates.left_out {
        0 => format!("{keys} to try"),
        left_out => format!("{keys} to try, {left_out} more that are not tried"),
    }
}

/// The decryption keys: the `kid` that a token would have, and the type.
fn described(keys: &DecryptionKeys) -> String {
    if keys.iter().next().is_none() {
        return "a signed token: no issuer has `decryption`".to_owned();
    }
    text::one_of(keys.iter().map(|entry| {
        let key = &entry.key;
        format!("{} ({})", kid(key.id()), key.kind())
    }))
}
