//! Sends a reply, up to the point at which it goes wrong.

use std::io;

use http::StatusCode;
use tokio::io::AsyncWriteExt as _;

use super::reply::{Delivery, Reply};
use super::signals::SignalReceiver;
use super::state::State;
use super::transport::{self, Wire};

/// The end of the connection after an answer.
pub(super) enum Ending {
    KeepAlive,
    /// TLS and TCP are ended in order.
    Orderly,
    /// TCP is ended, TLS is not.
    Abrupt,
    Reset,
}

/// # Errors
/// The client left before it had its answer.
pub(super) async fn send(
    wire: &mut impl Wire,
    state: &State,
    path: &str,
    signals: &mut SignalReceiver,
) -> io::Result<Ending> {
    let mut reply = state.reply_to(path);
    if reply.held {
        unless_gone(wire, signals.released()).await?;
        reply = state.reply_to(path);
    }
    let body = reply.body.as_bytes();
    match reply.delivery {
        Delivery::HangUp => return Ok(Ending::Abrupt),
        Delivery::Raw => {
            say(wire, body).await?;
            return Ok(Ending::Abrupt);
        }
        _ => say(wire, head(&reply).as_bytes()).await?,
    }
    match reply.delivery {
        Delivery::Cut(bytes) | Delivery::Reset(bytes) => say(wire, &body[..bytes]).await?,
        Delivery::Dripped => drip(wire, body, signals).await?,
        Delivery::Endless => endless(wire, body).await?,
        Delivery::Withheld => {
            unless_gone(wire, signals.released()).await?;
            say(wire, body).await?;
        }
        _ => say(wire, body).await?,
    }
    Ok(match reply.delivery {
        Delivery::Reset(_) => Ending::Reset,
        Delivery::Declaring(_) | Delivery::Cut(_) => Ending::Orderly,
        _ if reply.keep_alive => Ending::KeepAlive,
        _ => Ending::Orderly,
    })
}

fn head(reply: &Reply) -> String {
    let mut lines = vec![format!("HTTP/1.1 {}", reply.status)];
    let headers = reply.headers.iter();
    lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
    match (reply.delivery, reply.status) {
        // RFC 9110 §8.6: 204 must have no length, and 304 may only have that of another answer.
        (_, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => {}
        (Delivery::Endless, _) => lines.push("transfer-encoding: chunked".to_owned()),
        (Delivery::Declaring(bytes), _) => lines.push(format!("content-length: {bytes}")),
        _ => lines.push(format!("content-length: {}", reply.body.len())),
    }
    if !reply.keep_alive {
        lines.push("connection: close".to_owned());
    }
    lines.join("\r\n") + "\r\n\r\n"
}

async fn say(wire: &mut impl Wire, bytes: &[u8]) -> io::Result<()> {
    wire.write_all(bytes).await?;
    wire.flush().await
}

async fn drip(wire: &mut impl Wire, body: &[u8], signals: &mut SignalReceiver) -> io::Result<()> {
    let mut sent = 0;
    while sent < body.len() {
        let due = unless_gone(wire, signals.due(sent, body.len())).await?;
        say(wire, &body[sent..due]).await?;
        sent = due;
    }
    Ok(())
}

/// Ends when the client does, which is an error.
async fn endless(wire: &mut impl Wire, body: &[u8]) -> io::Result<()> {
    let size = format!("{:x}\r\n", body.len());
    let chunk = [size.as_bytes(), body, b"\r\n"].concat();
    loop {
        say(wire, &chunk).await?;
    }
}

async fn unless_gone<T>(wire: &mut impl Wire, wait: impl Future<Output = T>) -> io::Result<T> {
    tokio::select! {
        value = wait => Ok(value),
        () = transport::gone(wire) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
