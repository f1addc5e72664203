//! Messages that do not end, or come in the smallest pieces.

use std::io;

use crate::connection::Connection;
use crate::crowd::crowd;
use crate::frames::{Block, DATA, MAX_FRAME, PADDED, frame, headers};
use crate::target::{Held, Target};
use crate::windows::Reading;

/// Calls on one connection, the server's limit.
const STREAMS: usize = 1024;
/// Below what is read without a turn.
const BODY: usize = 60 * 1024;

/// Calls with this much of a message each, never ended.
pub(crate) async fn never_ended(
    target: Target,
    path: &'static str,
    connections: usize,
    bytes: usize,
) -> Held {
    let streams = target.share(STREAMS);
    on_each(target, connections, move |mut connection| async move {
        let block = Block::call(path);
        let mut body = vec![0; bytes];
        // Declares 4 MiB, of which this is all that comes.
        for (place, byte) in body.iter_mut().zip([0, 0, 64, 0, 0]) {
            *place = byte;
        }
        for _ in 0..streams {
            let stream = connection.begin(&block.0).await?;
            connection.data(stream, &body, false).await?;
            if connection.target().is_over() {
                break;
            }
        }
        Ok(connection)
    })
    .await
}

/// Much of many messages.
pub(crate) async fn just_below_large(target: Target, path: &'static str) -> Held {
    never_ended(target, path, 8, BODY).await
}

/// Bodies that grow by so many bytes a frame, on all calls in turn.
pub(crate) async fn trickle(target: Target, path: &'static str, piece: usize) -> Held {
    let (streams, rounds) = (target.share(STREAMS), 40);
    on_each(target, 4, move |mut connection| async move {
        let block = Block::call(path);
        let mut all = Vec::new();
        for _ in 0..streams {
            all.push(connection.begin(&block.0).await?);
        }
        for _ in 0..rounds {
            for stream in &all {
                connection.data(*stream, &vec![0; piece], false).await?;
            }
            if connection.target().is_over() {
                break;
            }
        }
        Ok(connection)
    })
    .await
}

/// DATA frames without data.
pub(crate) async fn empty_frames(target: Target, path: &'static str) -> Held {
    let rounds = target.share(400_000);
    on_each(target, 4, move |mut connection| async move {
        let stream = connection.begin(&Block::call(path).0).await?;
        let empty = frame(DATA, 0, stream, &[]);
        connection.write_many(rounds, |_| empty.clone()).await?;
        Ok(connection)
    })
    .await
}

/// DATA frames of one byte and 255 bytes of padding, as far as the windows go.
pub(crate) async fn padded(target: Target, path: &'static str) -> Held {
    let streams = target.share(STREAMS);
    on_each(target, 8, move |mut connection| async move {
        let payload = [&[254, 0][..], &[0; 254]].concat();
        // The whole payload counts against the first 64 KiB of the connection's window; no more is
        // sent.
        let frames = 65_535 / payload.len() / streams.min(200);
        for _ in 0..streams.min(200) {
            let stream = connection.begin(&Block::call(path).0).await?;
            for _ in 0..frames.max(1) {
                connection
                    .write(&frame(DATA, PADDED, stream, &payload))
                    .await?;
            }
        }
        Ok(connection)
    })
    .await
}

/// One byte of many messages: calls begun faster than they are given up.
pub(crate) async fn one_byte(target: Target, path: &'static str, connections: usize) -> Held {
    let streams = target.share(STREAMS);
    on_each(target, connections, move |mut connection| async move {
        let block = Block::call(path);
        connection
            .write_many(streams, |next| {
                let stream = *next;
                *next += 2;
                [headers(stream, 0, &block.0), frame(DATA, 0, stream, &[0])].concat()
            })
            .await?;
        Ok(connection)
    })
    .await
}

/// Frames of the largest size on one call, as fast as the server takes them.
pub(crate) async fn endless(target: Target, path: &'static str) -> Held {
    on_each(target, 8, move |mut connection| async move {
        while !connection.target().is_over() {
            let stream = connection.begin(&Block::call(path).0).await?;
            for _ in 0..300 {
                connection.data(stream, &[0; MAX_FRAME], false).await?;
            }
        }
        Ok(connection)
    })
    .await
}

async fn on_each<F, Attack>(target: Target, connections: usize, attack: F) -> Held
where
    F: Fn(Connection) -> Attack + Clone + Send + Sync + 'static,
    Attack: Future<Output = io::Result<Connection>> + Send + 'static,
{
    let attack = move |connection| {
        let attack = attack(connection);
        async move {
            let mut connection = attack.await?;
            let _ = connection.settle().await;
            Ok(connection)
        }
    };
    crowd(&target, connections, Reading::All, &[], attack).await
}
