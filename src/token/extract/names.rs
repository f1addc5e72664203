//! Names of cookies and query parameters that some reader may take for the configured one.

use crate::request::fold;

/// Returns true if a piece of a `cookie` field contains a cookie whose name a reader may take for
/// `name`, apart from a cookie of exactly this name.
pub(super) fn is_other_spelling_of_cookie(pair: &[u8], name: &str) -> bool {
    let rest = named(pair, name).unwrap_or(pair);
    // In PHP, names may contain spaces.
    let whole = rest.iter().position(|byte| *byte == b'=');
    let whole = whole.and_then(|end| rest.get(..end));
    let mut names = CookieNames::of(rest).chain(whole);
    names.any(|other| fold::is_spelling_of(other, name))
}

/// Returns true if a query parameter's name is one that a reader may take for `name`, apart from a
/// parameter of exactly this name. Some readers also split parameters at `;`.
pub(super) fn is_other_spelling_of_parameter(pair: &[u8], name: &str) -> bool {
    let rest = named(pair, name).unwrap_or(pair);
    let mut pieces = rest.split(|byte| *byte == b';');
    if rest.len() < pair.len() {
        pieces.next();
    }
    pieces.any(|piece| {
        let other = piece.split(|byte| *byte == b'=').next();
        fold::is_spelling_of(other.unwrap_or_default(), name)
    })
}

/// All texts in a piece of a `cookie` field that some reader may take for the name of a cookie.
/// Apart from `;`, a comma may separate cookies (Envoy joins fields with it, and old readers split
/// there), and in Python white space.
struct CookieNames<'a> {
    rest: &'a [u8],
    /// A word that is a name if `=` follows.
    waiting: Option<&'a [u8]>,
}

impl<'a> CookieNames<'a> {
    fn of(piece: &'a [u8]) -> Self {
        Self {
            rest: piece,
            waiting: None,
        }
    }

    /// The next run of visible ASCII.
    fn word(&mut self) -> Option<&'a [u8]> {
        let is_visible = |byte: &u8| byte.is_ascii_graphic() && *byte != b',';
        let start = self.rest.iter().position(is_visible)?;
        let (between, rest) = self.rest.split_at_checked(start)?;
        if between.contains(&b',') {
            self.waiting = None;
        }
        let length = rest.iter().position(|byte| !is_visible(byte));
        let (word, rest) = rest.split_at_checked(length.unwrap_or(rest.len()))?;
        self.rest = rest;
        Some(word)
    }
}

impl<'a> Iterator for CookieNames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let word = self.word()?;
            if word.first() == Some(&b'=')
                && let Some(name) = self.waiting.take()
            {
                return Some(name);
            }
            // A word may start with characters that readers trim or skip, `=` included.
            let begins = |byte: &u8| fold::belongs_to_name(*byte) || *byte == b'%';
            let Some(start) = word.iter().position(begins) else {
                continue;
            };
            let name = word.get(start..).unwrap_or_default();
            match name.iter().position(|byte| *byte == b'=') {
                Some(end) => {
                    self.waiting = None;
                    return name.get(..end);
                }
                None => self.waiting = Some(name),
            }
        }
    }
}

/// The value of a cookie or parameter with exactly this name.
pub(super) fn named<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}
