//! A client that sends requests byte for byte: names in any case, repeated headers, bytes that are
//! not text. An HTTP library would normalise all of it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::upstream::REQUEST_ID;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A number that no other request of this process has.
pub(crate) fn fresh_number() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("n{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// A GET request, until it is sent.
#[derive(Clone)]
pub(crate) struct Ask {
    target: Vec<u8>,
    host: Vec<u8>,
    connection: &'static str,
    headers: Vec<u8>,
}

impl Ask {
    pub(crate) fn get(target: impl AsRef<[u8]>) -> Self {
        Self {
            target: target.as_ref().to_vec(),
            host: b"shop.example".to_vec(),
            connection: "close",
            headers: Vec::new(),
        }
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), b": ", value.as_ref(), b"\r\n"] {
            self.headers.extend_from_slice(part);
        }
        self
    }

    pub(crate) fn host(mut self, host: impl AsRef<[u8]>) -> Self {
        self.host = host.as_ref().to_vec();
        self
    }

    /// A `Connection` header that names a header as hop-by-hop.
    pub(crate) fn connection(mut self, value: &'static str) -> Self {
        self.connection = value;
        self
    }

    pub(crate) async fn send(&self, to: SocketAddr, number: &str) -> Reply {
        let sent = async {
            let mut stream = TcpStream::connect(to).await?;
            stream.write_all(&self.bytes(number)).await?;
            let mut answer = Vec::new();
            // Not to the end of the stream: Envoy keeps it open for a second after a request that
            // it cannot parse.
            loop {
                match Reply::parse(&answer) {
                    Some(reply) => return std::io::Result::Ok(reply),
                    None if stream.read_buf(&mut answer).await? == 0 => {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    None => {}
                }
            }
        };
        timeout(TIMEOUT, sent)
            .await
            .expect("an answer in time")
            .expect("an answer")
    }

    fn bytes(&self, number: &str) -> Vec<u8> {
        let connection = self.connection.as_bytes();
        let lines: [&[u8]; 11] = [
            b"GET ",
            &self.target,
            b" HTTP/1.1\r\nhost: ",
            &self.host,
            b"\r\nconnection: ",
            connection,
            b"\r\n",
            REQUEST_ID.as_bytes(),
            b": ",
            number.as_bytes(),
            b"\r\n",
        ];
        [lines.concat().as_slice(), &self.headers, b"\r\n"].concat()
    }
}

/// The response that the client got.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// `None` as long as something is missing.
    fn parse(answer: &[u8]) -> Option<Self> {
        let answer = String::from_utf8_lossy(answer);
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .expect("a status line");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let reply = Self {
            status,
            headers,
            body: body.to_owned(),
        };
        let length: usize = reply
            .header("content-length")
            .expect("a length")
            .parse()
            .expect("a length");
        (body.len() >= length).then_some(reply)
    }

    /// The value of the only header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        first
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
