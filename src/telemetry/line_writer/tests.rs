use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use super::{CAPACITY, LineWriter, MAX_LINE};

const TIMEOUT: Duration = Duration::from_secs(20);

/// A sink that waits before each write.
struct WaitingSink {
    begun: Sender<()>,
    go: Receiver<io::Result<usize>>,
    written: Arc<Mutex<Vec<u8>>>,
}

/// Lets the sink write.
struct SinkControl {
    begun: Receiver<()>,
    go: Option<Sender<io::Result<usize>>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl WaitingSink {
    fn new() -> (Self, SinkControl) {
        let (begun, has_begun) = mpsc::channel();
        let (goes, go) = mpsc::channel();
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let blocked = Self {
            begun,
            go,
            written: written.clone(),
        };
        let control = SinkControl {
            begun: has_begun,
            go: Some(goes),
            written,
        };
        (blocked, control)
    }
}

/// Writes everything once the control is gone.
impl Write for WaitingSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.begun.send(());
        let length = self.go.recv().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
        self.written
            .lock()
            .unwrap()
            .extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SinkControl {
    fn until_blocked(&self) {
        self.begun.recv_timeout(TIMEOUT).unwrap();
    }

    fn say(&self, result: io::Result<usize>) {
        self.go.as_ref().unwrap().send(result).unwrap();
    }

    fn let_go(&mut self) {
        self.go = None;
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn lines_are_written_in_their_order() {
    let (sink, mut control) = WaitingSink::new();
    control.let_go();
    let lines = LineWriter::start(sink, Counter::default()).unwrap();
    let all: Vec<String> = (0..1000).map(|number| format!("{number}\n")).collect();
    for line in &all {
        lines.push(line.as_bytes());
    }
    assert!(lines.flush(TIMEOUT));
    assert_eq!(control.text(), all.concat());
}

#[test]
fn what_a_blocked_reader_leaves_no_room_for_is_dropped_and_counted() {
    let (sink, mut control) = WaitingSink::new();
    let dropped = Counter::default();
    let lines = LineWriter::start(sink, dropped.clone()).unwrap();
    lines.push(b"first\n");
    control.until_blocked();
    let line = format!("{}\n", "x".repeat(1023));
    for _ in 0..CAPACITY / 1024 + 10 {
        lines.push(line.as_bytes());
    }
    assert_eq!(dropped.get(), 10);
    assert!(!lines.flush(Duration::ZERO), "nobody reads");
    control.let_go();
    assert!(lines.flush(TIMEOUT));
    assert_eq!(control.text().lines().count(), 1 + CAPACITY / 1024);
    lines.push(b"last\n");
    assert!(lines.flush(TIMEOUT));
    assert!(control.text().ends_with("x\nlast\n"));
    assert_eq!(dropped.get(), 10);
}

#[test]
fn a_line_that_is_too_long_is_dropped_and_counted() {
    let (sink, mut control) = WaitingSink::new();
    control.let_go();
    let dropped = Counter::default();
    let lines = LineWriter::start(sink, dropped.clone()).unwrap();
    lines.push(&vec![b'x'; MAX_LINE + 1]);
    lines.push(b"short\n");
    assert!(lines.flush(TIMEOUT));
    assert_eq!((control.text().as_str(), dropped.get()), ("short\n", 1));
}

#[test]
fn lines_on_a_full_disk_are_counted_and_later_ones_are_whole() {
    let (sink, mut control) = WaitingSink::new();
    let dropped = Counter::default();
    let lines = LineWriter::start(sink, dropped.clone()).unwrap();
    lines.push(b"first\n");
    control.until_blocked();
    lines.push(b"second\n");
    lines.push(b"third\n");
    let full = || Err(io::ErrorKind::StorageFull.into());
    control.say(full());
    control.until_blocked();
    control.say(Ok(1));
    control.until_blocked();
    control.say(Ok("second\n".len() + 2));
    control.until_blocked();
    control.say(full());
    assert!(lines.flush(TIMEOUT));
    assert_eq!(dropped.get(), 2, "the first, and the third, which is torn");
    lines.push(b"fourth\n");
    control.let_go();
    assert!(lines.flush(TIMEOUT));
    assert_eq!(control.text(), "\nsecond\nth\nfourth\n");
}

#[test]
fn what_waits_is_written_after_the_last_handle_is_gone() {
    let (sink, mut control) = WaitingSink::new();
    let lines = LineWriter::start(sink, Counter::default()).unwrap();
    lines.push(b"first\n");
    control.until_blocked();
    lines.push(b"second\n");
    drop(lines);
    control.let_go();
    // The thread has ended when it drops the sink.
    while control.begun.recv_timeout(TIMEOUT).is_ok() {}
    assert_eq!(control.text(), "first\nsecond\n");
}
