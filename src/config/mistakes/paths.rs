//! Patterns of paths in the syntax of another proxy.

use super::super::warning::WarningCode;
use super::Mistake;

/// A path pattern of this kind: `exact`, `prefix` or `glob`.
pub(in crate::config) fn of_path(kind: &str, text: &str) -> Option<Mistake> {
    foreign_characters(kind, text)
        .or_else(|| template(kind, text))
        .or_else(|| regular_expression(text))
        .or_else(|| literal_star(kind, text))
}

/// Characters that no path has (RFC 3986 §3.3), and in which templates and regular expressions are
/// written.
fn foreign(c: char) -> bool {
    matches!(c, '{' | '}' | '<' | '>' | '[' | ']' | '|' | '^' | '`' | '"')
}

fn foreign_characters(kind: &str, text: &str) -> Option<Mistake> {
    if !text.contains(foreign) {
        return None;
    }
    let characters = "only characters that a path can hold (RFC 3986 §3.3)";
    let expected = if text.starts_with('/') {
        let glob = as_glob(kind, text);
        format!("{characters}; for any text in a segment, write glob: {glob:?}")
    } else {
        characters.to_owned()
    };
    Mistake::never_right(format!("{text:?}"), expected)
}

fn template(kind: &str, text: &str) -> Option<Mistake> {
    let is_name = |segment: &str| segment.len() > 1 && segment.starts_with(':');
    if !text.split('/').any(is_name) {
        return None;
    }
    let glob = as_glob(kind, text);
    let expected = format!("glob: {glob:?}, if a segment such as \":id\" stands for any text");
    Mistake::unlikely(WarningCode::PathTemplate, format!("{text:?}"), expected)
}

fn regular_expression(text: &str) -> Option<Mistake> {
    let is_regex = |segment: &str| segment == ".*" || segment.starts_with('(');
    let found = text.ends_with('$') || text.contains(".+") || text.split('/').any(is_regex);
    if !found {
        return None;
    }
    let expected = "glob, where * stands for any text in a segment and a final ** for any \
                    segments: no pattern is a regular expression";
    Mistake::unlikely(WarningCode::PathRegex, format!("{text:?}"), expected)
}

fn literal_star(kind: &str, text: &str) -> Option<Mistake> {
    if kind == "glob" || !text.contains('*') {
        return None;
    }
    let whole = text.strip_suffix("/**").or_else(|| text.strip_suffix("/*"));
    let whole = whole.filter(|whole| kind == "prefix" && !whole.contains('*'));
    let expected = if let Some(whole) = whole {
        let whole = if whole.is_empty() { "/" } else { whole };
        format!("prefix: {whole:?}, which is for everything below")
    } else {
        let glob = as_glob(kind, text);
        format!("glob: {glob:?}, since * is a plain character in {kind}")
    };
    Mistake::unlikely(WarningCode::LiteralStar, format!("{text:?}"), expected)
}

/// The glob that was most likely meant: stars for what stands for any text, and everything below a
/// prefix.
fn as_glob(kind: &str, text: &str) -> String {
    let segments = text.split('/').map(|segment| {
        if segment.starts_with(':') || segment.contains(foreign) {
            "*"
        } else {
            segment
        }
    });
    let glob = segments.collect::<Vec<_>>().join("/");
    if kind == "prefix" && !glob.ends_with("/**") {
        format!("{}/**", glob.trim_end_matches('/'))
    } else {
        glob
    }
}
