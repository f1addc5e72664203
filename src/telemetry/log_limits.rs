//! Limits on the operational log: a number of lines per cause in each window.
//!
//! A line is judged before it is formatted, in memory only. Suppressed lines are counted, and each cause that had some
//! is reported at the end of its window. Which events are lines at all is the filter's business.

mod tally;

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, mem};

use prometheus_client::metrics::counter::Counter;
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use tally::{Counted, Example, Tally};

/// The target of lines about the configuration: hundreds may come at once, and each says something else. They are not
/// limited, because only a start or a reload causes them.
pub const CONFIGURATION: &str = "watchword::configuration";

/// The target of the reports, which are not limited: one per cause and window.
const REPORT: &str = "watchword::telemetry::log_limits";

/// Suppressed lines of this process's log.
pub(super) static SUPPRESSED: LazyLock<Counter> = LazyLock::new(Counter::default);

const WINDOW: Duration = Duration::from_secs(10);
/// Lines that a cause may write in a window. Our own lines say something new now and then: another error, another file.
const OURS: u32 = 50;
/// The same for other crates, whose lines mostly say what a peer did wrong. A few of them show what it is.
const OTHERS: u32 = 5;
/// The same for levels `debug` and `trace`, where one cause writes a line per call.
const VERBOSE: u32 = 10_000;
/// Most causes of a window; those beyond share one. Watchword and its libraries have hundreds, and key sources add theirs.
const MAX_CAUSES: usize = 4096;

/// Limits the lines of a subscriber that it is a layer of. Clones share their counts.
#[derive(Clone)]
pub struct LogLimits(Arc<LimitState>);

struct LimitState {
    window: Mutex<Window>,
    suppressed: Counter,
}

/// The lines of this window. No text is formatted while it is locked, because that may log.
type Window = HashMap<Option<LineCause>, Tally>;

impl LogLimits {
    /// Counts suppressed lines there too.
    #[must_use]
    pub fn new(suppressed: Counter) -> Self {
        Self(Arc::new(LimitState {
            window: Mutex::default(),
            suppressed,
        }))
    }

    /// Begins the next window, and reports what was suppressed in the last one. To be called outside of a subscriber's
    /// callbacks: each report is an event.
    pub fn end_window(&self) {
        let ended = mem::take(&mut *self.window());
        ended.values().for_each(Tally::report);
    }

    fn admits(&self, event: &Event<'_>) -> bool {
        let metadata = event.metadata();
        let Some(limit) = limit(metadata) else {
            return true;
        };
        let mut cause = Some(LineCause::of(event));
        let mut window = self.window();
        if window.len() >= MAX_CAUSES && !window.contains_key(&cause) {
            cause = None;
        }
        let tally = window
            .entry(cause.clone())
            .or_insert_with(|| Tally::new(metadata));
        let suppressed = match tally.count(limit) {
            Counted::Written => return true,
            Counted::Suppressed(suppressed) => suppressed,
        };
        drop(window);
        self.0.suppressed.inc();
        if suppressed == 1 {
            let example = Example::of(event);
            // It is gone where the window ended meanwhile.
            if let Some(tally) = self.window().get_mut(&cause) {
                tally.example = example;
            }
        }
        false
    }

    /// A panic while it is held leaves counts that are good enough.
    fn window(&self) -> MutexGuard<'_, Window> {
        let window = &self.0.window;
        window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for LogLimits {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.admits(event)
    }
}

impl fmt::Debug for LogLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogLimits")
    }
}

/// Ends windows in time, from a thread of its own. Dropping it ends the last one.
#[derive(Debug)]
pub(super) struct WindowTimer {
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl WindowTimer {
    /// # Errors
    /// Where there can be no further thread.
    pub(super) fn start(limits: LogLimits) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("log limits".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(WINDOW) == Err(RecvTimeoutError::Timeout) {
                    limits.end_window();
                }
                limits.end_window();
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for WindowTimer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked reports nothing any more.
            let _ = thread.join();
        }
    }
}

/// Most lines of this kind in a window; `None` where there is no limit.
fn limit(metadata: &Metadata<'_>) -> Option<u32> {
    let target = metadata.target();
    if target == CONFIGURATION || target == REPORT {
        None
    } else if *metadata.level() > Level::INFO {
        Some(VERBOSE)
    } else if is_ours(target) {
        Some(OURS)
    } else {
        Some(OTHERS)
    }
}

fn is_ours(target: &str) -> bool {
    let rest = target.strip_prefix("watchword");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// A place in the code, which has one level. Our own lines that name a key `source`, or the `place` of a panic, have a
/// cause for each of these: one that fails all the time must not hide another.
#[derive(Clone, PartialEq, Eq, Hash)]
struct LineCause {
    callsite: Identifier,
    subject: u64,
}

impl LineCause {
    fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let mut subject = SubjectHasher(DefaultHasher::new());
        let names_one = || {
            SUBJECTS
                .iter()
                .any(|name| metadata.fields().field(name).is_some())
        };
        if is_ours(metadata.target()) && names_one() {
            event.record(&mut subject);
        }
        Self {
            callsite: metadata.callsite(),
            subject: subject.0.finish(),
        }
    }
}

/// Fields that are part of a cause. Their values are the configuration's or the program's, never a stranger's.
const SUBJECTS: [&str; 2] = ["source", "place"];

/// A hash of these fields' values.
struct SubjectHasher(DefaultHasher);

impl Visit for SubjectHasher {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if SUBJECTS.contains(&field.name()) {
            // Hashing cannot fail.
            let _ = write!(self, "{value:?}");
        }
    }
}

impl fmt::Write for SubjectHasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
