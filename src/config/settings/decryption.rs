//! The section `decryption` of an issuer as its author writes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::jose::{ContentEncryption, KeyAlgorithm};

use super::{FilePath, Text};

/// Encrypted tokens (JWE, RFC 7516). The content must be a signed token, which is judged like one
/// that was not encrypted.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-form" = "{keys: [decryption.pem]}"))]
pub(crate) struct DecryptionSettings {
    /// Files with private keys (PEM, JWK or JWK set) or shared keys (JWK), or directories of such
    /// files, newest first; a directory's files count from the last name to the first. Tokens may
    /// be encrypted to any of them. They are followed like this file.
    #[schemars(length(min = 1))]
    pub(crate) keys: Vec<FilePath>,
    /// Key management algorithms that are accepted (RFC 7518 §4.1, RFC 8037). A key also permits
    /// only those of its own `alg`, if it has one.
    #[schemars(length(min = 1), extend("default" = key_algorithm_names()))]
    pub(crate) algorithms: Option<Vec<Text>>,
    /// Content encryption algorithms that are accepted (RFC 7518 §5.1).
    #[schemars(length(min = 1), extend("default" = content_encryption_names()))]
    pub(crate) content_encryption: Option<Vec<Text>>,
    /// Refuse tokens that are only signed, so that nobody can strip the encryption.
    #[serde(default)]
    pub(crate) required: bool,
    /// Accept compressed content (`zip`), inflated to at most `server.max_token_size`.
    #[serde(default)]
    pub(crate) allow_zip: bool,
    /// `trusted`: accept claims that are encrypted with a shared key and not signed. Everyone who
    /// has the key can make such tokens.
    #[serde(default)]
    pub(crate) encrypted_claims: EncryptedClaimsSetting,
}

/// What claims are worth that are encrypted and not signed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EncryptedClaimsSetting {
    /// Refused.
    #[default]
    Refused,
    /// Accepted, with a shared key.
    Trusted,
}

fn key_algorithm_names() -> Vec<&'static str> {
    KeyAlgorithm::ALL
        .into_iter()
        .map(KeyAlgorithm::name)
        .collect()
}

fn content_encryption_names() -> Vec<&'static str> {
    let all = ContentEncryption::ALL.into_iter();
    all.map(ContentEncryption::name).collect()
}
