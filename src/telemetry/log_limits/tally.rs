//! The lines of one cause in one window, and the report of those that were suppressed.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, error, warn};

use super::REPORT;

/// Longest text of a line in a report, in bytes.
const MAX_EXAMPLE: usize = 200;
const MESSAGE: &str =
    "too many log lines of one cause; the others of the last 10 s were suppressed";

/// The lines of a cause in a window.
pub(super) struct Tally {
    metadata: &'static Metadata<'static>,
    written: u32,
    suppressed: u64,
    pub(super) example: SuppressedLine,
}

impl Tally {
    pub(super) fn new(metadata: &'static Metadata<'static>) -> Self {
        Self {
            metadata,
            written: 0,
            suppressed: 0,
            example: SuppressedLine::default(),
        }
    }

    /// Counts a line. Beyond the limit, returns the number of suppressed lines, with this one.
    pub(super) fn suppress(&mut self, limit: u32) -> Option<u64> {
        if self.written < limit {
            self.written += 1;
            return None;
        }
        self.suppressed += 1;
        Some(self.suppressed)
    }

    /// Reports suppressed lines at a level that passes every filter which theirs passes.
    pub(super) fn report(&self) {
        let suppressed = self.suppressed;
        if suppressed == 0 {
            return;
        }
        let (line, example) = (self.metadata.line(), self.example.message.as_str());
        let target = self.example.target.as_deref();
        let target = target.unwrap_or(self.metadata.target());
        if *self.metadata.level() == Level::ERROR {
            error!(target: REPORT, suppressed, target, line, example, "{MESSAGE}");
        } else {
            warn!(target: REPORT, suppressed, target, line, example, "{MESSAGE}");
        }
    }
}

/// A line that was suppressed.
#[derive(Default)]
pub(super) struct SuppressedLine {
    message: String,
    /// The target of records of the `log` crate, which share one callsite.
    target: Option<String>,
}

impl SuppressedLine {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut line = Self::default();
        event.record(&mut line);
        line
    }
}

impl Visit for SuppressedLine {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Fails at the maximum length.
            let _ = write!(self, "{value:?}");
        }
    }
}

impl fmt::Write for SuppressedLine {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.message.len() + character.len_utf8() > MAX_EXAMPLE {
                return Err(fmt::Error);
            }
            self.message.push(character);
        }
        Ok(())
    }
}
