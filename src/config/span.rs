//! Settings that are durations: their bounds and defaults, for the checks and for the reference alike.

use std::time::Duration;

use schemars::Schema;
use serde_json::Value;

use super::findings::Findings;
use super::values::{bounded, written};

/// How a duration is written, for editors; or with a reference to the environment in it.
const PATTERN: &str = r"^([0-9]+(ms|s|m|h)|.*\$.*)$";

/// From the shortest to the longest that a setting may be, and its default where it has one of its own.
#[derive(Clone, Copy)]
pub(super) struct Span {
    from: Duration,
    to: Duration,
    default: Option<Duration>,
}

impl Span {
    pub(super) const fn new(from: Duration, to: Duration) -> Self {
        let default = None;
        Self { from, to, default }
    }

    /// The same with a default, for a setting whose type has none.
    pub(super) const fn or(self, default: Duration) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }

    /// The default, where it has one; else nothing.
    pub(super) fn default(self) -> Duration {
        self.default.unwrap_or_default()
    }

    /// A duration within these bounds, or the fallback where none is given or it is out of bounds (and noted).
    pub(super) fn read(
        self,
        text: Option<&str>,
        path: &[&str],
        fallback: Duration,
        findings: &mut Findings<'_>,
    ) -> Duration {
        bounded(text, path, fallback, (self.from, self.to), findings)
    }

    /// Tells readers of the schema, people and editors, what a duration may be.
    pub(super) fn in_schema(self) -> impl FnMut(&mut Schema) {
        move |schema| {
            let limits = format!("{} to {}", written(self.from), written(self.to));
            schema.insert("x-kind".to_owned(), "duration".into());
            schema.insert("x-limits".to_owned(), limits.into());
            schema.insert("pattern".to_owned(), PATTERN.into());
            if let Some(default) = self.default
                && schema.get("default").is_none_or(Value::is_null)
            {
                schema.insert("default".to_owned(), written(default).into());
            }
        }
    }
}
