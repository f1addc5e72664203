//! Problems of a configuration, each with its place.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::escape::Escaped;

use super::path::SettingPath;
use super::warning::Warning;

/// A place in the file; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Position {
    /// The position just after a text that starts the file.
    pub(super) fn after(text: &str) -> Self {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let last_line = text.rsplit('\n').next().unwrap_or_default();
        Self {
            line: count(text.split('\n').count()),
            column: count(last_line.chars().count() + 1),
        }
    }
}

/// One problem. `Display` gives the setting and the message, `write_place` the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) position: Option<Position>,
    setting: SettingPath,
    message: String,
}

/// Everything that is wrong with a file. `Display` gives a line a problem.
#[derive(Debug)]
pub struct Problems {
    file: PathBuf,
    list: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Problem {
    pub(super) fn new(position: Position, setting: &SettingPath, message: String) -> Self {
        Self {
            position: Some(position),
            setting: setting.clone(),
            message,
        }
    }

    /// A problem with the file as a whole.
    pub(super) fn of_file(message: String) -> Self {
        Self {
            position: None,
            setting: SettingPath::default(),
            message,
        }
    }

    /// The place in the file, as compilers write it.
    pub(super) fn write_place(&self, f: &mut fmt::Formatter<'_>, file: &Path) -> fmt::Result {
        write!(f, "{}:", Escaped(&file.to_string_lossy()))?;
        match self.position {
            Some(Position { line, column }) => write!(f, "{line}:{column}: "),
            None => f.write_str(" "),
        }
    }
}

impl Problems {
    /// Problems, which are sorted by their places.
    pub(super) fn new(file: &Path, mut list: Vec<Problem>, warnings: Vec<Warning>) -> Self {
        list.sort_by_key(|problem| problem.position);
        Self {
            file: file.to_owned(),
            list,
            warnings,
        }
    }

    /// Settings that are most likely not meant, beside the problems.
    pub(crate) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A fault of Watchword while the file was read.
    pub(crate) fn fault(file: &Path, fault: &dyn fmt::Display) -> Self {
        let message = format!("a fault of Watchword: {fault}");
        Self::one(file, Problem::of_file(message))
    }

    pub(super) fn one(file: &Path, problem: Problem) -> Self {
        Self::new(file, vec![problem], Vec::new())
    }
}

/// Most problems, and about how many bytes of them, are shown: a line of the log has 32 KiB.
const MAX_SHOWN: usize = 100;
const MAX_BYTES: usize = 16 * 1024;
/// Longest part of a message, in characters: what a file says can be of any length.
const MAX_PART: usize = 1000;

/// The beginning of a part, escaped.
fn shortened(text: &str) -> String {
    Escaped(&beginning(text, MAX_PART)).to_string()
}

/// A text, or its first characters and an ellipsis.
pub(super) fn beginning(text: &str, most: usize) -> String {
    let mut rest = text.chars();
    let start: String = rest.by_ref().take(most).collect();
    let end = if rest.next().is_some() { "…" } else { "" };
    start + end
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut shown, mut bytes) = (0, 0);
        for problem in self.list.iter().take(MAX_SHOWN) {
            let message = problem.to_string();
            bytes += message.len();
            if bytes > MAX_BYTES && shown > 0 {
                break;
            }
            if shown > 0 {
                writeln!(f)?;
            }
            problem.write_place(f, &self.file)?;
            f.write_str(&message)?;
            shown += 1;
        }
        match self.list.len().saturating_sub(shown) {
            0 => Ok(()),
            more => {
                let file = self.file.to_string_lossy();
                write!(f, "\n{}: and {more} more problems", Escaped(&file))
            }
        }
    }
}

/// Without its place.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.setting.steps().is_empty() {
            write!(f, "{}: ", shortened(&self.setting.to_string()))?;
        }
        f.write_str(&shortened(&self.message))
    }
}

impl std::error::Error for Problems {}
