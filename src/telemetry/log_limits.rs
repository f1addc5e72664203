//! Limits on the operational log: a number of lines per cause and window.
//!
//! Lines are suppressed before they are formatted, and counted. At the end of a window, one line
//! per cause reports them. The log's level is applied before, by the filter.

mod tally;

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, mem};

use prometheus_client::metrics::counter::Counter;
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use tally::{SuppressedLine, Tally};

/// The target of lines about the configuration. They are not limited, because only a start or a
/// reload causes them, and each of hundreds may report another problem.
pub const CONFIGURATION: &str = "watchword::configuration";

/// The target of reports, which are not limited: one per cause and window.
const REPORT: &str = "watchword::telemetry::log_limits";

/// Counts the suppressed lines of this process.
pub(super) static SUPPRESSED: LazyLock<Counter> = LazyLock::new(Counter::default);

const WINDOW: Duration = Duration::from_secs(10);
/// Most lines of a cause in a window. Lines of one place in our code may differ in error or file.
const OURS: u32 = 50;
/// The same for other crates. Their lines mostly report errors of peers, and a few show the kind.
const OTHERS: u32 = 5;
/// The same for levels `debug` and `trace`, where one cause writes a line per call.
const VERBOSE: u32 = 10_000;
/// Most causes of a window; further ones share one. The code has hundreds, and each key source adds
/// some.
const MAX_CAUSES: usize = 4096;

/// A layer that limits the lines of its subscriber. Clones share their counts.
#[derive(Clone)]
pub struct LogLimits {
    window: Arc<Mutex<Window>>,
    /// Locked during a report, so that the end of the log waits for one that the timer makes.
    reports: Arc<Mutex<()>>,
    suppressed: Counter,
}

/// The counts of this window. Nothing is formatted while it is locked, because that may log.
type Window = HashMap<Option<LineCause>, Tally>;

impl LogLimits {
    /// Also counts suppressed lines in this counter.
    #[must_use]
    pub fn new(suppressed: Counter) -> Self {
        Self {
            window: Arc::default(),
            reports: Arc::default(),
            suppressed,
        }
    }

    /// Begins the next window, and reports the suppressed lines of the last one, after a report in
    /// progress. Must not be called by a subscriber's callback, because each report is an event.
    pub fn end_window(&self) {
        let report = self.reports.lock();
        let _report = report.unwrap_or_else(PoisonError::into_inner);
        let ended = mem::take(&mut *self.window());
        ended.values().for_each(Tally::report);
    }

    /// Starts a thread that ends windows in time, for as long as the process runs.
    pub(super) fn start_timer(&self) -> io::Result<()> {
        let limits = self.clone();
        let timer = std::thread::Builder::new().name("log limits".to_owned());
        timer.spawn(move || {
            loop {
                std::thread::sleep(WINDOW);
                limits.end_window();
            }
        })?;
        Ok(())
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
        let is_first = match tally.suppress(limit) {
            None => return true,
            Some(suppressed) => suppressed == 1,
        };
        drop(window);
        self.suppressed.inc();
        if is_first {
            let example = SuppressedLine::of(event);
            // Missing if the window has ended meanwhile.
            if let Some(tally) = self.window().get_mut(&cause) {
                tally.example = example;
            }
        }
        false
    }

    /// A panic while it is locked leaves usable counts.
    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for LogLimits {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.admits(event)
    }
}

/// Most lines in a window; `None` for no limit.
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

/// A place in the code. Our lines about a key `source`, or the `place` of a panic, have a cause for
/// each of these, so that one that always fails does not hide another.
#[derive(Clone, PartialEq, Eq, Hash)]
struct LineCause {
    callsite: Identifier,
    subject: String,
}

impl LineCause {
    fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let mut cause = Self {
            callsite: metadata.callsite(),
            subject: String::new(),
        };
        if is_ours(metadata.target()) {
            event.record(&mut cause);
        }
        cause
    }
}

/// Fields that are part of a cause. Their values come from the configuration or the program.
const SUBJECTS: [&str; 2] = ["source", "place"];

impl Visit for LineCause {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if SUBJECTS.contains(&field.name()) {
            // Writing to a string cannot fail.
            let _ = write!(self.subject, "{value:?}");
        }
    }
}
