//! The lines of one cause in one window, and the report of those that were suppressed.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, error, warn};

use super::REPORT;

/// Longest example in a report, in bytes.
const MAX_EXAMPLE: usize = 200;
const MESSAGE: &str =
    "too many log lines of one cause; the others of the last 10 s were suppressed";

/// The lines of a cause in a window.
pub(super) struct Tally {
    metadata: &'static Metadata<'static>,
    written: u32,
    suppressed: u64,
    pub(super) example: Example,
}

impl Tally {
    pub(super) fn new(metadata: &'static Metadata<'static>) -> Self {
        Self {
            metadata,
            written: 0,
            suppressed: 0,
            example: Example::default(),
        }
    }

    /// Counts a line, of which so many may be written.
    pub(super) fn count(&mut self, limit: u32) -> Counted {
        if self.written < limit {
            self.written += 1;
            return Counted::Written;
        }
        self.suppressed += 1;
        Counted::Suppressed(self.suppressed)
    }

    /// Reports suppressed lines, if there are any, at a level that is written wherever theirs is.
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

/// What became of a line.
pub(super) enum Counted {
    Written,
    /// So many lines of this cause were suppressed in this window, this one included.
    Suppressed(u64),
}

/// The first line that was suppressed.
#[derive(Default)]
pub(super) struct Example {
    message: String,
    /// What the `log` crate's records have in place of their callsite's target.
    target: Option<String>,
}

impl Example {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut example = Self::default();
        event.record(&mut example);
        example
    }
}

impl Visit for Example {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Fails where the text is longer than what is shown of it.
            let _ = write!(self, "{value:?}");
        }
    }
}

impl fmt::Write for Example {
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
