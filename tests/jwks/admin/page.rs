//! One request to the admin listener.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::site::Site;

/// The header that Prometheus sends.
const ACCEPT: &str = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";

/// An answer.
pub(super) struct Page {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

pub(super) async fn get(site: &Site, target: &str) -> Page {
    ask(site, "GET", target).await
}

pub(super) async fn post(site: &Site, target: &str) -> Page {
    ask(site, "POST", target).await
}

async fn ask(site: &Site, method: &str, target: &str) -> Page {
    let address = site.app.admin_address().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\n{ACCEPT}connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    Page::parse(&answer)
}

impl Page {
    /// The first header of this name, which is in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.parse().unwrap(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }
}
