//! The token's text, from an argument or from standard input.

use std::io::IsTerminal as _;

use anyhow::Context as _;

use crate::explain::parse_instant;
use crate::files::read_at_most;
use crate::token::UnixTime;

use super::print_error;

/// Most bytes of standard input. More than a token may have, so that a long one is judged.
const MAX_INPUT: usize = 1024 * 1024;

/// The token without white space around it and without `Bearer`.
pub(super) fn token(words: &[String]) -> anyhow::Result<Vec<u8>> {
    let text = match words {
        [] => standard_input()?,
        [word] if word == "-" => standard_input()?,
        words => words.join(" ").into_bytes(),
    };
    Ok(bare(&text).to_vec())
}

fn standard_input() -> anyhow::Result<Vec<u8>> {
    let input = std::io::stdin();
    if input.is_terminal() {
        print_error("Reading the token from standard input; end it with Ctrl-D.");
    }
    let text = read_at_most(input.lock(), MAX_INPUT).context("standard input cannot be read")?;
    text.with_context(|| {
        format!("standard input has more than {MAX_INPUT} bytes, which is no token")
    })
}

/// Reads the value of an option with a time.
pub(super) fn time(text: &str) -> Result<UnixTime, &'static str> {
    parse_instant(text).ok_or("a time such as 2026-11-25T22:10:03Z, or seconds since 1970")
}

fn bare(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    match text.split_at_checked(6) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"bearer") => match rest {
            [] => rest,
            [b' ', ..] => rest.trim_ascii_start(),
            _ => text,
        },
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn a_token_is_taken_out_of_what_people_copy() {
        for text in ["a.b.c", "a.b.c\r\n", "Bearer a.b.c\n", " bearer  a.b.c"] {
            assert_eq!(bare(text.as_bytes()), b"a.b.c", "{text:?}");
        }
        assert_eq!(bare(b"Bearer\n"), b"");
        for text in ["Bearera.b.c", "a b", "Basic eA=="] {
            assert_eq!(bare(text.as_bytes()), text.as_bytes());
        }
    }
}
