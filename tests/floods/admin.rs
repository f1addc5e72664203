//! The admin port: HTTP/1.1 of 32 connections at a time.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::target::{Held, Target};

/// As many as the port takes.
const CONNECTIONS: usize = 32;

/// The bytes that are sent on each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request {
    /// 380 KiB of headers, and no end.
    LargeHeaders,
    /// A byte every 100 ms.
    Slow,
    /// Nothing at all.
    Silent,
    /// `/metrics`, again and again, which is never read.
    Metrics,
    /// A body that does not end.
    Body,
}

/// Connections that are made again as soon as the server ends them.
pub(crate) async fn requests(target: Target, request: Request) -> Held {
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let target = target.clone();
        connections.spawn(async move {
            while !target.is_over() {
                if let Ok(mut stream) = target.dial_admin().await
                    && send(&target, &mut stream, request).await.is_err()
                {
                    target.note_failed();
                }
            }
        });
    }
    connections.join_all().await;
    Held::default()
}

async fn send(target: &Target, stream: &mut TcpStream, request: Request) -> io::Result<()> {
    let head = match request {
        Request::LargeHeaders => {
            let line = format!("x-long: {}\r\n", "v".repeat(7_600));
            format!("GET /livez HTTP/1.1\r\nhost: a\r\n{}", line.repeat(50))
        }
        Request::Slow | Request::Silent => String::new(),
        Request::Metrics => "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        Request::Body => {
            "POST /jwks/refresh HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n".to_owned()
        }
    };
    put(target, stream, head.as_bytes()).await?;
    match request {
        Request::Slow => {
            for byte in "GET /livez HTTP/1.1\r\nhost: abcdefghijkl".bytes() {
                put(target, stream, &[byte]).await?;
                sleep(Duration::from_millis(100)).await;
            }
        }
        Request::Body => {
            while !target.is_over() {
                put(target, stream, &[0; 16 * 1024]).await?;
            }
        }
        Request::Metrics => sleep(Duration::from_millis(50)).await,
        Request::LargeHeaders | Request::Silent => {
            let _ = timeout(Duration::from_secs(6), stream.readable()).await;
        }
    }
    Ok(())
}

async fn put(target: &Target, stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    timeout(Duration::from_secs(6), stream.write_all(bytes)).await??;
    target.note_sent(bytes.len());
    Ok(())
}
