//! A YAML document as a tree in which every value knows its position.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::problem::{Position, Problem};

/// A parsed document.
pub(super) struct Document {
    root: Node,
}

/// A value with its position.
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) origin: Origin,
    pub(super) value: Value,
}

/// Where a value's text is from.
pub(super) enum Origin {
    /// It stands in the document as it is.
    Document,
    /// A text with a `$` in it was expanded.
    Expanded {
        /// The variables whose values are in it.
        variables: Vec<String>,
        /// Whether the text was one reference and nothing else.
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
    /// Reads one document. Duplicate keys, alias bombs and deep nesting are refused by the parser.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let options = serde_saphyr::options! { strict_booleans: true, budget: serde_saphyr::budget! { max_depth: 32 }, with_snippet: false };
        match serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options) {
            Ok(root) => Ok(Self { root: node(root) }),
            Err(error) => {
                let position = error.location().map_or(Position::START, |at| position(&at));
                let text = error.to_string();
                let found = text.lines().next().unwrap_or_default();
                // The parser's advice to programmers.
                let found = found.replace(", set DuplicateKeyPolicy in Options if acceptable", "");
                let found = found.replace(
                    "; use from_str_multiple or from_str_multiple_with_options",
                    "",
                );
                Err(Problem::new(position, found, "a YAML mapping of settings"))
            }
        }
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    pub(super) fn root_mut(&mut self) -> &mut Node {
        &mut self.root
    }

    /// The position of the value at a path, or of the deepest value on the way that exists.
    pub(super) fn position(&self, path: &[&str]) -> Position {
        self.deepest(path).position
    }

    /// The variables from which that value is; empty where none is.
    pub(super) fn variables(&self, path: &[&str]) -> &[String] {
        match &self.deepest(path).origin {
            Origin::Expanded { variables, .. } => variables,
            Origin::Document | Origin::Failed => &[],
        }
    }

    /// Whether there is a value at this very path.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        let node = path
            .iter()
            .try_fold(&self.root, |node, step| node.child(step));
        node.is_some()
    }

    /// Whether the value at a path is a mapping with nothing in it.
    pub(super) fn is_empty_map(&self, path: &[&str]) -> bool {
        matches!(&self.deepest(path).value, Value::Map(members) if members.is_empty())
    }

    fn deepest(&self, path: &[&str]) -> &Node {
        let mut node = &self.root;
        for step in path {
            match node.child(step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// The document without positions, and without these members.
    pub(super) fn to_json_without(&self, members: &[Vec<String>]) -> serde_json::Value {
        let mut json = self.root.to_json();
        for path in members {
            if let Some((name, parents)) = path.split_last() {
                let parent = parents.iter().try_fold(&mut json, |value, step| {
                    match step
                        .strip_prefix('[')
                        .and_then(|step| step.strip_suffix(']'))
                    {
                        Some(index) => value.get_mut(index.parse::<usize>().ok()?),
                        None => value.get_mut(step),
                    }
                });
                parent
                    .and_then(serde_json::Value::as_object_mut)
                    .map(|parent| parent.remove(name));
            }
        }
        json
    }
}

impl Node {
    /// A member by its name, or an element by `[index]`.
    pub(super) fn child(&self, step: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(members) => members
                .iter()
                .find(|(key, _)| key.name == step)
                .map(|(_, node)| node),
            Value::List(elements) => {
                let index = step
                    .strip_prefix('[')?
                    .strip_suffix(']')?
                    .parse::<usize>()
                    .ok()?;
                elements.get(index)
            }
            _ => None,
        }
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

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
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
