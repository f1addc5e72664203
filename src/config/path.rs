//! The place of a setting in the document, such as `issuers.corp.jwks` or `rules[2].match`.

use std::fmt;

/// The steps from the document's root to a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SettingPath(Vec<PathStep>);

/// One step: into a mapping or into a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathStep {
    Member(String),
    Element(usize),
}

impl SettingPath {
    pub(super) fn member(&self, name: &str) -> Self {
        self.with(PathStep::Member(name.to_owned()))
    }

    pub(super) fn element(&self, index: usize) -> Self {
        self.with(PathStep::Element(index))
    }

    pub(super) fn with(&self, step: PathStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    pub(super) fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// The mapping or list that holds the setting.
    pub(super) fn parent(&self) -> Self {
        let length = self.0.len().saturating_sub(1);
        Self(self.0.iter().take(length).cloned().collect())
    }

    /// All mappings and lists that hold the setting, from the root, and the setting itself.
    pub(super) fn with_parents(&self) -> impl Iterator<Item = Self> {
        (0..=self.0.len()).map(|length| Self(self.0.iter().take(length).cloned().collect()))
    }

    /// The setting that holds this element: itself, if it is none.
    pub(super) fn whole(&self) -> Self {
        let is_member = |step: &PathStep| matches!(step, PathStep::Member(_));
        let length = self.0.iter().rposition(is_member).map_or(0, |at| at + 1);
        Self(self.0.iter().take(length).cloned().collect())
    }

    /// Returns true if this is the other setting, or part of it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Member(name) if place == 0 => f.write_str(name)?,
                PathStep::Member(name) => write!(f, ".{name}")?,
                PathStep::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
