//! The files that a fetch is made with: certificates, keys and credentials.

use std::io::{Error, ErrorKind};
use std::path::Path;

use zeroize::Zeroizing;

use crate::files::read_bounded;
use crate::jwks::FetchError;

/// Reads a file of at most this many bytes. What was read is wiped from memory when it is dropped.
pub(super) fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    let content = read_bounded(path, limit).and_then(|content| {
        let too_large = || Error::new(ErrorKind::FileTooLarge, format!("more than {limit} bytes"));
        content.ok_or_else(too_large)
    });
    content
        .map(Zeroizing::new)
        .map_err(|source| FetchError::File {
            path: path.to_owned(),
            source,
        })
}
