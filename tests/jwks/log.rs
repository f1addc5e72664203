//! Lines that Watchword logs during a test.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

thread_local! {
    /// The lines that were logged on this thread since a test began to listen.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Listens to the log of the present thread, on which a test and all that it starts run, but for
/// the reading of files.
pub(crate) struct Log;

impl Log {
    pub(crate) fn start() -> Self {
        // One for all threads: a subscriber for each would depend on which thread comes to a line
        // first.
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            tracing_subscriber::fmt()
                .with_writer(|| ToThread)
                .with_ansi(false)
                .init();
        });
        LINES.set(Some(Vec::new()));
        Self
    }

    /// The lines that hold a text.
    #[expect(
        clippy::unused_self,
        reason = "there are lines only while somebody listens"
    )]
    pub(crate) fn lines_with(&self, text: &str) -> Vec<String> {
        LINES.with_borrow(|lines| {
            let all = String::from_utf8_lossy(lines.as_deref().unwrap_or_default());
            let lines = all.lines().filter(|line| line.contains(text));
            lines.map(str::to_owned).collect()
        })
    }
}

struct ToThread;

impl Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
