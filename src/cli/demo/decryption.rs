//! The key that the demo's encrypted token is for: in a file, as a configuration needs it, for as
//! long as the demo runs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::jose::{ContentEncryption, EncryptionKey, KeyAlgorithm, NewKey, PrivateKey};

use super::super::new_file::NewFile;

/// A new key; its file is removed when this is dropped.
pub(super) struct DecryptionFile {
    path: PathBuf,
    public: EncryptionKey,
}

impl DecryptionFile {
    pub(super) fn create() -> anyhow::Result<Self> {
        let key = PrivateKey::generate(NewKey::P256)?;
        let name = format!("watchword-demo-{}.jwk", key.thumbprint());
        let path = std::env::temp_dir().join(name);
        let public = key.to_public_jwk();
        let public = public.as_ref().and_then(EncryptionKey::from_jwk);
        let public = public.context("a key that cannot encrypt")?;
        NewFile::create(&path, 0o600)?.write(&key.to_jwk())?;
        Ok(Self { path, public })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Encrypts a signed token.
    pub(super) fn encrypt(&self, token: &str) -> anyhow::Result<String> {
        let (alg, enc) = (KeyAlgorithm::EcdhEs, ContentEncryption::A256Gcm);
        let encrypted = self
            .public
            .encrypt(token.as_bytes(), alg, enc, &[("cty", "JWT")]);
        encrypted.map_err(|_| anyhow!("the sample token cannot be encrypted"))
    }
}

impl Drop for DecryptionFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
