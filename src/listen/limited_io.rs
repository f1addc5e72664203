//! The bytes of a connection on their way to HTTP/2 and back: a bounded number in each poll, none
//! while the client does not read its answers, and no floods of frames.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::time::{Sleep, sleep};

use crate::clock::Stopwatch;
use crate::memory::{Account, Reservation};

use super::Limits;
use super::address::ByteStream;
use super::frame_limits::FrameLimits;

/// Most bytes that are read in a poll of a connection. HTTP/2 decodes all that it can read before
/// the first call begins, so this bounds the headers that it decodes meanwhile.
const READ_PER_POLL: usize = 32 * 1024;
/// Most calls that a client begins in a poll, or few more: each becomes a task before the tasks of
/// other connections run.
const CALLS_PER_POLL: usize = 32;
const READ_CHUNK: usize = 4 * 1024;
/// Longest time from the first blocked write until all that is queued is written.
const MAX_STALL: Duration = Duration::from_secs(10);
/// Memory of an incomplete block of headers, for each byte of its largest size.
const BLOCK_FACTOR: usize = 4;
/// Longest time from the first frame of a block of headers to its last.
const MAX_BLOCK_TIME: Duration = Duration::from_secs(10);

/// The bytes that may still be read in this poll of a connection. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadBudget(Arc<AtomicUsize>);

impl ReadBudget {
    /// Refills the budget whenever `future` is polled.
    pub(super) fn refilled_by<F>(self, future: F) -> Refilling<F> {
        Refilling {
            budget: self,
            future: Box::pin(future),
        }
    }
}

/// A future of which each poll has a read budget.
pub(super) struct Refilling<F> {
    budget: ReadBudget,
    pub(super) future: Pin<Box<F>>,
}

impl<F: Future> Future for Refilling<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.budget.0.store(READ_PER_POLL, Ordering::Relaxed);
        self.future.as_mut().poll(cx)
    }
}

/// A block of headers that has begun and not ended, and its memory.
struct OpenHeaderBlock {
    began: Stopwatch,
    _memory: Reservation,
}

pub(super) struct LimitedIo {
    io: Take<Box<dyn ByteStream>>,
    read_budget: ReadBudget,
    frames: FrameLimits,
    began: Stopwatch,
    account: Account,
    /// Memory of an incomplete block of headers, in bytes.
    block_cost: usize,
    block: Option<OpenHeaderBlock>,
    /// Runs while the client's system accepts no more bytes.
    stalled: Option<Pin<Box<Sleep>>>,
    /// A read waits until the client reads its answers.
    read_deferred: bool,
}

impl LimitedIo {
    pub(super) fn new(
        io: Box<dyn ByteStream>,
        read_budget: ReadBudget,
        account: Account,
        limits: &Limits,
    ) -> Self {
        let block = usize::try_from(limits.max_header_list_size).unwrap_or(usize::MAX);
        Self {
            io: io.take(0),
            read_budget,
            frames: FrameLimits::new(limits.max_concurrent_streams),
            began: Stopwatch::start(),
            account,
            block_cost: block.saturating_mul(BLOCK_FACTOR),
            block: None,
            stalled: None,
            read_deferred: false,
        }
    }

    fn inspect(&mut self, bytes: &[u8]) -> io::Result<()> {
        let began = &self.began;
        let read = self.frames.read(bytes, || began.elapsed());
        read.map_err(io::Error::other)?;
        match (&self.block, self.frames.block_is_open()) {
            (Some(_), false) => self.block = None,
            (None, true) => {
                let memory = self.account.try_reserve(self.block_cost);
                let full = || io::Error::other("no memory for a block of headers");
                self.block = Some(OpenHeaderBlock {
                    began: Stopwatch::start(),
                    _memory: memory.ok_or_else(full)?,
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
                .get_or_insert_with(|| Box::pin(sleep(MAX_STALL)));
            if stalled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut)));
            }
        }
        written
    }
}

impl AsyncRead for LimitedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stalled.is_some() {
            self.read_deferred = true;
            return Poll::Pending;
        }
        let late = |block: &OpenHeaderBlock| block.began.elapsed() > MAX_BLOCK_TIME;
        if self.block.as_ref().is_some_and(late) {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut)));
        }
        let left = self.read_budget.0.load(Ordering::Relaxed);
        if left == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        self.io
            .set_limit(u64::try_from(left.min(READ_CHUNK)).unwrap_or(u64::MAX));
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        let inspected = self.inspect(bytes);
        let calls = self.frames.take_calls();
        let calls = calls.saturating_mul(READ_PER_POLL / CALLS_PER_POLL);
        let left = left.saturating_sub(bytes.len().max(calls));
        self.read_budget.0.store(left, Ordering::Relaxed);
        match read {
            Poll::Ready(Ok(())) => Poll::Ready(inspected),
            other => other,
        }
    }
}

impl AsyncWrite for LimitedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(self.io.get_mut()).poll_write(cx, bytes);
        if let Poll::Ready(Ok(bytes)) = written {
            self.frames.record_sent(bytes);
        }
        self.note_write(cx, written)
    }

    /// HTTP/2 flushes when it has written all that it has.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(self.io.get_mut()).poll_flush(cx);
        let noted = self.note_write(cx, flushed);
        if let Poll::Ready(Ok(())) = noted
            && self.stalled.take().is_some()
            && std::mem::take(&mut self.read_deferred)
        {
            cx.waker().wake_by_ref();
        }
        noted
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io.get_mut()).poll_shutdown(cx)
    }
}
