//! The setting `decryption` of an issuer: the keys, and the terms for encrypted tokens.

use std::path::Path;

use crate::files::read_secret;
use crate::jose::{ContentEncryption, DecryptionKey, KeyAlgorithm, PrivateKey};
use crate::policy::EncryptionTerms;

use super::super::setting::Setting;
use super::super::settings::{
    DecryptionSettings, EncryptedClaimsSetting, FilePath, IssuerSettings, Text,
};
use super::super::warning::WarningCode;

/// The limit of a file with keys, in bytes.
const MAX_FILE_SIZE: usize = 256 * 1024;
/// The limit of keys of an issuer.
const MAX_KEYS: usize = 16;

impl Setting<'_, '_, DecryptionSettings> {
    /// The terms and the keys, newest first.
    pub(super) fn build(&mut self) -> (EncryptionTerms, Vec<DecryptionKey>) {
        let settings = self.value;
        let mut keys = Vec::new();
        self.member("keys", &*settings.keys)
            .for_each(|mut path| keys.extend(path.decryption_keys()));
        if keys.len() > MAX_KEYS {
            let found = format!("{} keys", keys.len());
            let expected = format!("at most {MAX_KEYS}");
            self.member("keys", &()).found(found, &expected);
        }
        let terms = EncryptionTerms {
            algorithms: self.key_algorithms(),
            encryptions: self.content_encryptions(),
            is_required: settings.required,
            allows_compression: settings.allow_zip,
            trusts_claims: settings.encrypted_claims == EncryptedClaimsSetting::Trusted,
        };
        self.check_keys(&terms, &keys);
        (terms, keys)
    }

    /// Checks that the terms permit the use of each key, and that there is a shared key if claims
    /// without a signature are trusted.
    fn check_keys(&mut self, terms: &EncryptionTerms, keys: &[DecryptionKey]) {
        if self.is_incomplete() {
            return;
        }
        let pairs = || {
            let algorithms = terms.algorithms.iter();
            algorithms.flat_map(|algorithm| terms.encryptions.iter().map(move |it| (algorithm, it)))
        };
        let is_usable = |key: &DecryptionKey| pairs().any(|(alg, enc)| key.suits(*alg, *enc));
        if let Some(key) = keys.iter().find(|key| !is_usable(key)) {
            let kind = key.kind();
            self.member("keys", &()).contradiction(format!(
                "a key ({kind}) suits none of the accepted algorithms: compare `algorithms` and \
                 `content_encryption` with the type, the length and the `alg` of the key"
            ));
        }
        if !terms.trusts_claims {
            return;
        }
        if keys.iter().all(DecryptionKey::is_private) {
            self.member("encrypted_claims", &()).contradiction(
                "`encrypted_claims: trusted` needs a shared key: anybody can encrypt to a public \
                 one",
            );
        } else {
            let found = "claims that anyone with the shared key can make";
            let expected = "signed tokens inside the encrypted ones";
            self.member("encrypted_claims", &())
                .warn(WarningCode::UnsignedClaims, found, expected);
        }
    }

    fn key_algorithms(&mut self) -> Vec<KeyAlgorithm> {
        let Some(names) = &self.value.algorithms else {
            return KeyAlgorithm::ALL.to_vec();
        };
        let all = KeyAlgorithm::ALL.map(|algorithm| (algorithm.name(), algorithm));
        self.member("algorithms", &**names)
            .known("key management algorithm", &all)
    }

    fn content_encryptions(&mut self) -> Vec<ContentEncryption> {
        let Some(names) = &self.value.content_encryption else {
            return ContentEncryption::ALL.to_vec();
        };
        let all = ContentEncryption::ALL.map(|algorithm| (algorithm.name(), algorithm));
        self.member("content_encryption", &**names)
            .known("content encryption", &all)
    }
}

impl Setting<'_, '_, IssuerSettings> {
    /// Returns true if tokens of the issuer need no signature. It then needs no keys to verify one.
    pub(super) fn trusts_encrypted_claims(&self) -> bool {
        let decryption = self.value.decryption.as_ref();
        decryption.is_some_and(|terms| terms.encrypted_claims == EncryptedClaimsSetting::Trusted)
    }
}

impl Setting<'_, '_, [Text]> {
    /// The values with these names. Any other name is a problem.
    fn known<T: Copy>(&mut self, kind: &str, all: &[(&str, T)]) -> Vec<T> {
        let mut values = Vec::new();
        self.for_each(|mut name| {
            let text = &**name.value;
            match all.iter().find(|(known, _)| *known == text) {
                Some((_, value)) => values.push(*value),
                None => name.unknown(kind, text, all.iter().map(|(known, _)| *known)),
            }
        });
        values
    }
}

impl Setting<'_, '_, FilePath> {
    /// The keys of a file, or of the files of a directory.
    fn decryption_keys(&mut self) -> Vec<DecryptionKey> {
        let path = self.path();
        self.findings.files.push(path.clone());
        let files = match crate::files::files_at(&path) {
            Ok(files) => files,
            Err((_, error)) => {
                self.unusable(error, "the path of a readable file or directory");
                return Vec::new();
            }
        };
        let files = files.iter().rev();
        files.flat_map(|file| self.keys_of(file, &path)).collect()
    }

    /// The keys of one file. A path that is that file stands in the configuration already.
    fn keys_of(&mut self, file: &Path, path: &Path) -> Vec<DecryptionKey> {
        self.warn_of_open_secret_at(file);
        let name = file.file_name().filter(|_| file != path);
        let place = name.map_or_else(String::new, |name| format!("{}: ", name.to_string_lossy()));
        let text = match read_secret(file, MAX_FILE_SIZE) {
            Ok(text) => text,
            Err(error) => {
                self.failed(format!("{place}{error}"), "readable files with keys");
                return Vec::new();
            }
        };
        let expected = "private keys in PEM, a JWK or a JWK set, or shared keys in a JWK";
        match PrivateKey::read_all(&text) {
            Err(error) => {
                self.failed(format!("{place}{error}"), expected);
                Vec::new()
            }
            Ok(found) => self.usable(&place, found),
        }
    }

    /// The keys that can decrypt. Leaves out keys for signing, which a set may contain. An unusable
    /// key is a problem.
    fn usable(
        &mut self,
        place: &str,
        found: Vec<Result<PrivateKey, crate::jose::PrivateKeyError>>,
    ) -> Vec<DecryptionKey> {
        let expected = "private keys that can decrypt";
        let (mut keys, mut kinds) = (Vec::new(), Vec::new());
        let mut are_readable = true;
        for key in found {
            match key {
                Err(error) => {
                    are_readable = false;
                    self.failed(format!("{place}{error}"), expected);
                }
                Ok(key) => {
                    keys.extend(DecryptionKey::new(&key));
                    kinds.push(key.kind());
                }
            }
        }
        if keys.is_empty() && are_readable {
            let found = format!("{place}found no key for decrypting: {}", kinds.join(", "));
            self.failed(found, expected);
        }
        keys
    }
}

#[cfg(test)]
mod tests;
