//! Target `json`: the reader of claims accepts what a second reader accepts, apart from stricter
//! rules that are known.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use watchword::token::Claims;

/// A value without duplicate member names, read by `serde_json`.
pub struct Strict {
    value: Value,
    depth: usize,
    values: usize,
}

impl Strict {
    pub fn read(text: &[u8]) -> Option<Self> {
        let Unique(value) = serde_json::from_slice(text).ok()?;
        Some(Self {
            depth: depth(&value),
            values: values(&value),
            value,
        })
    }

    pub fn value(self) -> Value {
        self.value
    }

    /// The value, if it is nested this deep at most, and has at most so many values.
    pub fn within(self, depth: usize, values: usize) -> Option<Value> {
        (self.depth <= depth && self.values <= values).then_some(self.value)
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn values(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(values).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(values).sum::<usize>(),
        _ => 1,
    }
}

/// Refuses duplicate names, of which `serde_json` keeps the last.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("infinite"))?;
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unique(element)) = elements.next_element()? {
            all.push(element);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, Unique(value))) = members.next_entry::<String, Unique>()? {
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom("a duplicate"));
            }
        }
        Ok(all.into())
    }
}

/// The reader and the second one agree on which texts are claims. A text that nests deeper than the
/// second reader allows has no second opinion, and must be refused.
pub fn json(data: &[u8]) -> bool {
    let ours = Claims::parse(data);
    let theirs = Strict::read(data).and_then(|read| read.within(32, 12 * 1024));
    let theirs = theirs.is_some_and(|value| value.is_object());
    assert_eq!(
        ours.is_ok(),
        theirs,
        "one reader only takes {:?}: {ours:?}",
        String::from_utf8_lossy(data)
    );
    let Ok(claims) = ours else {
        return false;
    };
    // Each value takes at most 104 bytes beside its text.
    assert!(claims.heap_size() <= 104 * (data.len() + 2) + 2 * data.len() + 256);
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"a\":{open}{close}}}")
    };
    let texts = [
        r#"{"iss":"https://hs.example","aud":["orders-api","x"],"exp":1700000300,"nbf":1.5e3}"#,
        r#" { "a" : [ 1 , -0.0 , true , false , null , {"b":{}} ] } "#,
        r#"{"\u0061":"\ud83d\ude00\n\"\\\/","a2":"é"}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":1e400}"#,
        r#"{"a":0e99999999999}"#,
        r#"{"a":01}"#,
        r#"{"a":1}}"#,
        r#"[{"a":1}]"#,
        r#"{"a":18446744073709551616,"b":-9223372036854775809}"#,
        &deep(31),
        &deep(32),
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
