//! The settings that a configuration has, without their values: enough to see that a file is only
//! half written.
//!
//! A file that is cut off between two lines can be a good configuration with fewer rules and
//! demands. What it lacks is compared with the configuration in use.

use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use super::document::{Document, Node, Value};

/// The settings that a configuration has, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure(Shape);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Scalar,
    Map(Vec<(String, Shape)>),
    List(Vec<Element>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Element {
    /// A digest of what tells a rule from others: its name, else its match, else that it has
    /// neither.
    identity: u64,
    shape: Shape,
}

/// What a configuration has and its successor lacks, so that the latter may be only half written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The list of rules.
    Rules,
    /// What a rule requires. It has the rule's place.
    Require(usize),
    /// Settings behind the point where the successor ends. It has the first of them.
    End(String),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules => f.write_str(
                "rules is gone, so any valid token would open every path; if you mean that, write \
                 \"rules: any_valid_token\"",
            ),
            Self::Require(place) => write!(
                f,
                "rules[{place}].require is gone, so any valid token would be enough; if you mean that, write \
                 \"require: {{}}\""
            ),
            Self::End(setting) => write!(
                f,
                "the file ends before {setting}, which the configuration in use has"
            ),
        }
    }
}

impl Structure {
    pub(super) fn of(document: &Document) -> Self {
        Self(Shape::of(document.root()))
    }

    /// What makes rules weaker by its absence from the successor, and so must be said.
    #[must_use]
    pub fn weakened_in(&self, successor: &Self) -> Option<Loss> {
        let rules = self.0.member("rules").and_then(Shape::list)?;
        let Some(new_rules) = successor.0.member("rules") else {
            return Some(Loss::Rules);
        };
        let new_rules = new_rules.list()?.iter().enumerate();
        let requires = |rule: &Element| rule.shape.member("require").is_some();
        let mut lacking = new_rules.filter(|(_, rule)| !requires(rule));
        let lost = lacking.find(|(place, rule)| {
            let counterpart = rule.counterpart_in(rules, *place);
            counterpart
                .and_then(|at| rules.get(at))
                .is_some_and(requires)
        });
        lost.map(|(place, _)| Loss::Require(place))
    }

    /// What the successor lacks behind its last setting.
    #[must_use]
    pub fn cut_off_in(&self, successor: &Self) -> Option<Loss> {
        let mut path = String::new();
        let (mut old, mut new) = (&self.0, &successor.0);
        loop {
            let (next_old, next_new, step, missing) = match (old, new) {
                (Shape::Map(old), Shape::Map(new)) => {
                    let (name, last) = new.last()?;
                    let at = old.iter().position(|(other, _)| other == name);
                    let lacks =
                        |(other, _): &&(String, Shape)| !new.iter().any(|(name, _)| name == other);
                    // Where the last setting is new, so is the order.
                    let behind = at.map_or(0, |at| at + 1);
                    let missing = old.iter().skip(behind).find(lacks);
                    let missing = missing.map(|(name, _)| name.clone());
                    let next = at.and_then(|at| old.get(at)).map(|(_, shape)| shape);
                    (next, last, name.clone(), missing)
                }
                (Shape::List(old), Shape::List(new)) => {
                    let place = new.len().checked_sub(1)?;
                    let last = new.last()?;
                    let at = last.counterpart_in(old, place);
                    let behind = at.unwrap_or(place) + 1;
                    let missing = old.get(behind).map(|_| format!("[{behind}]"));
                    let next = at.and_then(|at| old.get(at)).map(|element| &element.shape);
                    (next, &last.shape, format!("[{place}]"), missing)
                }
                _ => return None,
            };
            let join = |path: &str, step: &str| {
                let dot = if path.is_empty() || step.starts_with('[') {
                    ""
                } else {
                    "."
                };
                format!("{path}{dot}{step}")
            };
            if let Some(missing) = missing {
                return Some(Loss::End(join(&path, &missing)));
            }
            path = join(&path, &step);
            (old, new) = (next_old?, next_new);
        }
    }
}

impl Shape {
    fn of(node: &Node) -> Self {
        match &node.value {
            Value::Map(members) => {
                let members = members.iter();
                Self::Map(
                    members
                        .map(|(key, node)| (key.name.clone(), Self::of(node)))
                        .collect(),
                )
            }
            Value::List(elements) => Self::List(elements.iter().map(Element::of).collect()),
            _ => Self::Scalar,
        }
    }

    fn member(&self, name: &str) -> Option<&Self> {
        let Self::Map(members) = self else {
            return None;
        };
        let mut members = members.iter();
        members
            .find(|(other, _)| other == name)
            .map(|(_, shape)| shape)
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
        let identity = ["name", "match"].iter().find_map(|name| node.child(name));
        let identity = identity.map(|node| node.to_json().to_string());
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        Self {
            identity: hasher.hash_one(identity),
            shape: Shape::of(node),
        }
    }

    /// The place of the same element in another list: where it stands here, if that may be it, else
    /// wherever it does.
    fn counterpart_in(&self, others: &[Self], place: usize) -> Option<usize> {
        let same = |other: &Self| other.identity == self.identity;
        let there = others.get(place);
        if there.is_some_and(same) {
            return Some(place);
        }
        let elsewhere = others.iter().position(same);
        elsewhere.or(there.map(|_| place))
    }
}

#[cfg(test)]
mod tests;
