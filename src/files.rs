//! Reads files and streams, bounded in size. A path to a pipe or a device is refused.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

/// Reads a regular file; `None` if it is longer than `max` bytes. Never reads more than that,
/// whatever size the file system reports.
pub(crate) fn read_bounded(path: &Path, max: usize) -> io::Result<Option<Vec<u8>>> {
    read_at_most(open(path)?, max)
}

fn open(path: &Path) -> io::Result<fs::File> {
    // Opening a pipe may block forever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    fs::File::open(path)
}

/// Reads to the end; `None` if there are more than `max` bytes.
pub(crate) fn read_at_most(source: impl Read, max: usize) -> io::Result<Option<Vec<u8>>> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    source.take(limit).read_to_end(&mut content)?;
    Ok((content.len() <= max).then_some(content))
}

/// The memory for a secret's first bytes. Most keys fit.
const FIRST_READ: usize = 4096;

/// The limit of files in a directory.
pub(crate) const MAX_FILES: usize = 64;

/// The path itself if it is a file, or the files of a directory in the order of their names. Leaves
/// out other entries, and names that begin with a dot: Kubernetes keeps its versions under names
/// with two dots, and editors their copies under names with one.
///
/// # Errors
/// The path that cannot be looked at, and why.
pub(crate) fn files_at(path: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    if !fs::metadata(path).map_err(at(path))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let names = fs::read_dir(path).and_then(|entries| {
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        names.collect::<io::Result<Vec<_>>>()
    });
    let mut names = names.map_err(at(path))?;
    names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
    names.sort_unstable();
    let mut files = Vec::new();
    for file in names.into_iter().map(|name| path.join(name)) {
        if fs::metadata(&file).map_err(at(&file))?.is_file() {
            files.push(file);
        }
        if files.len() > MAX_FILES {
            let message = format!("more than {MAX_FILES} files in the directory");
            return Err((path.to_owned(), io::Error::other(message)));
        }
    }
    if files.is_empty() {
        let error = io::Error::new(ErrorKind::NotFound, "no files in the directory");
        return Err((path.to_owned(), error));
    }
    Ok(files)
}

/// Reads a file of at most `max` bytes into memory that is wiped when it is dropped.
pub(crate) fn read_secret(path: &Path, max: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let too_large = || io::Error::new(ErrorKind::FileTooLarge, format!("more than {max} bytes"));
    let content = read_secret_at_most(open(path)?, max)?;
    content.ok_or_else(too_large)
}

/// As [`read_at_most`], into memory that is wiped when it is dropped, and when it is outgrown.
pub(crate) fn read_secret_at_most(
    mut source: impl Read,
    max: usize,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut content = Zeroizing::new(vec![0; FIRST_READ]);
    let mut length = 0;
    while length <= max {
        if length == content.len() {
            let mut larger = Zeroizing::new(vec![0; 2 * length]);
            let (start, _) = larger.split_at_mut(length);
            start.copy_from_slice(&content);
            content = larger;
        }
        match source.read(content.get_mut(length..).unwrap_or_default()) {
            Ok(0) => {
                content.truncate(length);
                return Ok(Some(content));
            }
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Returns true if a file lies below a directory whose name begins with two dots, as in a volume
/// that Kubernetes replaces as a whole.
pub(crate) fn is_in_kubernetes_volume(file: &Path) -> bool {
    let is_version = |part: Component<'_>| match part {
        Component::Normal(name) => name.as_encoded_bytes().starts_with(b".."),
        _ => false,
    };
    fs::canonicalize(file).is_ok_and(|file| file.components().any(is_version))
}

/// Removes the line end (LF or CRLF) that editors and `echo` append to a secret. Bytes that are not
/// text are returned unchanged.
pub(crate) fn without_line_end(secret: &[u8]) -> &[u8] {
    match secret.strip_suffix(b"\n") {
        Some(line) if std::str::from_utf8(line).is_ok() => line.strip_suffix(b"\r").unwrap_or(line),
        _ => secret,
    }
}

#[cfg(test)]
mod tests {
    use super::{read_at_most, read_secret_at_most};

    #[test]
    fn a_secret_is_read_as_anything_else_is() {
        for length in [0, 1, 4095, 4096, 4097, 9000, 16_384, 20_000] {
            let content = vec![7; length];
            for max in [0, 4095, 4096, 9000, 16_384] {
                let secret = read_secret_at_most(&*content, max).unwrap();
                let secret = secret.map(|secret| secret.to_vec());
                assert_eq!(
                    secret,
                    read_at_most(&*content, max).unwrap(),
                    "{length}, {max}"
                );
            }
        }
    }
}
