//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::escape::Escaped;

use super::warning::Warning;

/// A place in the file; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    position: Position,
    setting: String,
    found: String,
    expected: String,
    hint: Option<String>,
}

/// Everything that is wrong with a file. `Display` gives a line a problem.
#[derive(Debug)]
pub struct Problems {
    file: PathBuf,
    list: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Problem {
    pub(super) fn new(
        position: Position,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (found, expected) = (found.into(), expected.into());
        Self {
            position,
            setting: String::new(),
            found,
            expected,
            hint: None,
        }
    }

    /// Adds the setting's path to the message: names joined with dots, positions in brackets.
    pub(super) fn within(mut self, path: &[&str]) -> Self {
        for name in path {
            let dot = if self.setting.is_empty() || name.starts_with('[') {
                ""
            } else {
                "."
            };
            self.setting.push_str(dot);
            self.setting.push_str(name);
        }
        self
    }

    pub(super) fn hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(ToOwned::to_owned);
        self
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    pub(super) fn at_start(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(Position::START, found, expected)
    }
}

impl Problems {
    /// Problems in the order of their places.
    pub(super) fn sorted(file: &Path, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.position);
        Self {
            file: file.to_owned(),
            list,
            warnings: Vec::new(),
        }
    }

    pub(super) fn with_warnings(self, warnings: Vec<Warning>) -> Self {
        Self { warnings, ..self }
    }

    /// What is most likely not meant, beside the problems.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A fault of ours while the file was read.
    pub(crate) fn fault(file: &Path, fault: &dyn fmt::Display) -> Self {
        let found = format!("a fault of Watchword: {fault}");
        Self::one(file, Problem::at_start(found, "a good end"))
    }

    pub(super) fn one(file: &Path, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            list: vec![problem],
            warnings: Vec::new(),
        }
    }
}

/// Most problems that are shown: a text goes into logs, and to operators.
const MAX_SHOWN: usize = 100;

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.to_string_lossy();
        for (index, problem) in self.list.iter().take(MAX_SHOWN).enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let Position { line, column } = problem.position;
            write!(f, "{}:{line}:{column}: {problem}", Escaped(&file))?;
        }
        match self.list.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} more problems", Escaped(&file)),
        }
    }
}

/// Without its place.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.setting.is_empty() {
            write!(f, "{}: ", Escaped(&self.setting))?;
        }
        let (found, expected) = (Escaped(&self.found), Escaped(&self.expected));
        write!(f, "found {found}; expected {expected}")?;
        match &self.hint {
            Some(hint) => write!(f, "; did you mean \"{}\"?", Escaped(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problems {}
