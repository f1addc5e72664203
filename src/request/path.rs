//! The path that rules compare.
//!
//! A proxy, a gateway behind it and the service may read one path in different ways: `%2f` as a
//! slash or not, `;x` as a parameter or a name, `//` as one slash or two. A rule selected by one
//! reading must not allow a request that means something else to the next reader, so a path with
//! more than one reading is *ambiguous*, and rules with a path refuse it. URL parsers are
//! unsuitable: they drop the first segment of `//admin/x`.

use std::borrow::Cow;

use super::fold;

/// A request path without its query.
#[derive(Clone, PartialEq, Eq)]
pub enum Path<'a> {
    /// One reading.
    Clear(ClearPath<'a>),
    /// More than one reading, or none.
    Ambiguous,
}

/// A path that all readers read alike, apart from its spelling and its escaped slashes.
#[derive(Clone, PartialEq, Eq)]
pub struct ClearPath<'a> {
    text: Cow<'a, str>,
    /// `None` if the text is already in folded form.
    folded: Option<Box<str>>,
    /// The reading in which escaped slashes separate segments.
    split: Option<Box<ClearPath<'static>>>,
}

/// The request target is not one that a proxy forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// It contains a fragment, which clients never send (RFC 9110 §7.1).
    Fragment,
    /// It is in absolute form, or does not start with a slash.
    Form,
}

impl<'a> Path<'a> {
    /// Parses the target of a request: path and query.
    ///
    /// # Errors
    /// [`PathError`] for a target that no rule accepts.
    pub fn parse(target: &'a [u8]) -> Result<Self, PathError> {
        if target.contains(&b'#') {
            return Err(PathError::Fragment);
        }
        let path = target
            .split(|byte| *byte == b'?')
            .next()
            .unwrap_or_default();
        // CONNECT has no path, and `OPTIONS *` addresses the server.
        if path.is_empty() || path == b"*" {
            return Ok(Self::Ambiguous);
        }
        if path.first() != Some(&b'/') {
            return Err(PathError::Form);
        }
        Ok(ClearPath::parse(path).map_or(Self::Ambiguous, Self::Clear))
    }
}

impl<'a> ClearPath<'a> {
    fn parse(path: &'a [u8]) -> Option<Self> {
        let text = clear(path)?;
        let split = if text.contains("%2F") {
            let split = text.replace("%2F", "/");
            has_clear_segments(&split).then_some(())?;
            Some(Box::new(ClearPath::new(Cow::Owned(split), None)))
        } else {
            None
        };
        Some(Self::new(text, split))
    }

    fn new(text: Cow<'a, str>, split: Option<Box<ClearPath<'static>>>) -> Self {
        let folded = fold::path(&text).map(|folded| folded.into_owned().into_boxed_str());
        Self {
            text,
            folded,
            split,
        }
    }

    /// The path as it was sent: visible ASCII, with the digits of escapes in upper case.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The form that its spellings share; `None` if the text is already in folded form.
    pub(crate) fn folded(&self) -> Option<&str> {
        self.folded.as_deref()
    }

    /// The path as read by a service that treats escaped slashes as separators; `None` without any.
    pub(crate) fn split_at_escaped_slashes(&self) -> Option<&ClearPath<'static>> {
        self.split.as_deref()
    }
}

/// Client data is never printed.
impl std::fmt::Debug for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Clear(_)) {
            "Clear(redacted)"
        } else {
            "Ambiguous"
        })
    }
}

fn clear(path: &[u8]) -> Option<Cow<'_, str>> {
    let plain = |byte: &u8| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'\\' | b';');
    if !path.iter().all(plain) {
        return None;
    }
    let text = std::str::from_utf8(path).ok()?;
    let text = if text.contains('%') {
        Cow::Owned(normalize(text)?)
    } else {
        Cow::Borrowed(text)
    };
    has_clear_segments(&text).then_some(text)
}

/// Returns true if no segment is empty or consists of dots. The part before the leading slash is
/// skipped, and the last segment may be empty (a final slash).
fn has_clear_segments(path: &str) -> bool {
    let mut inner = path.split('/').skip(1).peekable();
    while let Some(segment) = inner.next() {
        let last = inner.peek().is_none();
        if (segment.is_empty() && !last) || is_dots(segment) {
            return false;
        }
    }
    true
}

/// Converts escapes to upper case; `None` if one is broken, or readers treat its character
/// differently. They do for unreserved characters: a router that compares the text does not decode
/// them (RFC 3986 §6.2.2.2 permits it), but the service does.
fn normalize(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        decoded.extend_from_slice(before.as_bytes());
        let (digits, after) = after.split_at_checked(2)?;
        let byte = u8::from_str_radix(digits, 16)
            .ok()
            .filter(|_| is_hex(digits))?;
        match byte {
            0..=0x1f | 0x7f | b'\\' | b';' | b'-' | b'.' | b'_' | b'~' => return None,
            _ if byte.is_ascii_alphanumeric() => return None,
            // Decoding it twice would give another escape.
            b'%' if after.get(..2).is_some_and(is_hex) => return None,
            _ => {}
        }
        decoded.push(byte);
        out.push('%');
        out.push_str(&digits.to_ascii_uppercase());
        rest = after;
    }
    out.push_str(rest);
    decoded.extend_from_slice(rest.as_bytes());
    // Overlong forms of `.` and `/` are not UTF-8.
    std::str::from_utf8(&decoded).is_ok().then_some(out)
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A segment of one or two dots, also with an escape that a service might cut off.
fn is_dots(segment: &str) -> bool {
    let rest = segment.trim_start_matches('.');
    (1..=2).contains(&(segment.len() - rest.len())) && (rest.is_empty() || rest.starts_with('%'))
}

#[cfg(test)]
mod tests {
    use super::{Path, PathError};

    fn clear(target: &str) -> String {
        match Path::parse(target.as_bytes()) {
            Ok(Path::Clear(path)) => path.text().to_owned(),
            other => panic!("{target}: {other:?}"),
        }
    }

    #[test]
    fn the_query_is_not_part_of_the_path() {
        assert_eq!(clear("/p?x=1"), "/p");
        assert_eq!(clear("/p?x=/../a//b;c%2f"), "/p");
    }

    #[test]
    fn escapes_that_mean_themselves_are_kept() {
        assert_eq!(clear("/a%20b%c3%a9/"), "/a%20b%C3%A9/");
        assert_eq!(clear("/100%25"), "/100%25");
        assert_eq!(clear("/a.b/...x"), "/a.b/...x");
    }

    #[test]
    fn paths_with_two_readings_are_ambiguous() {
        for target in [
            "",
            "*",
            "//admin",
            "/./admin",
            "/public/../admin",
            "/public/%2e%2e/admin",
            "/public/..%2fadmin",
            "/admin;x=1",
            "/public/..;/admin",
            "/admin%2f..%2fx",
            "/admin%2F/x",
            "/admin%2f%2fx",
            "/admin%5cx",
            "/admin\\x",
            "/admin%00",
            "/a%252fb",
            "/a%25%32%66b",
            "/a%252%66b",
            "/a%25%32fb",
            "/a%25%32%65%25%32%65/admin",
            "/a%zz",
            "/%61dmin",
            "/a%2Db",
            "/a%7eb",
            "/..%20/x",
            "/.%3fx",
            "/%c0%ae%c0%ae/x",
            "/a%ff",
            "/a%+1",
            "/a%2",
            "/a%3bb",
            "/a b",
            "/a\u{e9}",
            "/a/.",
            "/a/..",
            "/a%0d%0ab",
            "/a%7f",
        ] {
            assert_eq!(
                Path::parse(target.as_bytes()),
                Ok(Path::Ambiguous),
                "{target}"
            );
        }
    }

    #[test]
    fn an_escaped_slash_has_two_readings() {
        let Ok(Path::Clear(path)) = Path::parse(b"/npm/@scope%2fname") else {
            panic!("ambiguous");
        };
        assert_eq!(path.text(), "/npm/@scope%2Fname");
        assert_eq!(path.folded(), Some("/npm/@scope%2fname"));
        let split = path.split_at_escaped_slashes().unwrap();
        assert_eq!(split.text(), "/npm/@scope/name");
        assert!(split.split_at_escaped_slashes().is_none());
    }

    #[test]
    fn fragments_and_absolute_forms_are_refused() {
        assert_eq!(Path::parse(b"/a#b"), Err(PathError::Fragment));
        assert_eq!(Path::parse(b"http://evil/admin"), Err(PathError::Form));
        assert_eq!(Path::parse(b"admin"), Err(PathError::Form));
        assert_eq!(Path::parse(b"?x=/admin"), Ok(Path::Ambiguous));
    }
}
