//! The folded form of request data: the same for all its spellings.
//!
//! Routers and services differ in what they treat as equal: upper and lower case, a final slash, an
//! escape and its character, a name with or without brackets. Two spellings that some reader treats
//! as equal have the same folded form. Rules and credentials are compared exactly *and* in this
//! form; if the answers differ, the request is refused. Folding too much refuses an oddly spelled
//! request; folding too little lets it bypass a rule.

use std::borrow::Cow;

/// The folded form of a clear path: decoded once, in lower case, without a final slash, and cut at
/// an escaped `?` or `#`, where some readers split again. An escaped slash stays escaped, so it
/// never separates segments. `None` if the path is already in folded form.
pub(crate) fn path(path: &str) -> Option<Cow<'_, str>> {
    let bare = path.strip_suffix('/').unwrap_or(path);
    match literal(bare) {
        Some(mut folded) => {
            let end = folded.find(['?', '#']).unwrap_or(folded.len());
            folded.truncate(end);
            folded.truncate(folded.trim_end_matches('/').len());
            Some(Cow::Owned(folded))
        }
        None if bare.len() < path.len() => Some(Cow::Borrowed(bare)),
        None => None,
    }
}

/// The folded form of a part of a path without separators; `None` if it is already in folded form.
pub(crate) fn literal(text: &str) -> Option<String> {
    let folds = |byte: u8| byte == b'%' || byte.is_ascii_uppercase() || !byte.is_ascii();
    if !text.bytes().any(folds) {
        return None;
    }
    let decoded = decode(text.as_bytes(), |byte| byte != b'/');
    Some(case(&String::from_utf8_lossy(&decoded)))
}

/// Returns true if some reader may read this text as `name`, the name of a cookie or query
/// parameter. Apart from escapes and case: PHP ends a name at a NUL, treats `[` as the start of an
/// index, and replaces dots, spaces and an unmatched `[` with `_`; `qs` (Node) reads `[name]x` as
/// `name`; and many readers trim white space, some of it beyond ASCII.
pub(crate) fn is_spelling_of(text: &[u8], name: &str) -> bool {
    let folded = |byte: &u8| match byte {
        b'.' => b'_',
        byte => byte.to_ascii_lowercase(),
    };
    // A configured name has only these characters, so this is its folded form.
    let name = || name.as_bytes().iter().map(folded);
    if text.iter().all(|byte| belongs_to_name(*byte)) {
        return text.iter().map(folded).eq(name());
    }
    let folded = self::name(text);
    let without_index = folded.split(['[', ']']).next().unwrap_or_default();
    let without_index = without_index.trim_end_matches(is_foreign_to_name);
    let is_name = |text: &str| text.bytes().map(underscored).eq(name());
    is_name(without_index) || is_name(&folded)
}

fn is_foreign_to_name(c: char) -> bool {
    !u8::try_from(c).is_ok_and(belongs_to_name)
}

fn underscored(byte: u8) -> u8 {
    match byte {
        b'.' | b' ' | b'+' | b'[' => b'_',
        byte => byte,
    }
}

/// Returns true if the configured name of a header, scheme, cookie or query parameter may contain
/// this byte.
pub(crate) fn belongs_to_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Decodes a name, cuts it at a NUL, converts it to lower case, and trims characters that no name
/// has.
fn name(name: &[u8]) -> String {
    let decoded = decode(name, |_| true);
    let decoded = decoded.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = case(&String::from_utf8_lossy(decoded));
    text.trim_matches(is_foreign_to_name).to_owned()
}

/// Converts to lower case by way of upper case, since some letters share only a lower-case form.
fn case(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            folded.push(character.to_ascii_lowercase());
        } else {
            let upper = character.to_uppercase();
            folded.extend(upper.flat_map(char::to_lowercase));
        }
    }
    folded
}

/// Decodes escapes once: `%41`, and `%u0041` as IIS does. Broken escapes, and bytes that `also`
/// excludes, stay.
fn decode(text: &[u8], also: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
        } else if let Some((byte, after)) = escaped_byte(after).filter(|(byte, _)| also(*byte)) {
            decoded.push(byte);
            rest = after;
        } else if let Some((character, after)) = escaped_unit(after) {
            decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = after;
        } else {
            decoded.push(b'%');
        }
    }
    decoded
}

fn escaped_byte(after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after.split_first_chunk::<2>()?;
    let value = number(digits)?;
    Some((u8::try_from(value).ok()?, rest))
}

fn escaped_unit(after: &[u8]) -> Option<(char, &[u8])> {
    let [b'u' | b'U', after @ ..] = after else {
        return None;
    };
    let (digits, rest) = after.split_first_chunk::<4>()?;
    Some((char::from_u32(number(digits)?)?, rest))
}

fn number(digits: &[u8]) -> Option<u32> {
    let hex = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| hex)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::{is_spelling_of, path};

    fn folded(text: &str) -> String {
        path(text).map_or_else(|| text.to_owned(), std::borrow::Cow::into_owned)
    }

    #[test]
    fn spellings_of_one_path_have_one_folded_form() {
        for (spelled, expected) in [
            ("/admin", "/admin"),
            ("/ADMIN/", "/admin"),
            ("/users/%40me/x", "/users/@me/x"),
            ("/v1/accounts/7%3Adelete", "/v1/accounts/7:delete"),
            ("/caf%C3%89", "/caf\u{e9}"),
            ("/%E2%84%AAey", "/key"),
            ("/", ""),
            ("/a%2Fb", "/a%2fb"),
            ("/100%25", "/100%"),
            ("/admin%3Fa=1", "/admin"),
            ("/admin/%23", "/admin"),
        ] {
            assert_eq!(folded(spelled), expected, "{spelled}");
        }
        assert_ne!(folded("/a/b"), folded("/a%2Fb"));
        assert_ne!(folded("/a.b"), folded("/a_b"));
    }

    #[test]
    fn a_path_in_its_folded_form_is_not_copied() {
        assert!(path("/a/b-c").is_none());
        assert!(matches!(
            path("/a/"),
            Some(std::borrow::Cow::Borrowed("/a"))
        ));
    }

    #[test]
    fn names_that_a_reader_may_take_for_one_have_one_folded_form() {
        for spelled in [
            "access_token",
            "ACCESS_TOKEN",
            "access_token[]",
            "access_token[a][b]",
            "[access_token]",
            "access%5Ftoken",
            "%61ccess_token",
            "%u0061ccess_token",
            "access_token%00",
            "access_token%00x",
            "access.token",
            "access token",
            "access+token",
            " access_token\t",
            "\u{a0}access_token",
            "access_token%20",
            "\"access_token\"",
            "?access_token",
            "access_to%E2%84%AAen",
            "[access_token]x",
            "[access_token]%3dx",
            "access[token",
            "access%5Btoken",
            "access_token[] x",
        ] {
            assert!(
                is_spelling_of(spelled.as_bytes(), "access_token"),
                "{spelled}"
            );
        }
        assert!(is_spelling_of(b"\xa0access_token", "access_token"));
        assert!(is_spelling_of(b"my_session", "my.session"));
        for other in [
            "access",
            "xaccess_token",
            "a[access_token]",
            "access-token",
            "",
        ] {
            assert!(!is_spelling_of(other.as_bytes(), "access_token"), "{other}");
        }
    }
}
