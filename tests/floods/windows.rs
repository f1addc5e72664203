//! A hostile client's view of the server: how much it still takes, and whether it is there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{Mutex as Shared, Notify};

use crate::frames::{ACK, DATA, GOAWAY, INITIAL_WINDOW_SIZE, PING, SETTINGS, WINDOW_UPDATE, frame};
use crate::target::Wire;

/// The bytes from the server that a hostile client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Reads it, and gives the window back.
    All,
    /// Reads it, and gives nothing back.
    NoWindow,
    /// Reads the server's settings, and then no more.
    Nothing,
}

/// The payload of a ping that comes after everything else.
pub(crate) const SETTLE: &[u8] = b"settled?";

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) windows: Mutex<Windows>,
    pub(crate) changed: Notify,
    pub(crate) closed: AtomicBool,
}

/// The bytes that the server still takes.
pub(crate) struct Windows {
    pub(crate) is_told: bool,
    /// True if the ping of `settle` was answered.
    pub(crate) is_settled: bool,
    connection: i64,
    initial: i64,
    /// Beside `initial`.
    streams: HashMap<u32, i64>,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            is_told: false,
            is_settled: false,
            connection: 65_535,
            initial: 65_535,
            streams: HashMap::new(),
        }
    }
}

impl Seen {
    pub(crate) fn windows(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Windows {
    pub(crate) fn fits(&self, stream: u32, length: i64) -> bool {
        let used = self.streams.get(&stream).copied().unwrap_or(0);
        self.connection >= length && self.initial + used >= length
    }

    pub(crate) fn take(&mut self, stream: u32, length: i64) {
        self.connection -= length;
        *self.streams.entry(stream).or_default() -= length;
    }
}

pub(crate) async fn read_on(
    mut read: ReadHalf<Wire>,
    seen: Arc<Seen>,
    writer: Arc<Shared<WriteHalf<Wire>>>,
    reading: Reading,
) {
    let (mut received, mut owed) = (Vec::new(), Vec::new());
    while read
        .read_buf(&mut received)
        .await
        .is_ok_and(|read| read > 0)
    {
        while let Some(head) = received.first_chunk::<9>().copied() {
            let length = number(&head[..3]) as usize;
            let Some(payload) = received.get(9..9 + length) else {
                break;
            };
            owed.extend(seen.take(head, payload, reading));
            received.drain(..9 + length);
        }
        seen.changed.notify_waiters();
        // A writer that is stuck would keep the reader from reading on.
        if let Ok(mut writer) = writer.try_lock()
            && !owed.is_empty()
        {
            let _ = writer.write_all(&std::mem::take(&mut owed)).await;
            let _ = writer.flush().await;
        }
    }
    seen.closed.store(true, Ordering::Relaxed);
    seen.changed.notify_waiters();
}

impl Seen {
    /// Takes a frame; returns the answer that it needs.
    fn take(&self, head: [u8; 9], payload: &[u8], reading: Reading) -> Vec<u8> {
        let (kind, is_ack) = (head[3], head[4] & ACK != 0);
        let stream = number(&head[5..]);
        let mut windows = self.windows();
        match kind {
            SETTINGS if !is_ack => {
                for pair in payload.chunks_exact(6) {
                    if number(&pair[..2]) == u32::from(INITIAL_WINDOW_SIZE) {
                        windows.initial = i64::from(number(&pair[2..]));
                    }
                }
                windows.is_told = true;
                return frame(SETTINGS, ACK, 0, &[]);
            }
            PING if payload == SETTLE => windows.is_settled = is_ack,
            PING if !is_ack => return frame(PING, ACK, 0, payload),
            WINDOW_UPDATE if stream == 0 => windows.connection += i64::from(number(payload)),
            WINDOW_UPDATE => {
                *windows.streams.entry(stream).or_default() += i64::from(number(payload));
            }
            DATA if reading == Reading::All && !payload.is_empty() => {
                let length = number(&head[..3]).to_be_bytes();
                return frame(WINDOW_UPDATE, 0, 0, &length);
            }
            GOAWAY => self.closed.store(true, Ordering::Relaxed),
            _ => {}
        }
        Vec::new()
    }
}

fn number(bytes: &[u8]) -> u32 {
    let number = bytes
        .iter()
        .take(4)
        .fold(0, |number, byte| number << 8 | u32::from(*byte));
    number & 0x7fff_ffff
}
