//! JOSE: the compact form, headers, keys, signatures and encryption (RFC 7515 to 7518, 8037, 8812,
//! 9864, 9964).
//!
//! Knows nothing of claims, reads no clock, and follows no reference in a token.

mod algorithm;
mod compact;
mod document;
mod header;
mod heap;
mod json;
mod jwe;
mod jwk;
mod key_set;
mod pem;
mod private_key;
mod public_document;
mod verify;
mod weak_key;

pub use algorithm::Algorithm;
pub use header::JoseHeader;
pub use json::JsonError;
pub use jwe::{
    ContentEncryption, DecryptedContent, DecryptionKey, EncryptionKey, Jwe, JweHeader, KeyAlgorithm,
};
pub use jwk::SkipReason;
pub use key_set::{KeySet, KeySetError, PublishedKey, UnusableKey};
pub use public_document::ExposedKey;
pub use verify::{Jws, VerifiedJws};
pub use weak_key::WeakKey;

pub(crate) use compact::{Compact, JweSegments, JwsSegments, is_token_text};
pub(crate) use header::MAX_HEADER_VALUES;
pub(crate) use heap::{allocated, shared};
pub(crate) use json::{Json, NotText, Number, Object};
pub(crate) use jwe::public_key_set;
pub(crate) use private_key::{
    KeyDescription, NewKey, PrivateKey, PrivateKeyError, PublicKey, ReadKey,
};
pub(crate) use public_document::PublicDocument;

/// The reason for which a token is refused at the JOSE layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum JoseError {
    /// Not a compact JWS or JWE: the segments, the base64url or the header members are wrong.
    #[error("not a well-formed compact token")]
    Malformed,
    #[error("the header is too large")]
    TooLarge,
    /// The algorithm is unknown, not allowed, or does not fit the key that the token names.
    #[error("the algorithm is not allowed")]
    AlgNotAllowed,
    /// The header lists extensions as critical; none is implemented (RFC 7515 §4.1.11).
    #[error("a critical header extension is not supported")]
    CritUnsupported,
    #[error("no key with this kid")]
    KeyNotFound,
    #[error("the signature does not verify")]
    SignatureInvalid,
    /// The same error for every cause, so that it tells nothing to a forger (RFC 7516 §11.5).
    #[error("the token cannot be decrypted")]
    DecryptFailed,
}
