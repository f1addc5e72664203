//! Escapes characters that a terminal or a log reader interprets, as JSON does (RFC 8259 §7).
//!
//! Control characters move the cursor, end lines or start escape sequences; direction marks reorder
//! text; invisible characters make two texts look alike. All output that repeats external text goes
//! through here: logs, command output, and pages for operators. Secrets are in none of them:
//! `redact` gives their types a `Debug` without content.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;

/// Characters of the category Cf (format), those with `Default_Ignorable_Code_Point`, and the line
/// and paragraph separators, in Unicode 16.
const INVISIBLE: [RangeInclusive<char>; 25] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Returns true if a terminal or log reader interprets the character or does not show it: C0, DEL,
/// C1, and invisible characters.
#[must_use]
pub fn is_active(character: char) -> bool {
    character.is_control() || INVISIBLE.iter().any(|range| range.contains(&character))
}

/// A text with escapes for the characters that [`is_active`] finds. In a JSON string the meaning
/// stays the same; elsewhere, a backslash may be literal.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'t>(pub &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if !is_active(character) {
                f.write_char(character)?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(f, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

/// Escapes all characters that [`is_active`] finds, except line ends.
pub(crate) fn escape_lines(text: &str) -> Cow<'_, str> {
    if !text
        .chars()
        .any(|character| character != '\n' && is_active(character))
    {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text
        .split('\n')
        .map(|line| Escaped(line).to_string())
        .collect();
    Cow::Owned(lines.join("\n"))
}

/// Gives types a `Debug` that shows their names only, because what they hold is never printed.
macro_rules! redact {
    ($($name:literal for $type:ty;)*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!($name, "(redacted)"))
            }
        }
    )*};
}

pub(crate) use redact;

#[cfg(test)]
mod tests;
