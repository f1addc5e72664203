//! Collecting what is wrong, and what is most likely not meant, each with its place in the
//! document.

use std::path::{Path, PathBuf};

use super::document::{Document, Key};
use super::environment::{Fault, Variables, value_of};
use super::mistakes::Mistake;
use super::problem::{Problem, Problems};
use super::warning::{Warning, WarningCode};

/// Collects problems while a document is checked.
pub(super) struct Findings<'d> {
    file: &'d Path,
    document: &'d Document,
    variables: &'d Variables,
    look_into_files: bool,
    list: Vec<Problem>,
    warnings: Vec<Warning>,
    /// Settings that are left out of the checks that follow, since their form is wrong.
    pruned: Vec<Vec<String>>,
    /// Files whose content becomes part of the configuration.
    files: Vec<PathBuf>,
}

impl<'d> Findings<'d> {
    pub(super) fn new(
        file: &'d Path,
        document: &'d Document,
        variables: &'d Variables,
        look_into_files: bool,
    ) -> Self {
        Self {
            file,
            document,
            variables,
            look_into_files,
            list: Vec::new(),
            warnings: Vec::new(),
            pruned: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Notes a problem with the value at a path; where the path leaves the document, with its parent. What was found
    /// may quote the value: one that is from the environment is named instead.
    pub(super) fn add(
        &mut self,
        path: &[&str],
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let found = self.shown(path, found);
        self.push(path, found, expected.into());
    }

    /// Notes why a value is of no use, in words that do not quote it.
    pub(super) fn add_cause(
        &mut self,
        path: &[&str],
        cause: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let found = match self.document.variables(path) {
            [] => cause.into(),
            variables => format!("{}: {}", value_of(variables), cause.into()),
        };
        self.push(path, found, expected.into());
    }

    /// Notes a problem with the name under which the value at a path stands.
    pub(super) fn add_key(
        &mut self,
        path: &[&str],
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(path, found.into(), expected.into());
    }

    /// Warns of the value at a path, unless a section that it stands in accepts that.
    pub(super) fn warn(
        &mut self,
        code: WarningCode,
        path: &[&str],
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let accepted = (0..=path.len()).any(|length| {
            let section = path.iter().take(length).copied();
            let setting: Vec<&str> = section.chain(["accept_warnings", code.name()]).collect();
            self.document.has(&setting)
        });
        if accepted || self.is_follow_on(path) {
            return;
        }
        let found = self.shown(path, found);
        let found = self.variables.redact(found);
        let position = self.document.position(path);
        let problem = Problem::new(position, found, expected).within(path);
        self.warnings.push(Warning::new(code, self.file, problem));
    }

    /// Notes a mistake at a path, or warns of it.
    pub(super) fn mistake(&mut self, path: &[&str], mistake: Option<Mistake>) {
        let Some(mistake) = mistake else { return };
        match mistake.code {
            Some(code) => self.warn(code, path, mistake.found, mistake.expected),
            None => self.add(path, mistake.found, mistake.expected),
        }
    }

    /// As [`Findings::mistake`], for the name under which the value at a path stands.
    pub(super) fn mistake_in_key(&mut self, path: &[&str], mistake: Option<Mistake>) {
        match mistake {
            Some(mistake) if mistake.is_never_right() => {
                self.add_key(path, mistake.found, mistake.expected);
            }
            other => self.mistake(path, other),
        }
    }

    /// The warnings, in the order of their places.
    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.sort_by_key(Warning::position);
        warnings
    }

    /// Whether the document has a value at this path that is a mapping with nothing in it.
    pub(super) fn is_empty_map(&self, path: &[&str]) -> bool {
        self.document.has(path) && self.document.is_empty_map(path)
    }

    /// Notes values that could not be expanded, and leaves them out of the checks that follow.
    pub(super) fn add_faults(&mut self, faults: &[Fault]) {
        for fault in faults {
            self.push(&fault.steps(), fault.found.clone(), fault.expected.clone());
        }
        for fault in faults {
            self.prune(&fault.steps());
        }
    }

    fn push(&mut self, path: &[&str], found: String, expected: String) {
        if self.is_follow_on(path) {
            return;
        }
        let found = self.variables.redact(found);
        let position = self.document.position(path);
        self.list
            .push(Problem::new(position, found, expected).within(path));
    }

    /// The text of a value for a message, or its name where it is from the environment.
    pub(super) fn shown(&self, path: &[&str], text: impl Into<String>) -> String {
        match self.document.variables(path) {
            [] => text.into(),
            variables => value_of(variables),
        }
    }

    /// Notes a value that is not among the words that are known, with the nearest one.
    pub(super) fn add_unknown<'k>(
        &mut self,
        path: &[&str],
        kind: &str,
        word: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        let position = self.document.position(path);
        let found = self.shown(path, format!("{kind} {word:?}").trim_start());
        let secret = !self.document.variables(path).is_empty();
        let (expected, nearest) = choices(word, known);
        let problem = Problem::new(position, found, expected);
        let problem = problem.hint(nearest.filter(|_| !secret));
        self.list.push(problem.within(path));
    }

    /// Notes a key that is not among those that are known, with the nearest one.
    pub(super) fn add_unknown_key<'k>(
        &mut self,
        path: &[&str],
        key: &Key,
        known: impl Iterator<Item = &'k str>,
    ) {
        let found = format!("unknown key {:?}", key.name);
        let (expected, nearest) = choices(&key.name, known);
        let problem = Problem::new(key.position, found, expected).hint(nearest);
        self.list.push(problem.within(path));
    }

    /// Leaves a setting out of the checks that follow. An element of a list goes with its list, so that the others
    /// keep their places.
    pub(super) fn prune(&mut self, path: &[&str]) {
        let whole = path
            .iter()
            .rposition(|step| !step.starts_with('['))
            .map_or(0, |at| at + 1);
        let setting = path.iter().take(whole).map(|step| (*step).to_owned());
        let setting: Vec<_> = setting.collect();
        // One long list of wrong elements is one setting.
        if self.pruned.last() != Some(&setting) {
            self.pruned.push(setting);
        }
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

    /// Notes a file whose content becomes part of the configuration, so that a change of it is one of the configuration.
    pub(super) fn follow(&mut self, file: &Path) {
        self.files.push(file.to_owned());
    }

    pub(super) fn take_files(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.files)
    }

    pub(super) fn look_into_files(&self) -> bool {
        self.look_into_files
    }

    pub(super) fn fail_if_any(&mut self) -> Result<(), Problems> {
        if self.list.is_empty() {
            return Ok(());
        }
        let problems = Problems::sorted(self.file, std::mem::take(&mut self.list));
        Err(problems.with_warnings(self.take_warnings()))
    }

    pub(super) fn into_problems(mut self) -> Problems {
        let warnings = self.take_warnings();
        Problems::sorted(self.file, self.list).with_warnings(warnings)
    }
}

/// What is expected, and the nearest to a word.
fn choices<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> (String, Option<&'k str>) {
    let known: Vec<&str> = known.collect();
    (
        format!("one of: {}", known.join(", ")),
        nearest(word, &known),
    )
}

fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let score = |candidate: &str| strsim::jaro_winkler(word, candidate);
    let best = known
        .iter()
        .copied()
        .max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) > 0.75).then_some(best)
}
