//! References in one text: `${NAME}`, `${NAME:-default}`, and `$$` for a `$`.

use std::ffi::OsString;

/// The parts of a message: found, expected. They quote good names of variables and nothing else of
/// the text, which may be a password with a `$` in it.
type Wrong = (String, String);

/// Finds a variable's value.
pub(super) type Lookup<'l> = dyn FnMut(&str) -> Option<OsString> + 'l;

/// Replaces the references in a text. The result has at most `room` bytes. Also returns true if the
/// text was one reference and nothing else.
pub(super) fn expand(
    text: &str,
    lookup: &mut Lookup<'_>,
    room: usize,
) -> Result<(String, bool), Wrong> {
    let mut result = String::new();
    let mut whole = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        push(&mut result, before, room)?;
        rest = if let Some(after) = after.strip_prefix('{') {
            let Some((reference, after)) = after.split_once('}') else {
                return wrong("\"${\" without \"}\"", "${NAME}, or $$ for a $");
            };
            whole = rest.len() == text.len() && before.is_empty() && after.is_empty();
            push(&mut result, &value(reference, lookup)?, room)?;
            after
        } else {
            push(&mut result, "$", room)?;
            after.strip_prefix('$').unwrap_or(after)
        };
    }
    push(&mut result, rest, room)?;
    Ok((result, whole))
}

/// The value of a reference, given without braces. As in a shell, a default also replaces an empty
/// value.
fn value(reference: &str, lookup: &mut Lookup<'_>) -> Result<String, Wrong> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.bytes().all(inside) || name.bytes().next().is_none_or(|b| b.is_ascii_digit()) {
        return wrong(
            "\"${\" without the name of a variable behind it",
            "${NAME} or ${NAME:-default}, with letters, digits and _ in the name; or $$ for a $",
        );
    }
    let default = default.map(literal).transpose()?;
    match (lookup(name).map(OsString::into_string), default) {
        (Some(Ok(value)), None) => Ok(value),
        (Some(Ok(value)), Some(_)) if !value.is_empty() => Ok(value),
        (Some(Err(_)), _) => wrong(format!("${{{name}}}, whose value is not UTF-8"), "text"),
        (_, Some(default)) => Ok(default),
        (None, None) => wrong(
            format!("${{{name}}}, which is not set"),
            format!("a variable of the environment, or a default: ${{{name}:-default}}"),
        ),
    }
}

/// A default, in which `$$` stands for `$`, and no reference.
fn literal(text: &str) -> Result<String, Wrong> {
    if text.replace("$$", "").contains("${") {
        return wrong("a reference within a reference", "a default of plain text");
    }
    Ok(text.replace("$$", "$"))
}

fn push(result: &mut String, text: &str, room: usize) -> Result<(), Wrong> {
    if text.len() > room.saturating_sub(result.len()) {
        return wrong(
            "a value that is too large",
            "less text from the environment",
        );
    }
    result.push_str(text);
    Ok(())
}

fn wrong<T>(found: impl Into<String>, expected: impl Into<String>) -> Result<T, Wrong> {
    Err((found.into(), expected.into()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn lookup(name: &str) -> Option<OsString> {
        match name {
            "HOST" => Some("a.example".into()),
            "_x1" => Some("$HOME ${HOST} $$".into()),
            "EMPTY" => Some(OsString::new()),
            "BYTES" => Some(OsString::from_vec(vec![b'a', 0xff])),
            _ => None,
        }
    }

    fn expanded(text: &str) -> Result<(String, bool), String> {
        expand(text, &mut lookup, 100).map_err(|(found, _)| found)
    }

    #[test]
    fn references_become_values_and_nothing_else_changes() {
        for (text, value, whole) in [
            ("${HOST}", "a.example", true),
            (
                "https://${HOST}/${HOST}",
                "https://a.example/a.example",
                false,
            ),
            ("${HOST} ", "a.example ", false),
            ("${HOST}${EMPTY}", "a.example", false),
            ("${_x1}", "$HOME ${HOST} $$", true),
            ("${EMPTY}", "", true),
            ("${EMPTY:-b}", "b", true),
            ("${NONE:-}", "", true),
            ("${NONE:-a:-b $$ $c}", "a:-b $ $c", true),
            ("${NONE:-$${HOST}", "${HOST", true),
            ("${HOST:-b}", "a.example", true),
            ("$${HOST}", "${HOST}", false),
            ("$$${HOST}", "$a.example", false),
            ("$$$$", "$$", false),
            ("^/a$|$b $ {HOST} $(c)", "^/a$|$b $ {HOST} $(c)", false),
            ("$", "$", false),
            ("}", "}", false),
        ] {
            assert_eq!(expanded(text), Ok((value.to_owned(), whole)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused_without_a_word_of_the_text() {
        for (text, found) in [
            ("${NONE}", "${NONE}, which is not set"),
            ("${BYTES:-b}", "${BYTES}, whose value is not UTF-8"),
            ("pass${word", "\"${\" without \"}\""),
            ("${", "\"${\" without \"}\""),
            ("${NONE:-${HOST}}", "a reference within a reference"),
        ] {
            assert_eq!(expanded(text), Err(found.to_owned()), "{text}");
        }
        for text in [
            "${}", "${1A}", "${A B}", "${A-b}", "${ HOST}", "${Ä}", "${:-b}",
        ] {
            let found = "\"${\" without the name of a variable behind it";
            assert_eq!(expanded(text), Err(found.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_result_has_a_limit() {
        let ten = expand("${HOST}!", &mut lookup, 10);
        assert_eq!(ten, Ok(("a.example!".to_owned(), false)));
        let eleven = expand("${HOST}!!", &mut lookup, 10);
        let found = eleven.map_err(|(found, _)| found);
        assert_eq!(found, Err("a value that is too large".to_owned()));
    }
}
