//! A YAML document as a tree in which every value knows its position.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Spanned};

use super::path::{PathStep, SettingPath};
use super::problem::{Position, Problem};

/// Most mappings and lists within each other.
const MAX_DEPTH: usize = 32;

/// A parsed document.
pub(super) struct Document {
    pub(super) root: Node,
}

pub(super) struct Node {
    pub(super) position: Position,
    pub(super) origin: Origin,
    pub(super) value: Value,
}

/// The source of a value's text.
pub(super) enum Origin {
    /// It stands in the document as it is.
    Document,
    /// A text with a `$` in it was expanded.
    Expanded {
        /// The variables whose values are in it.
        variables: Vec<String>,
        /// True if the text was one reference and nothing else.
        whole: bool,
    },
    /// It could not be expanded, which was noted; the text is of no use.
    Failed,
}

pub(super) enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

pub(super) struct Key {
    pub(super) position: Position,
    pub(super) name: String,
}

impl Document {
    /// Reads one document. The parser refuses repeated keys, alias bombs and deep nesting.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let options = serde_saphyr::options! {
            strict_booleans: true,
            budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
            with_snippet: false,
        };
        match serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options) {
            Ok(root) => Ok(Self { root: node(root) }),
            Err(error) => Err(syntax_problem(&error)),
        }
    }

    /// The position of the name of the value at a path, if there is one.
    pub(super) fn name_position(&self, path: &SettingPath) -> Option<Position> {
        let Some((PathStep::Member(name), _)) = path.steps().split_last() else {
            return None;
        };
        let Value::Map(members) = &self.last_on(&path.parent()).value else {
            return None;
        };
        let mut members = members.iter();
        let (key, _) = members.find(|(key, _)| key.name == *name)?;
        Some(key.position)
    }

    /// The variables in the value at a path, or in the last value on it that exists.
    pub(super) fn variables(&self, path: &SettingPath) -> &[String] {
        match &self.last_on(path).origin {
            Origin::Expanded { variables, .. } => variables,
            Origin::Document | Origin::Failed => &[],
        }
    }

    /// Returns true if there is a value at this very path.
    pub(super) fn has(&self, path: &SettingPath) -> bool {
        let mut steps = path.steps().iter();
        let node = steps.try_fold(&self.root, |node, step| node.child(step));
        node.is_some()
    }

    /// The value at a path, or the last value on it that exists.
    pub(super) fn last_on(&self, path: &SettingPath) -> &Node {
        let mut node = &self.root;
        for step in path.steps() {
            match node.child(step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// The document without positions, and without these members.
    pub(super) fn to_json_without(&self, members: &[SettingPath]) -> serde_json::Value {
        let mut json = self.root.to_json();
        for path in members {
            if let Some((PathStep::Member(name), parents)) = path.steps().split_last() {
                let parent = parents
                    .iter()
                    .try_fold(&mut json, |value, step| match step {
                        PathStep::Member(name) => value.get_mut(name),
                        PathStep::Element(index) => value.get_mut(index),
                    });
                if let Some(parent) = parent.and_then(serde_json::Value::as_object_mut) {
                    parent.remove(name);
                }
            }
        }
        json
    }
}

impl Node {
    pub(super) fn child(&self, step: &PathStep) -> Option<&Node> {
        match (&self.value, step) {
            (Value::Map(_), PathStep::Member(name)) => self.member(name),
            (Value::List(elements), PathStep::Element(index)) => elements.get(*index),
            _ => None,
        }
    }

    pub(super) fn member(&self, name: &str) -> Option<&Node> {
        let Value::Map(members) = &self.value else {
            return None;
        };
        let member = members.iter().find(|(key, _)| key.name == name);
        member.map(|(_, node)| node)
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => number.clone().into(),
            Value::String(text) => text.as_str().into(),
            Value::List(elements) => elements.iter().map(Self::to_json).collect(),
            Value::Map(members) => members
                .iter()
                .map(|(key, node)| (key.name.clone(), node.to_json()))
                .collect(),
        }
    }
}

/// An error of the parser in words for authors of configurations, without its position, which
/// stands before it. Shows keys and YAML's own tags, and nothing else of the file, which may be a
/// secret.
fn syntax_problem(error: &Error) -> Problem {
    let cause = match error {
        Error::AliasError { error, .. } => error,
        _ => error,
    };
    let message = match cause {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or_default();
            format!("found the key {key:?} twice; expected it once")
        }
        Error::MultipleDocuments { .. } => "found a second document; expected one".to_owned(),
        Error::NonFiniteFloat { .. } => {
            "found a number that is not finite; a text with digits needs quotes".to_owned()
        }
        // The parser ignores other tags than those of YAML, such as `!!map`.
        Error::UnsupportedTag { tag, .. } => format!("found the tag {tag:?}; expected none"),
        Error::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => format!(
            "found more than {MAX_DEPTH} nested mappings and lists; expected at most {MAX_DEPTH}"
        ),
        Error::NullIntoString { .. } => "found an empty key; expected a name".to_owned(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "found an alias inside the value that it refers to; remove it".to_owned()
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => {
            "the file has too many values, those of its aliases counted each time".to_owned()
        }
        other => format!("cannot read the YAML: {}", unquoted(&other.to_string())),
    };
    match error.location() {
        Some(location) => Problem::new(position(&location), &SettingPath::default(), message),
        None => Problem::of_file(message),
    }
}

/// The first line of a message, without its place, and without what stands between backticks.
fn unquoted(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let text = line.rsplit_once(" at line ").map_or(line, |(text, _)| text);
    let parts: Vec<_> = text.split('`').step_by(2).collect();
    parts.join("…").trim_end_matches([' ', ':']).to_owned()
}

fn node(spanned: Spanned<Value>) -> Node {
    Node {
        position: position(&spanned.referenced),
        origin: Origin::Document,
        value: spanned.value,
    }
}

fn position(location: &serde_saphyr::Location) -> Position {
    Position {
        line: location.line(),
        column: location.column(),
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = serde_json::Number::from_f64(value);
        number
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element::<Spanned<Value>>()? {
            elements.push(node(element));
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let value = map.next_value::<Spanned<Value>>()?;
            let key = Key {
                position: position(&key.referenced),
                name: key.value,
            };
            members.push((key, node(value)));
        }
        Ok(Value::Map(members))
    }
}
