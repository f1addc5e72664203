//! HTTP/2 by hand (RFC 9113, RFC 7541): connections that no client library would make.
//!
//! Header blocks are written as literals and never read: what counts here is whether a stream
//! brings a message, ends, or is reset.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
/// Longest wait for the server to take more data.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One connection, with what has arrived on its streams.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// The server's settings by their numbers.
    pub settings: BTreeMap<u16, u32>,
    pub replies: BTreeMap<u32, Reply>,
    /// The server has sent GOAWAY, or has closed the connection.
    pub going_away: bool,
    pub closed: bool,
    /// False to leave the server's pings unanswered.
    pub answers_pings: bool,
    /// Bytes of data that the server still accepts on the connection.
    window: usize,
}

/// The answer on a stream, as far as it has arrived.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub data: Vec<u8>,
    pub ended: bool,
    pub reset: Option<u32>,
}

impl Reply {
    /// The message without its gRPC prefix; `None` where there is none.
    pub fn message(&self) -> Option<&[u8]> {
        self.data.get(5..)
    }

    pub fn is_over(&self) -> bool {
        self.ended || self.reset.is_some()
    }
}

impl Connection {
    /// Connects and says which settings hold for the server.
    pub fn open(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        let mut connection = Self {
            stream,
            received: Vec::new(),
            settings: BTreeMap::new(),
            replies: BTreeMap::new(),
            going_away: false,
            closed: false,
            answers_pings: true,
            window: 65_535,
        };
        connection.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let pairs = settings
            .iter()
            .map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat());
        connection.frame(SETTINGS, 0, 0, &pairs.collect::<Vec<_>>().concat());
        connection
    }

    /// Makes a whole call. Returns the reply once the call is over, or as it is after this time.
    pub fn call(
        &mut self,
        stream: u32,
        path: &str,
        more: &[(&str, &str)],
        message: &[u8],
        wait: Duration,
    ) -> Reply {
        self.start(stream, path, more);
        self.frame(DATA, END_STREAM, stream, &framed(0, message));
        self.read_until(wait, |connection| connection.reply(stream).is_over());
        self.reply(stream)
    }

    /// The headers of a call, with its body still to come.
    pub fn start(&mut self, stream: u32, path: &str, more: &[(&str, &str)]) {
        let block = header_block(path, more);
        self.frame(HEADERS, END_HEADERS, stream, &block);
    }

    /// Sends a frame. Data that is longer than every server must accept is split into several
    /// frames.
    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        if kind == DATA && payload.len() > 16_384 {
            let (first, rest) = payload.split_at(16_384);
            self.frame(kind, flags & !END_STREAM, stream, first);
            return self.frame(kind, flags, stream, rest);
        }
        if kind == DATA {
            let length = payload.len();
            self.read_until(TIMEOUT, |connection| connection.window >= length);
            self.window = self.window.saturating_sub(length);
        }
        let length = u32::try_from(payload.len())
            .expect("a short frame")
            .to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.write(&[head.as_slice(), payload].concat());
    }

    /// True when all these streams have ended or were reset.
    pub fn are_over(&self, streams: &[u32]) -> bool {
        let is_over = |stream: &u32| self.replies.get(stream).is_some_and(Reply::is_over);
        streams.iter().rev().all(is_over)
    }

    pub fn reply(&self, stream: u32) -> Reply {
        self.replies.get(&stream).cloned().unwrap_or_default()
    }

    /// Reads until the condition holds, the server hangs up, or the time is over. True if the
    /// condition holds.
    pub fn read_until(&mut self, wait: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + wait;
        while !condition(self) && !self.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.stream.set_read_timeout(Some(left)).expect("a timeout");
            let mut chunk = [0; 16_384];
            match self.stream.read(&mut chunk) {
                Ok(0) => self.closed = true,
                Ok(read) => self.received.extend_from_slice(&chunk[..read]),
                Err(error) if is_timeout(&error) => return condition(self),
                Err(_) => self.closed = true,
            }
            self.take_frames();
        }
        condition(self)
    }

    /// Writing to a server that has hung up fails; the reader notices the end.
    fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    fn take_frames(&mut self) {
        while let Some(head) = self.received.first_chunk::<9>().copied() {
            let length =
                usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            if self.received.len() < 9 + length {
                return;
            }
            let payload: Vec<u8> = self.received.drain(..9 + length).skip(9).collect();
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            self.take(head[3], head[4], stream, &payload);
        }
    }

    fn take(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        match kind {
            DATA | HEADERS => {
                let reply = self.replies.entry(stream).or_default();
                if kind == DATA {
                    reply.data.extend_from_slice(payload);
                }
                reply.ended |= flags & END_STREAM != 0;
                if kind == DATA && !payload.is_empty() {
                    // The server may send as much again, on the connection and on the stream.
                    let length = u32::try_from(payload.len()).expect("a short frame");
                    self.frame(WINDOW_UPDATE, 0, 0, &length.to_be_bytes());
                    self.frame(WINDOW_UPDATE, 0, stream, &length.to_be_bytes());
                }
            }
            RST_STREAM => self.replies.entry(stream).or_default().reset = Some(number(payload)),
            SETTINGS if flags & ACK == 0 => {
                for pair in payload.chunks_exact(6) {
                    self.settings
                        .insert(u16::from_be_bytes([pair[0], pair[1]]), number(&pair[2..]));
                }
                self.frame(SETTINGS, ACK, 0, &[]);
            }
            PING if flags & ACK == 0 && self.answers_pings => self.frame(PING, ACK, 0, payload),
            WINDOW_UPDATE if stream == 0 => self.window += number(payload) as usize,
            GOAWAY => self.going_away = true,
            _ => {}
        }
    }
}

pub fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// A message in gRPC framing, with this flag byte.
pub fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len())
        .expect("a short message")
        .to_be_bytes();
    [&[flag], &length[..], message].concat()
}

/// The headers of a gRPC call.
pub fn header_block(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let usual = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "watchword"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    usual
        .iter()
        .chain(more)
        .flat_map(|(name, value)| literal(0, name, value))
        .collect()
}

/// A literal field with a new name; `form` is 0 for "without indexing" and 0x40 for "with" (RFC
/// 7541 §6.2).
pub fn literal(form: u8, name: &str, value: &str) -> Vec<u8> {
    [&[form], text(name).as_slice(), &text(value)].concat()
}

/// A string literal without Huffman code (RFC 7541 §5.1, §5.2).
pub fn text(text: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut length = text.len();
    if length < 127 {
        encoded.push(length as u8);
    } else {
        encoded.push(127);
        length -= 127;
        while length >= 128 {
            encoded.push((length % 128) as u8 | 128);
            length /= 128;
        }
        encoded.push(length as u8);
    }
    encoded.extend_from_slice(text.as_bytes());
    encoded
}
