//! Compressed content (`zip: DEF`, RFC 7516 §4.1.3), inflated with a hard bound.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use zeroize::Zeroizing;

use crate::jose::JoseError;

/// Inflates DEFLATE (RFC 1951) to at most so many bytes.
///
/// The content is authentic here, so the errors tell nothing to a forger.
pub(super) fn inflate(content: &[u8], most: usize) -> Result<Zeroizing<Vec<u8>>, JoseError> {
    let inflated = decompress_to_vec_with_limit(content, most);
    inflated
        .map(Zeroizing::new)
        .map_err(|error| match error.status {
            TINFLStatus::HasMoreOutput => JoseError::TooLarge,
            _ => JoseError::DecryptFailed,
        })
}
