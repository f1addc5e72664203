//! Encrypts tokens to the key of a file.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use zeroize::Zeroizing;

use crate::explain::plain;
use crate::jose::{ContentEncryption, EncryptionKey, Json, KeyAlgorithm, KeyDescription, ReadKey};

use super::super::key_files;

/// The limit of JSON values in a shared key, which has a few members.
const MAX_KEY_VALUES: usize = 256;

/// The content encryptions to choose from, first those that every library has.
const USUAL_ENCRYPTIONS: [ContentEncryption; 6] = [
    ContentEncryption::A256Gcm,
    ContentEncryption::A128Gcm,
    ContentEncryption::A256CbcHs512,
    ContentEncryption::A128CbcHs256,
    ContentEncryption::A192Gcm,
    ContentEncryption::A192CbcHs384,
];

/// The `key_ops` of keys for encryption, public or private (RFC 7517 §4.3).
const ENCRYPTION_OPERATIONS: [&str; 6] = [
    "encrypt",
    "decrypt",
    "wrapKey",
    "unwrapKey",
    "deriveKey",
    "deriveBits",
];

/// A key to encrypt tokens to, with the algorithms.
pub(super) struct TokenRecipient {
    key: EncryptionKey,
    kid: Option<String>,
    algorithm: KeyAlgorithm,
    /// The first one that suits the key is used.
    encryptions: Vec<ContentEncryption>,
}

impl TokenRecipient {
    /// Reads the key of a file: public, private or shared. Without `alg`, takes that of the key, or
    /// the default of its type.
    pub(super) fn read(
        file: &Path,
        kid: Option<&str>,
        alg: Option<&str>,
        enc: Option<&str>,
    ) -> anyhow::Result<Self> {
        let read = key_files::choose(file, kid)?;
        let description = read.description();
        check_purpose(description)?;
        let key = encryption_key(&read)?;
        let own = description.alg.as_deref().and_then(KeyAlgorithm::from_name);
        let usual = own.unwrap_or_else(|| key.usual_algorithm());
        let algorithm = alg.map_or(Ok(usual), key_algorithm)?;
        if let Some(own) = own
            && own != algorithm
        {
            let (found, expected) = (algorithm.name(), own.name());
            bail!("found the algorithm {found}; expected {expected}, the alg of the key");
        }
        let encryptions = enc.map_or_else(|| Ok(USUAL_ENCRYPTIONS.to_vec()), content_encryption)?;
        // A thumbprint of a shared secret would help to guess the secret.
        let kid = read.public().map(|public| public.kid());
        let kid = kid.or_else(|| description.kid.as_deref().map(ToOwned::to_owned));
        Ok(Self {
            key,
            kid,
            algorithm,
            encryptions,
        })
    }

    /// Encrypts content into a token. `cty` is the media type of the content.
    pub(super) fn encrypt(&self, content: &[u8], cty: Option<&str>) -> anyhow::Result<String> {
        let kid = self.kid.as_deref().map(|kid| ("kid", kid));
        let cty = cty.map(|cty| ("cty", cty));
        let members: Vec<_> = kid.into_iter().chain(cty).collect();
        let mut tokens = self.encryptions.iter().filter_map(|encryption| {
            let encrypted = self
                .key
                .encrypt(content, self.algorithm, *encryption, &members);
            encrypted.ok()
        });
        tokens.next().with_context(|| {
            format!(
                "the key does not suit {}: compare its type and length with the algorithms",
                self.algorithm.name()
            )
        })
    }
}

fn check_purpose(description: &KeyDescription) -> anyhow::Result<()> {
    let purpose = description.purpose.as_deref();
    if purpose.is_some_and(|purpose| purpose != "enc") {
        bail!("found a key that is not for encryption, by its use; expected enc");
    }
    let operations = description.operations.as_deref();
    let permits = |all: &[Box<str>]| all.iter().any(|it| ENCRYPTION_OPERATIONS.contains(&&**it));
    if operations.is_some_and(|all| !permits(all)) {
        bail!("found a key that is not for encryption, by its key_ops");
    }
    Ok(())
}

fn key_algorithm(name: &str) -> anyhow::Result<KeyAlgorithm> {
    KeyAlgorithm::from_name(name).ok_or_else(|| {
        let all = KeyAlgorithm::ALL.map(KeyAlgorithm::name).join(", ");
        anyhow!("found the algorithm {}; expected one of {all}", plain(name))
    })
}

fn content_encryption(name: &str) -> anyhow::Result<Vec<ContentEncryption>> {
    let encryption = ContentEncryption::from_name(name).ok_or_else(|| {
        let all = ContentEncryption::ALL.map(ContentEncryption::name);
        anyhow!(
            "--enc: found {}; expected one of {}",
            plain(name),
            all.join(", ")
        )
    })?;
    Ok(vec![encryption])
}

fn encryption_key(key: &ReadKey) -> anyhow::Result<EncryptionKey> {
    let jwk = match key {
        ReadKey::Private(key) if key.public().is_none() => {
            Zeroizing::new(Json::parse(key.to_jwk().as_bytes(), MAX_KEY_VALUES)?)
        }
        _ => Zeroizing::new(Json::Object(
            key.public().map(|key| key.to_jwk()).unwrap_or_default(),
        )),
    };
    let key = jwk.as_object().and_then(EncryptionKey::from_jwk);
    key.context("found a key that cannot encrypt; expected RSA, P-256, P-384, P-521, X25519 or oct")
}
