use proptest::prelude::*;
use serde_json::Value;

use super::{Json, JsonError};

fn parse(text: &str) -> Result<Json, JsonError> {
    Json::parse(text.as_bytes(), usize::MAX)
}

/// The same value as another reader sees it; numbers as doubles.
fn same(ours: &Json, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(a), Value::Bool(b)) => a == b,
        (Json::Number(a), Value::Number(b)) => b
            .as_f64()
            .is_some_and(|b| (a.to_f64() - b).abs() <= b.abs() * 1e-12),
        (Json::String(a), Value::String(b)) => **a == **b,
        (Json::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Value::Object(b)) => {
            a.iter().count() == b.len()
                && b.iter()
                    .all(|(name, b)| a.get(name).is_some_and(|a| same(a, b)))
        }
        _ => false,
    }
}

/// Text made of JSON's own pieces, so that a good part of it is JSON, or nearly.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\"a\""),
        Just("\"b\""),
        Just("\"\\u0061\""),
        Just("\"\\ud83d\\ude00\""),
        Just("\"\\ud800\""),
        Just("\"\\n\u{e9}\""),
        Just("1"),
        Just("-0"),
        Just("1.5e3"),
        Just("01"),
        Just("1."),
        Just("9007199254740993"),
        Just("true"),
        Just("false"),
        Just("null"),
        Just(" "),
        Just("\n"),
        Just("nul"),
        Just("\u{feff}"),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// The number of values in one, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Bytes that are held on the heap, and in how many pieces.
fn held(json: &Json) -> (usize, usize) {
    let add = |(a, b): (usize, usize), (c, d): (usize, usize)| (a + c, b + d);
    let piece = |bytes: usize| (bytes, usize::from(bytes > 0));
    match json {
        Json::Null | Json::Bool(_) => (0, 0),
        Json::Number(number) => piece(number.as_str().len()),
        Json::String(text) => piece(text.len()),
        Json::Array(elements) => {
            let list = piece(elements.len() * size_of::<Json>());
            elements.iter().map(held).fold(list, add)
        }
        Json::Object(members) => {
            let list = piece(members.iter().count() * size_of::<(Box<str>, Json)>());
            let member = |(name, value): (&str, &Json)| add(piece(name.len()), held(value));
            members.iter().map(member).fold(list, add)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_accepted_means_the_same_to_another_reader(text in pieces()) {
        if let Ok(ours) = parse(&text) {
            let theirs: Value = serde_json::from_str(&text).unwrap();
            prop_assert!(same(&ours, &theirs), "{text}");
        }
    }

    #[test]
    fn every_value_that_another_writer_writes_is_read(value in value()) {
        let text = value.to_string();
        prop_assert!(same(&parse(&text).unwrap(), &value), "{text}");
        let mut ascii = String::new();
        parse(&text).unwrap().write_ascii(&mut ascii);
        prop_assert!(ascii.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        prop_assert!(parse(&ascii).unwrap() == parse(&text).unwrap(), "{ascii}");
    }

    #[test]
    fn as_many_values_are_read_as_the_caller_wants(value in value()) {
        let text = value.to_string();
        let (whole, values) = Json::parse_counted(text.as_bytes(), usize::MAX).unwrap();
        prop_assert_eq!(values, count(&value));
        prop_assert!(Json::parse(text.as_bytes(), values).unwrap() == whole, "{}", text);
        let most = values - 1;
        let refused = Json::parse(text.as_bytes(), most).unwrap_err();
        let is_named = matches!(refused, JsonError::Values { most: named, .. } if named == most);
        prop_assert!(is_named);
    }

    #[test]
    fn it_costs_what_its_parts_hold_and_what_the_allocator_adds(value in value()) {
        let json = parse(&value.to_string()).unwrap();
        let (bytes, allocations) = held(&json);
        prop_assert!(json.heap_size() >= bytes + 16 * allocations);
        prop_assert!(json.heap_size() <= bytes + 31 * allocations);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::parse(&bytes, usize::MAX);
    }
}

#[test]
fn duplicate_names_are_refused_however_they_are_spelled() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"\u0061":3}"#,
        r#"[{"x":{"":0,"":0}}]"#,
    ] {
        assert!(
            matches!(parse(text), Err(JsonError::Duplicate(_))),
            "{text}"
        );
    }
    assert!(parse(r#"{"a":1,"A":1,"b":{"a":1}}"#).is_ok());
}

#[test]
fn lone_surrogates_are_refused_and_pairs_are_read() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\u0061""#,
        r#""\ud800x""#,
        r#""\ud800\ud800""#,
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert_eq!(
        parse(r#""\ud83d\ude00""#).unwrap().as_str(),
        Some("\u{1f600}")
    );
}

#[test]
fn nesting_is_read_to_32_levels() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&nested(32)).is_ok());
    assert!(matches!(parse(&nested(33)), Err(JsonError::Depth(32))));
    assert!(matches!(
        parse(&"[".repeat(1_000_000)),
        Err(JsonError::Depth(32))
    ));
}

#[test]
fn numbers_keep_their_text() {
    for text in [
        "9007199254740993",
        "123456789012345678901234567890",
        "-0",
        "1.0",
        "1e21",
        "0.10",
    ] {
        let Json::Number(number) = parse(text).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(number.as_str(), text);
    }
    for text in [
        "01", "+1", "1.", ".5", "1e", "--1", "0x1", "NaN", "Infinity", "1_000",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn nothing_but_one_value_is_accepted() {
    for text in [
        "",
        " ",
        "{}{}",
        "1 2",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "// c\n1",
        "\"a\nb\"",
        "\"\\x\"",
        "\u{feff}{}",
        "truex",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    assert!(Json::parse(b"\"\xff\"", 9).is_err());
    assert!(parse(" \t\r\n{ } ").is_ok());
}

#[test]
fn a_text_with_too_many_values_is_refused_where_the_next_begins() {
    let refused = Json::parse(b"[[0],[0],[0]]", 4).unwrap_err();
    assert_eq!(refused, JsonError::Values { most: 4, at: 6 });
    assert_eq!(refused.to_string(), "more than 4 values at byte 6");
    assert!(Json::parse(b"[[0],[0],[0]]", 7).is_ok());
    assert!(Json::parse(b"{\"a\":{\"b\":1}}", 3).is_ok());
    assert!(Json::parse(b"{\"a\":{\"b\":1}}", 2).is_err());
}
