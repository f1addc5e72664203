//! The files that a fetch is made with: certificates, keys and credentials.
//!
//! Only regular files are opened, since opening a pipe may wait for ever.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::jwks::FetchError;

/// Reads a file of at most this many bytes. What was read is wiped from memory when it is dropped.
pub(super) fn read(path: &Path, limit: u32) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    let read = || {
        if !fs::metadata(path)?.is_file() {
            return Err(Error::new(ErrorKind::InvalidInput, "not a regular file"));
        }
        let mut content = Zeroizing::new(Vec::new());
        let limit = u64::from(limit);
        // One byte more tells a file that is too large; it may grow while it is read, so its size is not asked.
        let read = File::open(path)?
            .take(limit.saturating_add(1))
            .read_to_end(&mut content)?;
        if u64::try_from(read).is_ok_and(|read| read <= limit) {
            return Ok(content);
        }
        Err(Error::new(
            ErrorKind::FileTooLarge,
            format!("more than {limit} bytes"),
        ))
    };
    read().map_err(|source| FetchError::File {
        path: path.to_owned(),
        source,
    })
}
