//! A thread that writes log lines, so that no caller waits for their reader.
//!
//! Lines go into one of two buffers while the thread writes the other. If it is full, because the
//! reader or the disk is slow, further lines are dropped and counted.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// Most bytes of waiting lines.
const CAPACITY: usize = 1024 * 1024;
/// Longest line, in bytes. Longer ones are dropped, because a truncated line is not JSON.
const MAX_LINE: usize = 32 * 1024;

/// Passes lines to the thread, which writes the waiting ones even after this is dropped.
pub(super) struct LineWriter(Arc<SharedQueue>);

struct SharedQueue {
    queue: Mutex<PendingLines>,
    changed: Condvar,
    dropped: Counter,
}

#[derive(Default)]
struct PendingLines {
    waiting: Vec<u8>,
    /// True while the thread writes lines.
    writing: bool,
    closed: bool,
}

impl LineWriter {
    /// Starts a thread that writes to this sink, and counts lines that it drops.
    pub(super) fn start(sink: impl Write + Send + 'static, dropped: Counter) -> io::Result<Self> {
        let shared = Arc::new(SharedQueue {
            queue: Mutex::default(),
            changed: Condvar::new(),
            dropped,
        });
        let queue = shared.clone();
        std::thread::Builder::new()
            .name("log lines".to_owned())
            .spawn(move || queue.write_to(sink))?;
        Ok(Self(shared))
    }

    /// Adds a line that ends in a line break. Never waits for the sink.
    pub(super) fn push(&self, line: &[u8]) {
        let mut queue = self.0.lock();
        if line.len() > MAX_LINE || queue.waiting.len() + line.len() > CAPACITY {
            drop(queue);
            self.0.dropped.inc();
            return;
        }
        let idle = queue.waiting.is_empty();
        queue.waiting.extend_from_slice(line);
        drop(queue);
        if idle {
            self.0.changed.notify_all();
        }
    }

    /// Waits until all lines are written. Returns false after the timeout.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let is_pending = |queue: &mut PendingLines| queue.writing || !queue.waiting.is_empty();
        let (queue, changed) = (self.0.lock(), &self.0.changed);
        let waited = changed.wait_timeout_while(queue, timeout, is_pending);
        let (_queue, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

/// Each write is one line, as in the operational log.
impl Write for &LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for LineWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LineWriter")
    }
}

impl SharedQueue {
    /// A panic while it is locked leaves no line half added.
    fn lock(&self) -> MutexGuard<'_, PendingLines> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut sink: impl Write) {
        let mut lines = Vec::new();
        let mut is_incomplete = false;
        while self.next_lines(&mut lines) {
            // The next line must not continue one that a failed write left incomplete.
            let unwritten = if is_incomplete && sink.write_all(b"\n").is_err() {
                &lines
            } else {
                write(&mut sink, &lines)
            };
            is_incomplete = !unwritten.is_empty();
            let lost = unwritten.split(|byte| *byte == b'\n').count() - 1;
            self.dropped.inc_by(u64::try_from(lost).unwrap_or(u64::MAX));
            lines.clear();
        }
    }

    /// Waits for lines, and moves them to `lines`. Returns false at the end.
    fn next_lines(&self, lines: &mut Vec<u8>) -> bool {
        let mut queue = self.lock();
        queue.writing = false;
        self.changed.notify_all();
        let nothing = |queue: &mut PendingLines| queue.waiting.is_empty() && !queue.closed;
        let waited = self.changed.wait_while(queue, nothing);
        queue = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut queue.waiting, lines);
        queue.writing = !lines.is_empty();
        queue.writing
    }
}

/// Writes as much as possible, and returns the rest.
fn write<'l>(sink: &mut impl Write, mut lines: &'l [u8]) -> &'l [u8] {
    while !lines.is_empty() {
        match sink.write(lines) {
            Ok(written @ 1..) => lines = lines.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    // Lines that a buffering sink cannot write here are lost, and not counted.
    let _ = sink.flush();
    lines
}

/// A stream of this process, without the standard library's buffer and lock.
pub(super) fn unbuffered(stream: &impl AsFd) -> io::Result<std::fs::File> {
    Ok(stream.as_fd().try_clone_to_owned()?.into())
}

#[cfg(test)]
mod tests;
