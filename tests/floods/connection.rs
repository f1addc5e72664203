//! A hostile connection: writes frames by hand, keeps to the server's flow control, and reads as
//! little as it likes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::sync::Mutex as Shared;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::frames::{DATA, END_STREAM, MAX_FRAME, PING, PREFACE, frame, framed, headers, settings};
use crate::target::{Target, Wire};
use crate::windows::{Reading, SETTLE, Seen, Windows, read_on};

/// Longest time for the server to take a write, or to open its window.
const PATIENCE: Duration = Duration::from_secs(4);

/// One connection.
pub(crate) struct Connection {
    target: Target,
    writer: Arc<Shared<WriteHalf<Wire>>>,
    seen: Arc<Seen>,
    reader: AbortHandle,
    next: u32,
}

impl Connection {
    /// Connects, says these settings, and waits for those of the server.
    pub(crate) async fn open(
        target: &Target,
        reading: Reading,
        ours: &[(u16, u32)],
    ) -> io::Result<Self> {
        let (read, write) = tokio::io::split(target.dial().await?);
        let (writer, seen) = (Arc::new(Shared::new(write)), Arc::<Seen>::default());
        let reader = tokio::spawn(read_on(read, seen.clone(), writer.clone(), reading));
        let mut connection = Self {
            target: target.clone(),
            writer,
            seen,
            reader: reader.abort_handle(),
            next: 1,
        };
        let hello = [PREFACE, &settings(ours)].concat();
        connection.write(&hello).await?;
        connection.until(|windows| windows.is_told).await?;
        if reading == Reading::Nothing {
            connection.reader.abort();
        }
        Ok(connection)
    }

    /// Bytes as they are.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.seen.closed.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let write = async {
            let mut writer = self.writer.lock().await;
            writer.write_all(bytes).await?;
            writer.flush().await
        };
        timeout(PATIENCE, write).await??;
        self.target.note_sent(bytes.len());
        Ok(())
    }

    /// Frames of this many rounds, made by `make` and written some at a time, until the flood's
    /// time is over.
    pub(crate) async fn write_many(
        &mut self,
        rounds: usize,
        mut make: impl FnMut(&mut u32) -> Vec<u8>,
    ) -> io::Result<()> {
        let mut batch = Vec::new();
        for round in 0..rounds {
            batch.extend(make(&mut self.next));
            if batch.len() >= 4 * MAX_FRAME || round + 1 == rounds {
                self.write(&batch).await?;
                batch.clear();
                if self.target.is_over() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Begins a call whose message is still to come; returns its stream.
    pub(crate) async fn begin(&mut self, block: &[u8]) -> io::Result<u32> {
        let stream = self.next_stream();
        self.write(&headers(stream, 0, block)).await?;
        Ok(stream)
    }

    /// A whole call; returns its stream.
    pub(crate) async fn call(&mut self, block: &[u8], message: &[u8]) -> io::Result<u32> {
        let stream = self.begin(block).await?;
        self.data(stream, &framed(message), true).await?;
        Ok(stream)
    }

    /// Data, as the server's windows open.
    pub(crate) async fn data(&mut self, stream: u32, bytes: &[u8], end: bool) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = rest.len().min(MAX_FRAME);
            let room = i64::try_from(length).unwrap_or(i64::MAX);
            self.until(|windows| windows.fits(stream, room)).await?;
            self.seen.windows().take(stream, room);
            let (piece, after) = rest.split_at(length);
            let flags = if end && after.is_empty() {
                END_STREAM
            } else {
                0
            };
            self.write(&frame(DATA, flags, stream, piece)).await?;
            rest = after;
        }
        Ok(())
    }

    /// Waits until the server has seen everything that was sent. Not within a header block.
    pub(crate) async fn settle(&mut self) -> io::Result<()> {
        self.write(&frame(PING, 0, 0, SETTLE)).await?;
        self.until(|windows| windows.is_settled).await
    }

    pub(crate) fn next_stream(&mut self) -> u32 {
        let stream = self.next;
        self.next += 2;
        stream
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    async fn until(&self, is: impl Fn(&Windows) -> bool) -> io::Result<()> {
        let wait = async {
            loop {
                let changed = self.seen.changed.notified();
                if is(&self.seen.windows()) {
                    return Ok(());
                }
                if self.seen.closed.load(Ordering::Relaxed) {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                changed.await;
            }
        };
        timeout(PATIENCE, wait).await?
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
