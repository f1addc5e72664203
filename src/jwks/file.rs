//! Keys on disk: one file, or the files of a folder, bounded in number and size.
//!
//! Only regular files are opened, since opening a pipe may wait for ever.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use super::FetchError;
use crate::files::{files_at, read_bounded};

/// Most bytes of one source, all files together.
pub(super) const MAX_SIZE: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct FilesContent {
    /// In the order of their names.
    pub(super) documents: Vec<Vec<u8>>,
    /// A digest of the content, sizes and modification times. It only tells whether something has
    /// changed.
    pub(super) digest: u64,
}

impl FilesContent {
    /// The metadata are from before the content: what is written in between makes another look.
    fn of(files: &[PathBuf]) -> Result<Self, FetchError> {
        let mut digest = DefaultHasher::new();
        for path in files {
            let metadata = fs::metadata(path).map_err(|error| FetchError::file(path, error))?;
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

/// Reads a file, or each file of a folder. Entries of a folder that are no files, and those with a
/// name that begins with a dot, are left out; folders in it are not looked into.
pub(super) fn read(path: &Path) -> Result<FilesContent, FetchError> {
    let kind = fs::metadata(path).map_err(|error| FetchError::file(path, error))?;
    if kind.is_dir() {
        return again_if_vanished(|| read_folder(path));
    }
    if !kind.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "neither a file nor a folder");
        return Err(FetchError::file(path, error));
    }
    FilesContent::of(&[path.to_owned()])
}

/// Kubernetes swaps what a folder shows by replacing one symbolic link, so that a file may be
/// listed and then gone. A second reading sees the new state.
fn again_if_vanished<T>(mut read: impl FnMut() -> Result<T, FetchError>) -> Result<T, FetchError> {
    match read() {
        Err(FetchError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => read(),
        other => other,
    }
}

fn read_folder(folder: &Path) -> Result<FilesContent, FetchError> {
    let files = files_at(folder).map_err(|(path, error)| FetchError::file(&path, error))?;
    FilesContent::of(&files)
}

fn read_all(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, FetchError> {
    let mut left = MAX_SIZE;
    let mut contents = Vec::new();
    for path in files {
        let content = read_bounded(path, left).map_err(|error| FetchError::file(path, error))?;
        let content = content.ok_or(FetchError::TooLarge)?;
        left = left.saturating_sub(content.len());
        contents.push(content);
    }
    Ok(contents)
}

#[cfg(test)]
mod tests;
