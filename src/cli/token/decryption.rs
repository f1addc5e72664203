//! Decrypts tokens with the keys of files.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::explain::{counted, plain};
use crate::jose::{DecryptedContent, DecryptionKey, JoseError, Jwe, ReadKey};

use super::super::key_files;

/// The limit of a token's content, in bytes.
const MAX_CONTENT: usize = 1024 * 1024;

/// The keys that can decrypt, from all files.
pub(super) struct FileKeys(Vec<DecryptionKey>);

impl FileKeys {
    /// Reads every key. Leaves out keys for signing, which a set may also contain.
    pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        for file in files {
            for key in key_files::read(file)? {
                if let ReadKey::Private(key) = key.usable()? {
                    keys.extend(DecryptionKey::new(&key));
                }
            }
        }
        if keys.is_empty() && !files.is_empty() {
            bail!("--key: found no key that can decrypt; expected a private or shared key");
        }
        Ok(Self(keys))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The content of an encrypted token, and the `kid` or thumbprint of the key. A shared key may
    /// have neither.
    pub(super) fn decrypt(
        &self,
        token: &str,
    ) -> anyhow::Result<(DecryptedContent, Option<String>)> {
        let jwe = Jwe::parse(token).context("the encrypted token")?;
        let (algorithm, encryption) = (jwe.algorithm(), jwe.encryption());
        let suitable = self.0.iter().filter(|key| key.suits(algorithm, encryption));
        let kid = jwe.header().kid();
        let is_named = |key: &&DecryptionKey| kid.is_some_and(|kid| key.is_named(kid));
        let (named, others): (Vec<_>, Vec<_>) = suitable.partition(is_named);
        // As the server does: a key with another kid is not tried.
        let may_be_named = |key: &&DecryptionKey| kid.is_none() || key.kid().is_none();
        let others: Vec<_> = others.into_iter().filter(may_be_named).collect();
        let tried = named.len() + others.len();
        for key in named.into_iter().chain(others) {
            match jwe.decrypt(key, MAX_CONTENT) {
                Ok(content) => return Ok((content, key.id().map(plain))),
                Err(JoseError::DecryptFailed) => {}
                Err(error) => return Err(error).context("the content of the encrypted token"),
            }
        }
        let found = counted(tried, "key");
        let kid = kid.map_or_else(
            || "no kid".to_owned(),
            |kid| format!("the kid {}", plain(kid)),
        );
        bail!(
            "cannot decrypt: it is for {} with {}, and names {kid}; {found} tried",
            algorithm.name(),
            encryption.name()
        )
    }
}
