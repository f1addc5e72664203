//! The two ends of a request: a client that speaks TLS to Envoy, and the upstream behind it.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Stream};
use watchword_test_support::pki;

use super::objects::HOST;

/// A request that hangs is an error. A slow machine needs far less.
const LIMIT: Duration = Duration::from_secs(60);

/// The answer that only the upstream sends.
const UPSTREAM: &str = "x-of-the-upstream";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) is_of_upstream: bool,
}

/// # Errors
/// No connection, no TLS, or no answer: Envoy has no such listener yet.
pub(super) fn get(to: SocketAddr, path: &str, token: Option<&str>) -> io::Result<HttpAnswer> {
    let name = ServerName::try_from(HOST).map_err(io::Error::other)?;
    let mut tls =
        ClientConnection::new(Arc::new(pki::client_config()), name).map_err(io::Error::other)?;
    let mut tcp = TcpStream::connect(to)?;
    tcp.set_read_timeout(Some(LIMIT))?;
    let mut stream = Stream::new(&mut tls, &mut tcp);
    let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let bearer = bearer.unwrap_or_default();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{bearer}\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // Envoy may close without telling TLS so.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        _ => {}
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok(HttpAnswer {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        is_of_upstream: answer.contains(UPSTREAM),
    })
}

/// Answers every connection on a port of this address until the process ends. Returns the port.
pub(super) fn upstream(address: IpAddr) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(answer);
        }
    });
    port
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&part[..length]),
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n";
    write!(stream, "{head}{UPSTREAM}: yes\r\n\r\n")
}
