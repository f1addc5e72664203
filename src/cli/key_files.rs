//! Reads files of keys for commands: PEM, a JWK, or a JWK set. No error quotes a key.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use zeroize::Zeroizing;

use crate::explain::{counted, plain};
use crate::files::{read_secret, read_secret_at_most};
use crate::jose::{KeyDescription, PrivateKey, PrivateKeyError, ReadKey};

/// The limit of a file with keys, or of standard input, in bytes.
const MAX_FILE_SIZE: usize = 1024 * 1024;

/// A key of a file, or its problem.
pub(super) struct FileKey {
    /// The name of the file, with the number of the key if the file has several.
    pub(super) place: String,
    pub(super) key: Result<ReadKey, PrivateKeyError>,
}

impl FileKey {
    /// # Errors
    /// The problem of the key, with its place.
    pub(super) fn usable(self) -> anyhow::Result<ReadKey> {
        self.key
            .map_err(|problem| anyhow!("{}: {problem}", self.place))
    }
}

/// Reads every key of a file; `-` is standard input.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<FileKey>> {
    let (name, text) = content(file)?;
    let keys = ReadKey::read_all(&text).map_err(|problem| anyhow!("{name}: {problem}"))?;
    let several = keys.len() > 1;
    let keys = keys.into_iter().enumerate().map(|(index, key)| {
        let place = if several {
            format!("{name}, key {}", index + 1)
        } else {
            name.clone()
        };
        FileKey { place, key }
    });
    Ok(keys.collect())
}

/// Reads one key of a file: with `kid`, the key with this `kid` or thumbprint. If the only key of a
/// file has no `kid` of its own, such as one in PEM, it gets the given one.
pub(super) fn choose(file: &Path, kid: Option<&str>) -> anyhow::Result<ReadKey> {
    let mut keys = read(file)?;
    if keys.len() > 1 {
        let Some(kid) = kid else {
            let found = counted(keys.len(), "key");
            bail!("{}: found {found}; choose one with --kid", name_of(file));
        };
        let named = |key: &FileKey| key.key.as_ref().is_ok_and(|key| has_kid(key, kid));
        keys.retain(named);
    }
    let key = match <[FileKey; 1]>::try_from(keys) {
        Ok([key]) => key.usable()?,
        Err(keys) if keys.is_empty() => bail!("{}: no usable key has this kid", name_of(file)),
        Err(_) => bail!("{}: several keys have this kid", name_of(file)),
    };
    match (kid, &key.description().kid) {
        (Some(kid), None) if !has_kid(&key, kid) => Ok(key.with_kid(kid)),
        (Some(kid), Some(own)) if !has_kid(&key, kid) => {
            bail!(
                "{}: found a key with the kid {}; expected {}",
                name_of(file),
                plain(own),
                plain(kid)
            )
        }
        _ => Ok(key),
    }
}

/// As [`choose`], for a private or shared key.
pub(super) fn choose_private(file: &Path, kid: Option<&str>) -> anyhow::Result<PrivateKey> {
    match choose(file, kid)? {
        ReadKey::Private(key) => Ok(*key),
        ReadKey::Public(_) => bail!("{}: {}", name_of(file), PrivateKeyError::PublicOnly),
    }
}

fn has_kid(key: &ReadKey, kid: &str) -> bool {
    let own: &KeyDescription = key.description();
    let thumbprint = || {
        key.public()
            .is_some_and(|public| public.thumbprint() == kid)
    };
    own.kid.as_deref() == Some(kid) || thumbprint()
}

fn content(file: &Path) -> anyhow::Result<(String, Zeroizing<Vec<u8>>)> {
    if file.as_os_str() == "-" {
        let text = read_secret_at_most(std::io::stdin().lock(), MAX_FILE_SIZE);
        let text = text.context("standard input cannot be read")?;
        let text =
            text.with_context(|| format!("standard input has more than {MAX_FILE_SIZE} bytes"))?;
        return Ok(("standard input".to_owned(), text));
    }
    let name = name_of(file);
    let text = read_secret(file, MAX_FILE_SIZE).with_context(|| name.clone())?;
    Ok((name, text))
}

/// The name of the file. If it is a key by mistake, it is not shown.
fn name_of(file: &Path) -> String {
    let name = file.to_string_lossy();
    if name.contains(['{', '\n']) || name.contains("-----BEGIN") {
        return "found a key; expected the name of its file".to_owned();
    }
    plain(&name)
}
