//! gRPC framing: each message comes after a flag byte and four bytes of length.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::message::Unreadable;

/// Length of the prefix of a message, in bytes.
pub(super) const PREFIX: usize = 5;

/// An encoded message, with its prefix.
#[derive(Debug)]
pub(super) struct FramedMessage(Bytes);

impl FramedMessage {
    pub(super) fn new(message: &impl prost::Message) -> Self {
        let length = message.encoded_len();
        let mut framed = BytesMut::with_capacity(PREFIX + length);
        framed.put_slice(&prefix(length));
        // The buffer grows as needed, so encoding cannot fail.
        let _ = message.encode(&mut framed);
        Self(framed.freeze())
    }

    /// The encoded message, without its prefix.
    pub(super) fn message(&self) -> Bytes {
        self.0.slice(PREFIX..)
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Copies an encoded message behind its prefix.
pub(super) fn frame_encoded(message: &[u8]) -> Bytes {
    [&prefix(message.len())[..], message].concat().into()
}

/// The prefix of an uncompressed message of so many bytes.
pub(super) fn prefix(length: usize) -> [u8; PREFIX] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [0, a, b, c, d]
}

/// Reads a prefix. Returns the length of the message and its prefix; `None` until the prefix is
/// complete.
///
/// # Errors
/// [`Unreadable::Malformed`] if the message is compressed or longer than `max` bytes.
pub(super) fn framed_length(received: &[u8], max: usize) -> Result<Option<usize>, Unreadable> {
    let Some([flags, length @ ..]) = received.first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if *flags != 0 || length > max {
        return Err(Unreadable::Malformed);
    }
    Ok(Some(PREFIX + length))
}
