//! Collects the problems and the warnings of a document, each with its place.

use std::path::{Path, PathBuf};

use super::document::{Document, Key};
use super::environment::{Fault, Variables, value_of};
use super::path::SettingPath;
use super::problem::{Problem, Problems};
use super::warning::{Warning, WarningCode};

/// Collects problems while a document is checked.
pub(super) struct Findings<'d> {
    pub(super) file: &'d Path,
    pub(super) document: &'d Document,
    variables: &'d Variables,
    pub(super) look_into_files: bool,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
    /// Settings of wrong form. A section that holds one may seem to lack a setting.
    malformed: Vec<SettingPath>,
    /// Settings of wrong value.
    refused: Vec<SettingPath>,
    /// Settings that are left out of the checks that follow.
    pub(super) unreadable: Vec<SettingPath>,
    /// Files whose content becomes part of the configuration.
    pub(super) files: Vec<PathBuf>,
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
            problems: Vec::new(),
            warnings: Vec::new(),
            malformed: Vec::new(),
            refused: Vec::new(),
            unreadable: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Notes a problem with a value; if the path leaves the document, with the last value on it. A
    /// value from the environment is named in place of `found`, which may quote it.
    pub(super) fn found(&mut self, path: &SettingPath, found: String, expected: &str) {
        let found = self.shown(path, found);
        self.add(path, format!("found {found}; expected {expected}"));
    }

    /// Notes a word that is not among the known ones, with the nearest.
    pub(super) fn unknown(&mut self, path: &SettingPath, text: String, word: &str, known: &[&str]) {
        let is_shown = self.document.variables(path).is_empty();
        let hint = nearest(word, known).filter(|_| is_shown).map(hint);
        let found = self.shown(path, text);
        self.add(path, one_of(&found, known, hint));
    }

    /// Notes a member of a section that has no such setting. `meant` is the setting that its author
    /// most likely meant, if not the one with the most similar name.
    pub(super) fn unknown_key(
        &mut self,
        section: &SettingPath,
        key: &Key,
        known: &[&str],
        meant: Option<String>,
    ) {
        let hint = meant.or_else(|| nearest(&key.name, known).map(hint));
        let message = one_of(&format!("unknown key {:?}", key.name), known, hint);
        let message = self.variables.redact(message);
        let problem = Problem::new(key.position, section, message);
        self.problems.push(problem);
    }

    /// Warns of a value, unless a section that holds it accepts the warning.
    pub(super) fn warn(
        &mut self,
        code: WarningCode,
        path: &SettingPath,
        found: String,
        expected: &str,
    ) {
        let is_accepted = path.with_parents().any(|section| {
            let accepted = section.member("accept_warnings").member(code.name());
            self.document.has(&accepted)
        });
        if is_accepted || self.is_follow_on(path) {
            return;
        }
        let found = self.shown(path, found);
        let problem = self.problem(path, format!("found {found}; expected {expected}"));
        let file = self.file.to_owned();
        self.warnings.push(Warning {
            code,
            file,
            problem,
        });
    }

    /// Notes values that could not be expanded, and leaves them out of the checks that follow.
    pub(super) fn add_faults(&mut self, faults: Vec<Fault>) {
        for (path, message) in &faults {
            self.add(path, message.clone());
        }
        for (path, _) in faults {
            self.leave_out(path);
        }
    }

    /// Notes a problem. The message must not quote a value of the environment.
    pub(super) fn add(&mut self, path: &SettingPath, message: String) {
        if !self.is_follow_on(path) {
            self.problems.push(self.problem(path, message));
        }
    }

    /// Notes a problem with a setting's name.
    pub(super) fn bad_name(&mut self, path: &SettingPath, message: String) {
        let message = self.variables.redact(message);
        let position = self.document.name_position(path);
        let position = position.unwrap_or_else(|| self.document.last_on(path).position);
        if !self.is_follow_on(path) {
            self.problems.push(Problem::new(position, path, message));
        }
    }

    fn problem(&self, path: &SettingPath, message: String) -> Problem {
        let message = self.variables.redact(message);
        Problem::new(self.document.last_on(path).position, path, message)
    }

    /// Text of a value for a message; the variable's name if the value is from the environment.
    pub(super) fn shown(&self, path: &SettingPath, text: String) -> String {
        match self.document.variables(path) {
            [] => text,
            variables => value_of(variables),
        }
    }

    /// Leaves a setting of wrong form out of the checks that follow.
    pub(super) fn leave_out(&mut self, path: SettingPath) {
        // One long list of wrong elements is one setting.
        if self.leave_out_value(&path) {
            self.malformed.push(path);
        }
    }

    /// Leaves a setting of good form and wrong value out of the checks that follow.
    pub(super) fn refuse(&mut self, path: SettingPath, is_readable: bool) {
        if !is_readable {
            self.leave_out_value(&path);
        }
        self.refused.push(path);
    }

    /// An element goes with its list, so that the others keep their places.
    fn leave_out_value(&mut self, path: &SettingPath) -> bool {
        let whole = path.whole();
        let is_new = self.unreadable.last() != Some(&whole);
        if is_new {
            self.unreadable.push(whole);
        }
        is_new
    }

    /// Returns true if a problem with this setting would only follow from one that is already
    /// noted.
    fn is_follow_on(&self, path: &SettingPath) -> bool {
        self.malformed.iter().any(|wrong| wrong.is_within(path))
            || self.refused.iter().any(|wrong| path.is_within(wrong))
    }

    /// Returns true if part of this setting is left out, or of wrong value.
    pub(super) fn is_incomplete(&self, path: &SettingPath) -> bool {
        let mut wrong = self.malformed.iter().chain(&self.refused);
        wrong.any(|wrong| wrong.is_within(path))
    }

    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    /// The warnings, in the order of their places.
    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.sort_by_key(|warning| warning.problem.position);
        warnings
    }

    pub(super) fn fail_if_any(&mut self) -> Result<(), Problems> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let problems = std::mem::take(&mut self.problems);
        Err(Problems::new(self.file, problems, self.take_warnings()))
    }
}

fn one_of(found: &str, known: &[&str], hint: Option<String>) -> String {
    let hint = hint.unwrap_or_default();
    format!("found {found}; expected one of: {}{hint}", known.join(", "))
}

/// The question at the end of a message.
pub(super) fn hint(meant: impl std::fmt::Display) -> String {
    format!("; did you mean \"{meant}\"?")
}

/// The known word most similar to a word, if one is similar.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let score = |candidate: &str| strsim::jaro_winkler(word, candidate);
    let best = known
        .iter()
        .copied()
        .max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) > 0.75).then_some(best)
}
