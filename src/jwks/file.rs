//! Keys on disk: one file, or the files of a folder, bounded in number and size.
//!
//! Only regular files are opened, since opening a pipe may wait for ever.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use super::FetchError;

/// Most bytes of one source, all files together.
pub(super) const MAX_SIZE: usize = 1024 * 1024;
/// Most files of a folder.
const MAX_FILES: usize = 64;

/// What a look at a file, or at the files of a folder, found.
#[derive(Debug)]
pub(super) struct Look {
    /// The content of each, in the order of their names.
    pub(super) documents: Vec<Vec<u8>>,
    /// A digest of the content, sizes and modification times. It only tells whether something has
    /// changed.
    pub(super) digest: u64,
}

impl Look {
    /// Reads a file, or each file of a folder. Entries of a folder that are no files, and those
    /// with a name that begins with a dot, are left out; folders in it are not looked into.
    ///
    /// # Errors
    /// [`FetchError::File`], which names the file that could not be read, or [`FetchError::TooLarge`].
    pub(super) fn at(path: &Path) -> Result<Self, FetchError> {
        read(path)
    }

    /// The metadata are from before the content: what is written in between makes another look.
    fn of(files: &[PathBuf]) -> Result<Self, FetchError> {
        let mut digest = DefaultHasher::new();
        for path in files {
            let metadata = fs::metadata(path).map_err(|error| at(path, error))?;
            (metadata.len(), metadata.modified().ok()).hash(&mut digest);
        }
        let documents = read_all(files)?;
        documents.hash(&mut digest);
        Ok(Self {
            documents,
            digest: digest.finish(),
        })
    }
}

fn read(path: &Path) -> Result<Look, FetchError> {
    let kind = fs::metadata(path).map_err(|error| at(path, error))?;
    if kind.is_dir() {
        return again_if_vanished(|| read_folder(path));
    }
    if !kind.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "neither a file nor a folder");
        return Err(at(path, error));
    }
    Look::of(&[path.to_owned()])
}

/// Kubernetes swaps what a folder shows by replacing one symbolic link, so that a file may be listed and then gone.
/// A second reading sees the new state.
fn again_if_vanished<T>(mut read: impl FnMut() -> Result<T, FetchError>) -> Result<T, FetchError> {
    match read() {
        Err(FetchError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => read(),
        other => other,
    }
}

fn read_folder(folder: &Path) -> Result<Look, FetchError> {
    let files = list(folder)?;
    if files.is_empty() {
        let error = io::Error::new(io::ErrorKind::NotFound, "no files in the folder");
        return Err(at(folder, error));
    }
    if files.len() > MAX_FILES {
        let error = io::Error::other(format!("more than {MAX_FILES} files in the folder"));
        return Err(at(folder, error));
    }
    Look::of(&files)
}

/// The files of a folder, as many as count and one more.
fn list(folder: &Path) -> Result<Vec<PathBuf>, FetchError> {
    let names = fs::read_dir(folder).and_then(|entries| {
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        names.collect::<io::Result<Vec<_>>>()
    });
    let mut names = names.map_err(|error| at(folder, error))?;
    // Hidden: Kubernetes keeps its versions under names with two dots, and editors their copies under one.
    names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
    names.sort_unstable();
    let mut files = Vec::new();
    for path in names.into_iter().map(|name| folder.join(name)) {
        let kind = fs::metadata(&path).map_err(|error| at(&path, error))?;
        if kind.is_file() {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            break;
        }
    }
    Ok(files)
}

fn read_all(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, FetchError> {
    let mut left = MAX_SIZE;
    let mut contents = Vec::new();
    for path in files {
        let content = read_bounded(path, left).map_err(|error| at(path, error))?;
        let content = content.ok_or(FetchError::TooLarge)?;
        left = left.saturating_sub(content.len());
        contents.push(content);
    }
    Ok(contents)
}

/// The content of a file; `None` where it is longer than `max` bytes. Never reads more than that, whatever the
/// file says of its size.
pub(crate) fn read_bounded(path: &Path, max: usize) -> io::Result<Option<Vec<u8>>> {
    // Opening a pipe may wait for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    fs::File::open(path)?
        .take(limit)
        .read_to_end(&mut content)?;
    Ok((content.len() <= max).then_some(content))
}

/// Whether a file lies below a folder whose name begins with two dots, as in a volume that
/// Kubernetes replaces as a whole.
pub(crate) fn is_in_kubernetes_volume(file: &Path) -> bool {
    let is_version = |part: Component<'_>| matches!(part, Component::Normal(name) if name.as_encoded_bytes().starts_with(b".."));
    fs::canonicalize(file).is_ok_and(|file| file.components().any(is_version))
}

/// A secret without the line break (LF or CRLF) that editors and `echo` put at the end of a text.
/// What is not text is taken as it is.
pub(crate) fn without_line_break(secret: &[u8]) -> &[u8] {
    match secret.strip_suffix(b"\n") {
        Some(line) if std::str::from_utf8(line).is_ok() => line.strip_suffix(b"\r").unwrap_or(line),
        _ => secret,
    }
}

fn at(path: &Path, source: io::Error) -> FetchError {
    FetchError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
