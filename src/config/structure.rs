//! The settings that a configuration has, without their values: enough to see that a file is only
//! half written.
//!
//! A file that is cut off between two lines can be a good configuration with fewer rules and
//! demands. What it lacks is compared with the configuration in use.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use super::document::{Document, Node, Value};

/// The settings that a configuration has, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Structure {
    root: Shape,
    /// True if the last line of its text has its line break.
    last_line_ends: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Scalar,
    Map(Vec<(String, Shape)>),
    List(Vec<Element>),
}

/// An element of a list, with digests of what tells a rule from others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Element {
    name: Option<u64>,
    matches: Option<u64>,
    shape: Shape,
}

/// A part that a configuration has and its successor lacks: the successor may be half written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    #[error(
        "rules is gone, so any valid token would open every path; if you mean that, write \
         \"rules: any_valid_token\""
    )]
    Rules,
    #[error(
        "rules[{0}].require is gone, so any valid token would be enough; if you mean that, write \
         \"require: {{}}\""
    )]
    Require(usize),
    #[error("the file's last line has no line break")]
    LineBreak,
    /// The last rule is new.
    #[error("the file ends with rules[{0}], which has no require")]
    LastRequire(usize),
    #[error("the file ends before {0}, which the configuration in use has")]
    End(String),
}

/// A setting that a successor lacks at its end.
struct Missing {
    path: String,
    /// A whole rule or issuer. Without it, no more can pass; any other setting may be a limit.
    is_whole_entry: bool,
}

impl Structure {
    pub(super) fn of(document: &Document, text: &str) -> Self {
        Self {
            root: Shape::of(&document.root),
            last_line_ends: text.ends_with('\n'),
        }
    }

    /// The part whose absence makes rules of the successor weaker, so that it must be stated.
    pub(crate) fn weakened_in(&self, successor: &Self) -> Option<Loss> {
        let rules = self.root.member("rules").and_then(Shape::list)?;
        let Some(new_rules) = successor.root.member("rules") else {
            return Some(Loss::Rules);
        };
        let mut new_rules = new_rules.list()?.iter().enumerate();
        let lost = new_rules.find(|(place, rule)| {
            let counterpart = rule.counterpart_in(rules, *place);
            let old = counterpart.and_then(|at| rules.get(at));
            !rule.has_require() && old.is_some_and(Element::has_require)
        });
        lost.map(|(place, _)| Loss::Require(place))
    }

    /// The sign that the successor's file was cut off where that may let more pass: in the middle
    /// of a line, or within its last section.
    pub(crate) fn cut_off_in(&self, successor: &Self) -> Option<Loss> {
        if self.last_line_ends && !successor.last_line_ends {
            return Some(Loss::LineBreak);
        }
        let mut missing = self.missing_at_end(successor).into_iter();
        let weakening = missing.rfind(|missing| !missing.is_whole_entry);
        weakening
            .map(|missing| Loss::End(missing.path))
            .or_else(|| self.last_require_missing_in(successor))
    }

    /// The first setting that the successor lacks behind its last one.
    pub(crate) fn shortened_in(&self, successor: &Self) -> Option<Loss> {
        let missing = self.missing_at_end(successor).into_iter().next();
        missing.map(|missing| Loss::End(missing.path))
    }

    fn last_require_missing_in(&self, successor: &Self) -> Option<Loss> {
        let Shape::Map(members) = &successor.root else {
            return None;
        };
        let (name, last) = members.last()?;
        let rules = last.list().filter(|_| name == "rules")?;
        let place = rules.len().checked_sub(1)?;
        let rule = rules.last().filter(|rule| !rule.has_require())?;
        let old = self.root.member("rules").and_then(Shape::list)?;
        let is_known = rule.counterpart_in(old, place).is_some();
        (!is_known).then_some(Loss::LastRequire(place))
    }

    /// The settings that the successor lacks behind its last one, in each section that holds that
    /// one, from the outermost.
    fn missing_at_end(&self, successor: &Self) -> Vec<Missing> {
        let mut missing = Vec::new();
        let mut path = String::new();
        let (mut old, mut new) = (&self.root, &successor.root);
        loop {
            let (next, step, lack) = match (old, new) {
                (Shape::Map(old), Shape::Map(new)) => end_of_map(old, new),
                (Shape::List(old), Shape::List(new)) => end_of_list(old, new),
                _ => return missing,
            };
            let join = |step: &str| {
                let dot = if path.is_empty() || step.starts_with('[') {
                    ""
                } else {
                    "."
                };
                format!("{path}{dot}{step}")
            };
            missing.extend(lack.map(|lack| Missing {
                is_whole_entry: matches!(path.as_str(), "rules" | "issuers"),
                path: join(&lack),
            }));
            let Some((next_old, next_new)) = next else {
                return missing;
            };
            path = join(&step);
            (old, new) = (next_old, next_new);
        }
    }
}

/// The last setting of a section in both configurations, its name, and the first that is missing
/// behind it.
type End<'s> = (Option<(&'s Shape, &'s Shape)>, String, Option<String>);

fn end_of_map<'s>(old: &'s [(String, Shape)], new: &'s [(String, Shape)]) -> End<'s> {
    let Some((name, last)) = new.last() else {
        return (None, String::new(), None);
    };
    let at = old.iter().position(|(other, _)| other == name);
    let lacks = |(other, _): &&(String, Shape)| !new.iter().any(|(name, _)| name == other);
    // Where the last setting is new, so is the order.
    let mut behind = old.iter().skip(at.map_or(0, |at| at + 1));
    let missing = behind.find(lacks).map(|(name, _)| name.clone());
    let next = at
        .and_then(|at| old.get(at))
        .map(|(_, shape)| (shape, last));
    (next, name.clone(), missing)
}

fn end_of_list<'s>(old: &'s [Element], new: &'s [Element]) -> End<'s> {
    let Some((place, last)) = new.iter().enumerate().next_back() else {
        return (None, String::new(), None);
    };
    let at = last.counterpart_in(old, place);
    let is_missing =
        |(place, element): &(usize, &Element)| element.counterpart_in(new, *place).is_none();
    let mut behind = old.iter().enumerate().skip(at.map_or(0, |at| at + 1));
    let missing = behind
        .find(is_missing)
        .map(|(place, _)| format!("[{place}]"));
    let next = at
        .and_then(|at| old.get(at))
        .map(|old| (&old.shape, &last.shape));
    (next, format!("[{place}]"), missing)
}

impl Shape {
    fn of(node: &Node) -> Self {
        match &node.value {
            Value::Map(members) => {
                let members = members.iter();
                let members = members.map(|(key, node)| (key.name.clone(), Self::of(node)));
                Self::Map(members.collect())
            }
            Value::List(elements) => Self::List(elements.iter().map(Element::of).collect()),
            _ => Self::Scalar,
        }
    }

    fn member(&self, name: &str) -> Option<&Self> {
        let Self::Map(members) = self else {
            return None;
        };
        let member = members.iter().find(|(other, _)| other == name);
        member.map(|(_, shape)| shape)
    }

    fn list(&self) -> Option<&[Element]> {
        match self {
            Self::List(elements) => Some(elements),
            _ => None,
        }
    }
}

impl Element {
    fn of(node: &Node) -> Self {
        let digest = |name: &str| {
            let text = node.member(name)?.to_json().to_string();
            Some(BuildHasherDefault::<DefaultHasher>::default().hash_one(text))
        };
        Self {
            name: digest("name"),
            matches: digest("match"),
            shape: Shape::of(node),
        }
    }

    fn has_require(&self) -> bool {
        self.shape.member("require").is_some()
    }

    /// The place of the same element in another list: one of the same name, else one with the same
    /// match. A value that is no section is the same where it stands at the same place.
    fn counterpart_in(&self, others: &[Self], place: usize) -> Option<usize> {
        if self.shape == Shape::Scalar {
            return others.get(place).map(|_| place);
        }
        let by_name = |other: &Self| self.name.is_some() && other.name == self.name;
        let is_bare = |element: &Self| element.matches.is_none() && element.name.is_none();
        let by_match = |other: &Self| match self.matches {
            Some(_) => other.matches == self.matches,
            None => is_bare(self) && is_bare(other),
        };
        let found = others.iter().position(by_name);
        found.or_else(|| others.iter().position(by_match))
    }
}

#[cfg(test)]
mod tests;
