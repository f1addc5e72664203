//! Connections that do little or nothing, in great numbers.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::connection::Connection;
use crate::crowd::crowd;
use crate::frames::{Block, DATA, MAX_FRAME, PREFACE, frame};
use crate::target::{Held, Target};
use crate::windows::Reading;

/// The beginning of a TLS record with a client hello of 16 KiB (RFC 8446 §5.1).
const HELLO: &[u8] = &[22, 3, 1, 64, 0, 1, 0, 63, 252, 3, 3];

/// Connections that have begun HTTP/2 and are quiet then.
pub(crate) async fn idle(target: Target, connections: usize) -> Held {
    let size = target.share(connections);
    let attack = async |connection: Connection| -> io::Result<Connection> { Ok(connection) };
    crowd(&target, size, Reading::All, &[], move |connection| {
        attack(connection)
    })
    .await
}

/// Connections that have said nothing but these bytes.
pub(crate) async fn silent(target: Target, connections: usize, bytes: &'static [u8]) -> Held {
    let mut held = Vec::new();
    for _ in 0..target.share(connections) {
        match begun(&target, bytes).await {
            Ok(stream) => held.push(stream),
            Err(_) => target.note_failed(),
        }
        if target.is_over() {
            break;
        }
    }
    Held::new(held)
}

/// Half of the preface.
pub(crate) async fn half_a_preface(target: Target, connections: usize) -> Held {
    silent(target, connections, PREFACE.split_at(12).0).await
}

/// The beginning of a TLS handshake.
pub(crate) async fn half_a_handshake(target: Target, connections: usize) -> Held {
    silent(target, connections, HELLO).await
}

/// Handshakes that lack the end of a client hello of 63 KiB, which comes in four records.
pub(crate) async fn most_of_a_handshake(target: Target, connections: usize) -> Held {
    // The message begins in the first record: client hello, 63 KiB.
    let mut records = vec![22, 3, 1, 64, 0, 1, 0, 252, 0, 3, 3];
    records.resize(5 + MAX_FRAME, 0);
    for _ in 0..2 {
        records.extend([22, 3, 1, 64, 0]);
        records.resize(records.len() + MAX_FRAME, 0);
    }
    silent(target, connections, records.leak()).await
}

/// TLS records that lack their last byte.
pub(crate) async fn most_of_a_record(target: Target, connections: usize) -> Held {
    let mut record = vec![23, 3, 3, 64, 0];
    record.resize(4 + MAX_FRAME, 0);
    let mut held = Vec::new();
    for _ in 0..target.share(connections) {
        if let Ok(mut stream) = target.dial_tls().await {
            let (tcp, _) = stream.get_mut();
            if tcp.write_all(&record).await.is_err() {
                target.note_failed();
            }
            target.note_sent(record.len());
            held.push(stream);
        }
        if target.is_over() {
            break;
        }
    }
    Held::new(held)
}

/// Frames of the largest size that lack their last byte.
pub(crate) async fn most_of_a_frame(target: Target, connections: usize) -> Held {
    let size = target.share(connections);
    crowd(
        &target,
        size,
        Reading::All,
        &[],
        move |mut connection| async move {
            let stream = connection.begin(&Block::call("/a/b").0).await?;
            let whole = frame(DATA, 0, stream, &[0; MAX_FRAME]);
            connection.write(&whole[..whole.len() - 1]).await?;
            Ok(connection)
        },
    )
    .await
}

async fn begun(target: &Target, bytes: &[u8]) -> io::Result<TcpStream> {
    let mut stream = target.dial_plain().await?;
    stream.write_all(bytes).await?;
    target.note_sent(bytes.len());
    Ok(stream)
}

/// Connections that are closed as soon as they are open.
pub(crate) async fn fleeting(target: Target, connections: usize) -> Held {
    for _ in 0..target.share(connections) {
        if let Ok(mut stream) = target.dial_plain().await {
            let _ = stream.write_all(PREFACE).await;
            target.note_sent(PREFACE.len());
        }
        if target.is_over() {
            break;
        }
    }
    Held::default()
}

/// The same, reset instead of closed, each with a call on its way.
pub(crate) async fn fleeting_calls(target: Target, connections: usize) -> Held {
    let size = target.share(connections);
    let attack = async |mut connection: Connection| -> io::Result<Connection> {
        connection.begin(&Block::call("/a/b").0).await?;
        Err(io::ErrorKind::Other.into())
    };
    crowd(&target, size, Reading::All, &[], move |connection| {
        attack(connection)
    })
    .await
}

/// On each connection one call, with this much of a message, never ended.
pub(crate) async fn one_call(
    target: Target,
    path: &'static str,
    connections: usize,
    bytes: usize,
) -> Held {
    let size = target.share(connections);
    crowd(
        &target,
        size,
        Reading::All,
        &[],
        move |mut connection| async move {
            let stream = connection.begin(&Block::call(path).0).await?;
            let body = vec![0; bytes];
            connection.data(stream, &body, false).await?;
            Ok(connection)
        },
    )
    .await
}

/// Bytes of another protocol, in one long line.
pub(crate) async fn garbage(target: Target, connections: usize) -> Held {
    let mut held = Vec::new();
    for _ in 0..target.share(connections) {
        let Ok(mut stream) = target.dial_plain().await else {
            target.note_failed();
            continue;
        };
        let line = [b"GET /".as_slice(), &vec![b'a'; 512 * 1024]].concat();
        let write = tokio::time::timeout(Duration::from_secs(1), stream.write_all(&line));
        if !matches!(write.await, Ok(Ok(()))) {
            target.note_failed();
        }
        target.note_sent(line.len());
        held.push(stream);
        if target.is_over() {
            break;
        }
    }
    Held::new(held)
}
