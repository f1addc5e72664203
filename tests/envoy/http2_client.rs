//! An HTTP/2 client that sends one request of its own making, pseudo-headers included: HTTP/2
//! frames and HPACK literals by hand (RFC 9113 §4, §6; RFC 7541 §6.2.2), for bytes that every
//! library refuses to send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const TIMEOUT: Duration = Duration::from_secs(30);
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends these fields on stream 1, as GET unless they have a method. `true`: an answer came,
/// whatever it was; `false`: the stream or the connection was given up.
pub(crate) async fn is_answered(to: SocketAddr, fields: &[(&str, &[u8])]) -> bool {
    let sent = async {
        let mut stream = TcpStream::connect(to).await?;
        stream.write_all(&opening(fields)).await?;
        read_outcome(&mut stream).await
    };
    // A connection that is closed half-way through a frame was given up as well.
    timeout(TIMEOUT, sent)
        .await
        .expect("an end in time")
        .unwrap_or(false)
}

fn opening(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let usual: [(&str, &[u8]); 2] = [(":method", b"GET"), (":scheme", b"http")];
    let given = |name: &str| fields.iter().any(|(other, _)| *other == name);
    let block: Vec<u8> = usual
        .iter()
        .filter(|(name, _)| !given(name))
        .chain(fields)
        .flat_map(|(name, value)| literal(name.as_bytes(), value))
        .collect();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block));
    bytes
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [.., high, middle, low] = payload.len().to_be_bytes();
    [&[high, middle, low, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A field that is neither indexed nor Huffman-coded.
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    [
        &[0][..],
        &length(name.len()),
        name,
        &length(value.len()),
        value,
    ]
    .concat()
}

/// RFC 7541 §5.1 with a prefix of seven bits.
fn length(mut rest: usize) -> Vec<u8> {
    let byte = |number: usize| u8::try_from(number).expect("a byte");
    if rest < 127 {
        return vec![byte(rest)];
    }
    let mut bytes = vec![127];
    rest -= 127;
    while rest >= 128 {
        bytes.push(byte(rest % 128) | 128);
        rest /= 128;
    }
    bytes.push(byte(rest));
    bytes
}

async fn read_outcome(stream: &mut TcpStream) -> std::io::Result<bool> {
    const RST_STREAM: u8 = 3;
    const GOAWAY: u8 = 7;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [high, middle, low, kind, flags, ..] = head;
        let mut payload =
            vec![0; usize::try_from(u32::from_be_bytes([0, high, middle, low])).expect("24 bits")];
        stream.read_exact(&mut payload).await?;
        match kind {
            HEADERS | DATA if flags & END_STREAM != 0 => return Ok(true),
            RST_STREAM | GOAWAY => return Ok(false),
            _ => {}
        }
    }
}
