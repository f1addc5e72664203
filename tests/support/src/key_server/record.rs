//! The events at a key server, and waiting for them.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;

use super::deadline::within;

/// Longest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: Option<String>,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    pub with_client_certificate: bool,
}

impl Request {
    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The next request of a connection; `None` where the client left instead.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert!(head.len() < MAX_HEAD, "a request without an end");
            if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                return None;
            }
        }
        Some(Self::parse(&String::from_utf8_lossy(&head)))
    }

    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let headers = lines.filter_map(|line| line.split_once(':'));
        Self {
            method,
            path: path.to_owned(),
            query,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            with_client_certificate: false,
        }
    }
}

/// All events so far.
#[derive(Default)]
pub struct Events {
    pub connections: usize,
    pub failed_handshakes: usize,
    pub requests: Vec<Request>,
    pub completed: usize,
    pub abandoned: usize,
}

impl Events {
    pub fn connections(&self) -> usize {
        self.connections
    }

    pub fn failed_handshakes(&self) -> usize {
        self.failed_handshakes
    }

    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    pub fn requests_at(&self, path: &str) -> usize {
        let requests = self.requests.iter();
        requests.filter(|request| request.path == path).count()
    }

    pub fn completed(&self) -> usize {
        self.completed
    }

    pub fn abandoned(&self) -> usize {
        self.abandoned
    }
}

/// The events, for everybody who waits for one.
#[derive(Default)]
pub struct Record(watch::Sender<Events>);

impl Record {
    pub fn add(&self, change: impl FnOnce(&mut Events)) {
        self.0.send_modify(change);
    }

    pub fn read<T>(&self, read: impl FnOnce(&Events) -> T) -> T {
        read(&self.0.borrow())
    }

    /// Waits until the count reaches a number.
    pub async fn reaches(
        &self,
        limit: Duration,
        wanted: usize,
        what: &str,
        count: impl Fn(&Events) -> usize,
    ) {
        let mut events = self.0.subscribe();
        let reached = events.wait_for(|events| count(events) >= wanted);
        if within(limit, reached).await.is_none() {
            let came = self.read(&count);
            panic!("waited {limit:?} for {wanted} {what}, and there are {came}");
        }
    }
}
