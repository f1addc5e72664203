//! Keys on disk: one file, or the files of a folder, bounded in number and size.
//!
//! Only regular files are opened, since opening a pipe may wait for ever.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use super::FetchError;
use crate::files::read_bounded;

/// Most bytes of one source, all files together.
pub(super) const MAX_SIZE: usize = 1024 * 1024;
const MAX_FILES: usize = 64;

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
    let files = list(folder)?;
    if files.is_empty() {
        let error = io::Error::new(io::ErrorKind::NotFound, "no files in the folder");
        return Err(FetchError::file(folder, error));
    }
    if files.len() > MAX_FILES {
        let error = io::Error::other(format!("more than {MAX_FILES} files in the folder"));
        return Err(FetchError::file(folder, error));
    }
    FilesContent::of(&files)
}

/// The files of a folder, as many as count and one more.
fn list(folder: &Path) -> Result<Vec<PathBuf>, FetchError> {
    let names = fs::read_dir(folder).and_then(|entries| {
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        names.collect::<io::Result<Vec<_>>>()
    });
    let mut names = names.map_err(|error| FetchError::file(folder, error))?;
    // Hidden: Kubernetes keeps its versions under names with two dots, and editors their copies
    // under one.
    names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
    names.sort_unstable();
    let mut files = Vec::new();
    for path in names.into_iter().map(|name| folder.join(name)) {
        let kind = fs::metadata(&path).map_err(|error| FetchError::file(&path, error))?;
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
        let content = read_bounded(path, left).map_err(|error| FetchError::file(path, error))?;
        let content = content.ok_or(FetchError::TooLarge)?;
        left = left.saturating_sub(content.len());
        contents.push(content);
    }
    Ok(contents)
}

#[cfg(test)]
mod tests;
