//! A setting while it is checked: its value, its place, and where its problems go.

use std::fmt::Display;
use std::path::Path;

use super::environment::value_of;
use super::findings::Findings;
use super::mistakes::Mistake;
use super::path::SettingPath;
use super::warning::WarningCode;

/// A setting of the document, or a section of them.
pub(super) struct Setting<'s, 'd, T: ?Sized> {
    pub(super) value: &'s T,
    path: SettingPath,
    pub(super) findings: &'s mut Findings<'d>,
}

impl<'s, 'd, T: ?Sized> Setting<'s, 'd, T> {
    /// The document as a whole.
    pub(super) fn root(value: &'s T, findings: &'s mut Findings<'d>) -> Self {
        let path = SettingPath::default();
        Self {
            value,
            path,
            findings,
        }
    }

    /// A setting of this section.
    pub(super) fn member<'c, U: ?Sized>(
        &'c mut self,
        name: &str,
        value: &'c U,
    ) -> Setting<'c, 'd, U> {
        Setting {
            value,
            path: self.path.member(name),
            findings: self.findings,
        }
    }

    /// An element of this list.
    pub(super) fn element<'c, U: ?Sized>(
        &'c mut self,
        index: usize,
        value: &'c U,
    ) -> Setting<'c, 'd, U> {
        Setting {
            value,
            path: self.path.element(index),
            findings: self.findings,
        }
    }

    /// Notes that the value is not as expected. One from the environment is not quoted but named.
    pub(super) fn found(&mut self, found: impl Into<String>, expected: &str) {
        self.findings.found(&self.path, found.into(), expected);
    }

    /// Notes what the value turned out to be, without quoting it.
    pub(super) fn unusable(&mut self, found: impl Display, expected: &str) {
        self.note_unusable("found ", &found, expected);
    }

    /// Notes why the value cannot be used. The error may name a file.
    pub(super) fn failed(&mut self, error: impl Display, expected: &str) {
        self.note_unusable("", &error, expected);
    }

    fn note_unusable(&mut self, prefix: &str, cause: &dyn Display, expected: &str) {
        let prefix = match self.findings.document.variables(&self.path) {
            [] => prefix.to_owned(),
            variables => format!("found {}: ", value_of(variables)),
        };
        let message = format!("{prefix}{cause}; expected {expected}");
        self.findings.add(&self.path, message);
    }

    /// Notes a problem with the setting's name.
    pub(super) fn bad_name(&mut self, found: impl Display, expected: &str) {
        let message = format!("found {found}; expected {expected}");
        self.findings.bad_name(&self.path, message);
    }

    /// Notes in one sentence that settings contradict each other, and how to fix it.
    pub(super) fn contradiction(&mut self, sentence: impl Into<String>) {
        self.findings.add(&self.path, sentence.into());
    }

    /// Notes a word that is not among the known ones, with the nearest.
    pub(super) fn unknown<'k>(
        &mut self,
        kind: &str,
        word: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        let (text, known) = (format!("{kind} {word:?}"), known.collect::<Vec<_>>());
        self.findings.unknown(&self.path, text, word, &known);
    }

    /// Notes a mistake, or warns of it.
    pub(super) fn mistake(&mut self, mistake: Option<Mistake>) {
        match mistake {
            Some(Mistake {
                code: Some(code),
                found,
                expected,
            }) => self.warn(code, found, &expected),
            Some(mistake) => self.found(mistake.found, &mistake.expected),
            None => {}
        }
    }

    /// As [`Setting::mistake`], for the setting's name.
    pub(super) fn name_mistake(&mut self, mistake: Option<Mistake>) {
        match mistake {
            Some(mistake) if mistake.is_never_right() => {
                self.bad_name(mistake.found, &mistake.expected);
            }
            other => self.mistake(other),
        }
    }

    pub(super) fn warn(&mut self, code: WarningCode, found: impl Into<String>, expected: &str) {
        self.findings.warn(code, &self.path, found.into(), expected);
    }

    /// Returns true if the document has this member.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.findings.document.has(&self.path.member(name))
    }

    /// Text of a member's value for a message about this setting; the name of the variable if the
    /// value is from the environment.
    pub(super) fn shown(&self, name: &str, text: impl Into<String>) -> String {
        self.findings.shown(&self.path.member(name), text.into())
    }

    /// Text of this value for a message; the name of the variable if it is from the environment.
    pub(super) fn quoted(&self, text: &str) -> String {
        self.findings.shown(&self.path, format!("{text:?}"))
    }

    /// As [`Setting::shown`], of a setting beside this section.
    pub(super) fn shown_beside(&self, name: &str, text: impl Into<String>) -> String {
        self.findings
            .shown(&self.path.parent().member(name), text.into())
    }

    /// Returns true if part of this setting is left out, or of wrong value.
    pub(super) fn is_incomplete(&self) -> bool {
        self.findings.is_incomplete(&self.path)
    }

    /// A path in the configuration, seen from its file's folder.
    pub(super) fn resolve(&self, path: &str) -> std::path::PathBuf {
        let folder = self.findings.file.parent().unwrap_or(Path::new(""));
        folder.join(path)
    }
}

impl<T> Setting<'_, '_, [T]> {
    /// Calls a function with each element.
    pub(super) fn for_each(&mut self, mut check: impl FnMut(Setting<'_, '_, T>)) {
        for (index, element) in self.value.iter().enumerate() {
            check(self.element(index, element));
        }
    }
}
