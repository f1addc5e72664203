//! HTTP/2 frames and HPACK fields as bytes (RFC 9113, RFC 7541), with everything that a client
//! library would refuse to write.

use watchword_test_support::http2::{literal, text};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// The same bit means `ACK` in some frames and `END_STREAM` in others.
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

/// Identifiers of settings.
pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// The longest payload that a server must take.
pub(crate) const MAX_FRAME: usize = 16_384;
/// The HPACK index of the field that was added last.
pub(crate) const NEWEST: u8 = 62;
/// The client's first words.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame");
    let [_, length @ ..] = length.to_be_bytes();
    let mut frame = Vec::with_capacity(9 + payload.len());
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A SETTINGS frame.
pub(crate) fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let pairs = settings
        .iter()
        .map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(SETTINGS, 0, 0, &pairs.collect::<Vec<_>>().concat())
}

/// A header block in one HEADERS frame and as many CONTINUATION frames as it takes.
pub(crate) fn headers(stream: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    let mut pieces = block.chunks(MAX_FRAME).peekable();
    let (mut kind, mut flags, mut frames) = (HEADERS, flags, Vec::new());
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            flags |= END_HEADERS;
        }
        frames.extend(frame(kind, flags, stream, piece));
        (kind, flags) = (CONTINUATION, 0);
    }
    frames
}

/// A message in gRPC framing.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

/// A header block.
#[derive(Clone, Default)]
pub(crate) struct Block(pub(crate) Vec<u8>);

impl Block {
    /// The fields of a gRPC call, without a trace in the dynamic table.
    pub(crate) fn call(path: &str) -> Self {
        // :method POST, :scheme http, then a literal of an indexed name: :path, :authority,
        // content-type.
        let mut block = vec![0x83, 0x86, 0x04];
        block.extend(text(path));
        block.push(0x01);
        block.extend(text("watchword"));
        block.extend([0x0f, 0x10]);
        block.extend(text("application/grpc"));
        Self(block).field("te", "trailers")
    }

    /// A literal that is not added to the dynamic table (RFC 7541 §6.2.2).
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.0.extend(literal(0, name, value));
        self
    }

    /// A literal that is added to the dynamic table (RFC 7541 §6.2.1).
    pub(crate) fn added(mut self, name: &str, value: &str) -> Self {
        self.0.extend(literal(0x40, name, value));
        self
    }

    /// One byte for each of so many fields (RFC 7541 §6.1).
    pub(crate) fn indexed(mut self, index: u8, times: usize) -> Self {
        self.0.extend(std::iter::repeat_n(0x80 | index, times));
        self
    }
}
