//! Compressed content (`zip: DEF`, RFC 7516 §4.1.3), inflated with a hard bound.

use miniz_oxide::inflate::{TINFLStatus, decompress_slice_iter_to_slice};
use zeroize::Zeroizing;

use crate::jose::JoseError;

/// Inflates DEFLATE (RFC 1951) to at most `max_content` bytes. Allocates all of them at once, since
/// growing memory would leave copies of the content.
///
/// The content is authentic here, so the errors tell nothing to a forger.
pub(super) fn inflate(content: &[u8], max_content: usize) -> Result<Zeroizing<Vec<u8>>, JoseError> {
    let mut inflated = Zeroizing::new(vec![0; max_content]);
    let source = std::iter::once(content);
    match decompress_slice_iter_to_slice(&mut inflated, source, false, true) {
        Ok(length) => {
            inflated.truncate(length);
            Ok(inflated)
        }
        Err(TINFLStatus::HasMoreOutput) => Err(JoseError::TooLarge),
        Err(_) => Err(JoseError::DecryptFailed),
    }
}
