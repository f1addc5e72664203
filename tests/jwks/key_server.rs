//! A key server on loopback that answers as it is told.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the server answers.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A status line with further header lines, and a body.
    Http(&'static str, String),
    /// Close the connection without a word.
    Drop,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::new("200 OK", body)
    }

    pub(crate) fn new(status: &'static str, body: impl Into<String>) -> Self {
        Self::Http(status, body.into())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(status, body) => write!(f, "{status} {}", &body[..body.len().min(40)]),
            Self::Drop => f.write_str("closed connection"),
        }
    }
}

/// A running key server.
pub(crate) struct KeyServer {
    pub(crate) uri: String,
    reply: Arc<Mutex<Reply>>,
    served: watch::Receiver<usize>,
}

impl KeyServer {
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/keys", listener.local_addr().unwrap());
        let reply = Arc::new(Mutex::new(reply));
        let (sender, served) = watch::channel(0);
        let current = reply.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let reply = current.lock().unwrap().clone();
                answer(stream, reply).await;
                sender.send_modify(|served| *served += 1);
            }
        });
        Self { uri, reply, served }
    }

    /// Answers like this from now on.
    pub(crate) fn reply(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    /// How many requests were answered.
    pub(crate) fn served(&self) -> usize {
        *self.served.borrow()
    }

    /// Waits until two more requests were answered: the first may have been under way with the reply before.
    pub(crate) async fn served_twice_more(&self) {
        let wanted = self.served() + 2;
        self.served
            .clone()
            .wait_for(|served| *served >= wanted)
            .await
            .unwrap();
    }
}

async fn answer(mut stream: TcpStream, reply: Reply) {
    let Reply::Http(status, body) = reply else {
        return;
    };
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            return;
        }
        request.push(byte[0]);
    }
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // A client that has seen enough may close the connection.
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = stream.shutdown().await;
}
