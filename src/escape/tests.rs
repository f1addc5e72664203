use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Escaped, escape_lines, is_active};

/// Characters that are not to be printed, by what they do, and neighbours that are.
const ACTIVE: &str = "\0\u{7}\u{8}\t\n\r\u{1b}\u{7f}\u{80}\u{85}\u{9b}\u{9f}\u{ad}\u{61c}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\
    \u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}\u{206f}\u{3164}\u{fe0f}\u{feff}\u{fff9}\
    \u{e0001}\u{e0041}\u{e007f}\u{e01ef}";
const PLAIN: &str = " ~a\"\\é\u{a0}\u{ac}\u{ae}ß\u{2027}\u{202f}\u{2010}\u{2070}中\u{fdff}\u{fffd}\
    \u{1f600}\u{e1000}";

#[test]
fn what_acts_is_told_from_what_is_shown() {
    let missed: Vec<char> = ACTIVE
        .chars()
        .filter(|character| !is_active(*character))
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
    let taken: Vec<char> = PLAIN
        .chars()
        .filter(|character| is_active(*character))
        .collect();
    assert!(taken.is_empty(), "{taken:?}");
}

#[test]
fn escapes_are_those_of_json() {
    let text = "a\u{1b}[31mb\u{202e}c\u{e0041}\u{e9}";
    let escaped = "a\\u001b[31mb\\u202ec\\udb40\\udc41\u{e9}";
    assert_eq!(Escaped(text).to_string(), escaped);
    assert_eq!(Escaped("found \"x\"").to_string(), "found \"x\"");
    assert_eq!(escape_lines("a\nb\r\n\u{85}"), "a\nb\\u000d\n\\u0085");
    assert_eq!(escape_lines("a\nb\n"), "a\nb\n");
}

/// Any text, with more of what acts than chance would bring.
fn any_text() -> impl Strategy<Value = String> {
    let active: Vec<char> = ACTIVE.chars().collect();
    let character = prop_oneof![any::<char>(), prop::sample::select(active)];
    prop::collection::vec(character, 0..40).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn escaped_json_means_the_same_and_acts_on_nothing(name in any_text(), text in any_text()) {
        let value = json!({ name: [text, 1] });
        let line = Escaped(&value.to_string()).to_string();
        prop_assert!(!line.chars().any(is_active), "{line:?}");
        prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
