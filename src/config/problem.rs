//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use super::document::{Document, Position};

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

    pub(super) fn at_start(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new(Position::START, found, expected)
    }
}

impl Problems {
    pub(super) fn one(file: &Path, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            list: vec![problem],
        }
    }

    /// How many problems there are; never 0.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let Position { line, column } = problem.position;
            write!(f, "{}:{line}:{column}: ", self.file.display())?;
            if !problem.setting.is_empty() {
                write!(f, "{}: ", problem.setting)?;
            }
            write!(f, "found {}; expected {}", problem.found, problem.expected)?;
            if let Some(hint) = &problem.hint {
                write!(f, "; did you mean {hint:?}?")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Collects problems while a document is checked.
pub(super) struct Findings<'d> {
    file: &'d Path,
    document: &'d Document,
    look_into_files: bool,
    list: Vec<Problem>,
}

impl<'d> Findings<'d> {
    pub(super) fn new(file: &'d Path, document: &'d Document, look_into_files: bool) -> Self {
        Self {
            file,
            document,
            look_into_files,
            list: Vec::new(),
        }
    }

    /// Notes a problem with the value at a path; where the path leaves the document, with its parent.
    pub(super) fn add(
        &mut self,
        path: &[&str],
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let position = self.document.position(path);
        self.push(path, Problem::new(position, found, expected));
    }

    /// Notes a word that is not among those that are known, with the nearest one.
    pub(super) fn add_unknown<'k>(
        &mut self,
        path: &[&str],
        position: Position,
        kind: &str,
        word: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        let known: Vec<&str> = known.collect();
        let expected = format!("one of: {}", known.join(", "));
        let mut problem = Problem::new(position, format!("{kind} {word:?}").trim_start(), expected);
        problem.hint = nearest(word, &known).map(ToOwned::to_owned);
        self.push(path, problem);
    }

    fn push(&mut self, path: &[&str], mut problem: Problem) {
        for name in path {
            let dot = if problem.setting.is_empty() || name.starts_with('[') {
                ""
            } else {
                "."
            };
            problem.setting.push_str(dot);
            problem.setting.push_str(name);
        }
        self.list.push(problem);
    }

    /// A path in the configuration, seen from its file's folder.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    pub(super) fn look_into_files(&self) -> bool {
        self.look_into_files
    }

    pub(super) fn document(&self) -> &'d Document {
        self.document
    }

    pub(super) fn fail_if_any(&mut self) -> Result<(), Problems> {
        if self.list.is_empty() {
            return Ok(());
        }
        let mut list = std::mem::take(&mut self.list);
        list.sort_by_key(|problem| (problem.position.line, problem.position.column));
        Err(Problems {
            file: self.file.to_owned(),
            list,
        })
    }

    pub(super) fn into_problems(mut self) -> Problems {
        let file = self.file.to_owned();
        self.fail_if_any().err().unwrap_or(Problems {
            file,
            list: Vec::new(),
        })
    }
}

fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let score = |candidate: &str| strsim::jaro_winkler(word, candidate);
    let best = known
        .iter()
        .copied()
        .max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) > 0.75).then_some(best)
}
