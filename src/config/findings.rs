//! Collecting what is wrong, each with its place in the document.

use std::path::{Path, PathBuf};

use super::document::Document;
use super::problem::{Position, Problem, Problems};

/// Collects problems while a document is checked.
pub(super) struct Findings<'d> {
    file: &'d Path,
    document: &'d Document,
    look_into_files: bool,
    list: Vec<Problem>,
    /// Settings that are left out of the checks that follow, since their form is wrong.
    pruned: Vec<Vec<String>>,
}

impl<'d> Findings<'d> {
    pub(super) fn new(file: &'d Path, document: &'d Document, look_into_files: bool) -> Self {
        Self {
            file,
            document,
            look_into_files,
            list: Vec::new(),
            pruned: Vec::new(),
        }
    }

    /// Notes a problem with the value at a path; where the path leaves the document, with its parent.
    pub(super) fn add(
        &mut self,
        path: &[&str],
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        if self.is_follow_on(path) {
            return;
        }
        let position = self.document.position(path);
        self.list
            .push(Problem::new(position, found, expected).within(path));
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
        let problem = Problem::new(position, format!("{kind} {word:?}").trim_start(), expected);
        self.list
            .push(problem.hint(nearest(word, &known)).within(path));
    }

    /// Leaves a setting out of the checks that follow. An element of a list goes with its list, so that the others
    /// keep their places.
    pub(super) fn prune(&mut self, path: &[&str]) {
        let whole = path
            .iter()
            .rposition(|step| !step.starts_with('['))
            .map_or(0, |at| at + 1);
        self.pruned.push(
            path.iter()
                .take(whole)
                .map(|step| (*step).to_owned())
                .collect(),
        );
    }

    pub(super) fn pruned(&self) -> &[Vec<String>] {
        &self.pruned
    }

    /// Whether something in this setting was left out: what it seems to lack may be just that.
    pub(super) fn is_follow_on(&self, path: &[&str]) -> bool {
        let within = |pruned: &Vec<String>| {
            pruned.len() > path.len() && pruned.iter().zip(path).all(|(a, b)| a == b)
        };
        self.pruned.iter().any(within)
    }

    /// How many problems were noted so far.
    pub(super) fn count(&self) -> usize {
        self.list.len()
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
        Err(Problems::sorted(self.file, std::mem::take(&mut self.list)))
    }

    pub(super) fn into_problems(self) -> Problems {
        Problems::sorted(self.file, self.list)
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
