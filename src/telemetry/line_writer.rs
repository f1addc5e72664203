//! Lines that are written by a thread of their own, so that nobody waits for whoever reads them.
//!
//! Two buffers: lines are added to one while the thread writes the other. Where the first is full, because the reader
//! is slow or the disk is, further lines are dropped and counted.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// Bytes of lines that may wait to be written.
const CAPACITY: usize = 1024 * 1024;
/// Longest line, in bytes. A longer one is dropped whole: a line that is cut is no JSON.
const MAX_LINE: usize = 32 * 1024;

/// A way to the thread. What waits is still written when this is dropped, if the process lives on.
pub struct LineWriter(Arc<SharedQueue>);

struct SharedQueue {
    queue: Mutex<PendingLines>,
    changed: Condvar,
    dropped: Counter,
}

#[derive(Default)]
struct PendingLines {
    waiting: Vec<u8>,
    /// Whether the thread has lines in its hands.
    writing: bool,
    closed: bool,
}

impl LineWriter {
    /// Starts a thread that writes to this sink. Lines that are not written are counted.
    ///
    /// # Errors
    /// Where there can be no further thread.
    pub fn start(sink: impl Write + Send + 'static, dropped: Counter) -> io::Result<Self> {
        let shared = Arc::new(SharedQueue {
            queue: Mutex::default(),
            changed: Condvar::new(),
            dropped,
        });
        let threads = shared.clone();
        std::thread::Builder::new()
            .name("log lines".to_owned())
            .spawn(move || threads.write_to(sink))?;
        Ok(Self(shared))
    }

    /// Adds a line, which ends in a line break; never waits for the sink.
    pub fn push(&self, line: &[u8]) {
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

    /// Waits until all lines are written, for this long at most. Whether they are.
    pub fn flush(&self, timeout: Duration) -> bool {
        let late = |queue: &mut PendingLines| queue.writing || !queue.waiting.is_empty();
        let waited = self
            .0
            .changed
            .wait_timeout_while(self.0.lock(), timeout, late);
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

/// Each write is one line, as the operational log makes them.
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
    /// A panic while it is held leaves no line half added.
    fn lock(&self) -> MutexGuard<'_, PendingLines> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut sink: impl Write) {
        let mut lines = Vec::new();
        let mut torn = false;
        while self.take(&mut lines) {
            // What a failed write left of a line must not be read as the beginning of the next.
            let mended = !torn || sink.write_all(b"\n").is_ok();
            let unwritten = if mended {
                write(&mut sink, &lines)
            } else {
                &lines
            };
            torn = !unwritten.is_empty();
            let lost = unwritten.split(|byte| *byte == b'\n').count() - 1;
            self.dropped.inc_by(u64::try_from(lost).unwrap_or(u64::MAX));
            lines.clear();
        }
    }

    /// Waits for lines and takes all of them; false at the end.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
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

/// Writes as much as can be, and returns the rest.
fn write<'l>(sink: &mut impl Write, mut lines: &'l [u8]) -> &'l [u8] {
    while !lines.is_empty() {
        match sink.write(lines) {
            Ok(written @ 1..) => lines = lines.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    // It may buffer; what it cannot write then is lost uncounted.
    let _ = sink.flush();
    lines
}

/// A stream of this process, without the buffer and the lock that the standard library has before it.
pub(super) fn unbuffered(stream: &impl AsFd) -> io::Result<std::fs::File> {
    Ok(stream.as_fd().try_clone_to_owned()?.into())
}

#[cfg(test)]
mod tests;
