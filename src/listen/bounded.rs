//! The bytes of a connection on their way to HTTP/2, and back: so many at a turn, none while the
//! client does not take its answers, and no floods of frames.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::time::{Sleep, sleep};

use crate::clock::Stopwatch;
use crate::memory::{Account, Share};

use super::address::Io;
use super::frames::Frames;

/// Most bytes that are read at a turn of a connection. HTTP/2 decodes all that it can read before it
/// hands on the first call, so this bounds what it makes of headers meanwhile.
const TURN: usize = 32 * 1024;
/// Most calls that a client begins at a turn, or few more: each is a task that others wait behind.
const CALLS: usize = 32;
/// Most bytes that are read at once.
const READ: usize = 4 * 1024;
/// Longest time from the first blocked write until all that is queued is written.
const LONGEST_STALL: Duration = Duration::from_secs(10);
/// Longest time from the first frame of a block of headers to its last.
const LONGEST_BLOCK: Duration = Duration::from_secs(10);

/// What is left to read at this turn. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<AtomicUsize>);

impl Turn {
    /// A new turn.
    pub(super) fn begin(&self) {
        self.0.store(TURN, Ordering::Relaxed);
    }
}

/// What an open block of headers costs, from the first frame on.
struct OpenBlock {
    began: Stopwatch,
    _share: Share,
}

/// A connection within bounds.
pub(super) struct Bounded {
    io: Take<Box<dyn Io>>,
    turn: Turn,
    frames: Frames,
    began: Stopwatch,
    account: Account,
    /// What a block of headers may cost.
    block_cost: usize,
    block: Option<OpenBlock>,
    /// Runs while the client's system takes no more.
    stalled: Option<Pin<Box<Sleep>>>,
    /// A read was put off until the client takes its answers.
    put_off: bool,
}

impl Bounded {
    pub(super) fn new(io: Box<dyn Io>, turn: Turn, account: Account, block_cost: usize) -> Self {
        Self {
            io: io.take(0),
            turn,
            frames: Frames::new(),
            began: Stopwatch::start(),
            account,
            block_cost,
            block: None,
            stalled: None,
            put_off: false,
        }
    }

    fn inspect(&mut self, bytes: &[u8]) -> io::Result<()> {
        let began = &self.began;
        let read = self.frames.read(bytes, || began.elapsed());
        read.map_err(io::Error::other)?;
        match (&self.block, self.frames.block_is_open()) {
            (Some(_), false) => self.block = None,
            (None, true) => {
                let share = self.account.draw(self.block_cost);
                let full = || io::Error::other("no memory for a block of headers");
                self.block = Some(OpenBlock {
                    began: Stopwatch::start(),
                    _share: share.ok_or_else(full)?,
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn note_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            let stalled = self
                .stalled
                .get_or_insert_with(|| Box::pin(sleep(LONGEST_STALL)));
            if stalled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut)));
            }
        }
        written
    }
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stalled.is_some() {
            self.put_off = true;
            return Poll::Pending;
        }
        let late = |block: &OpenBlock| block.began.elapsed() > LONGEST_BLOCK;
        if self.block.as_ref().is_some_and(late) {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut)));
        }
        let left = self.turn.0.load(Ordering::Relaxed);
        if left == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        self.io
            .set_limit(u64::try_from(left.min(READ)).unwrap_or(u64::MAX));
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        let inspected = self.inspect(bytes);
        let calls = self.frames.take_calls().saturating_mul(TURN / CALLS);
        let left = left.saturating_sub(bytes.len().max(calls));
        self.turn.0.store(left, Ordering::Relaxed);
        match read {
            Poll::Ready(Ok(())) => Poll::Ready(inspected),
            other => other,
        }
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(self.io.get_mut()).poll_write(cx, bytes);
        if let Poll::Ready(Ok(bytes)) = written {
            self.frames.note_answer(bytes);
        }
        self.note_write(cx, written)
    }

    /// HTTP/2 flushes when it has written all that it has.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(self.io.get_mut()).poll_flush(cx);
        let noted = self.note_write(cx, flushed);
        if let Poll::Ready(Ok(())) = noted
            && self.stalled.take().is_some()
            && std::mem::take(&mut self.put_off)
        {
            cx.waker().wake_by_ref();
        }
        noted
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io.get_mut()).poll_shutdown(cx)
    }
}
