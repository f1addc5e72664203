//! Log lines without characters that control a terminal or a log viewer.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use crate::escape::Escaped;

/// Writes a line per call, and escapes its active characters (`escape::is_active`).
#[derive(Debug)]
pub(super) struct EscapedLines<W> {
    inner: W,
    colours: bool,
}

impl<W> EscapedLines<W> {
    /// With `colours`, the escape sequences of colours stay.
    pub(super) fn new(inner: W, colours: bool) -> Self {
        Self { inner, colours }
    }
}

impl<W: Write> Write for EscapedLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (last, others) = line.split_last().unwrap_or((&b'\n', line));
        let plain = |byte: &u8| matches!(byte, b' '..=b'~');
        if others.iter().all(plain) && (plain(last) || *last == b'\n') {
            self.inner.write_all(line)?;
        } else {
            let escaped = escape_line(&String::from_utf8_lossy(line), self.colours);
            self.inner.write_all(escaped.as_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for EscapedLines<W> {
    type Writer = EscapedLines<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        EscapedLines::new(self.inner.make_writer(), self.colours)
    }
}

/// Escapes a line, except for a line break at its end.
fn escape_line(line: &str, colours: bool) -> String {
    let (line, end) = match line.strip_suffix('\n') {
        Some(line) => (line, "\n"),
        None => (line, ""),
    };
    let mut escaped = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, style, after)) = next_style(rest).filter(|_| colours) {
        // Writing to a String cannot fail.
        let _ = write!(escaped, "{}{style}", Escaped(before));
        rest = after;
    }
    let _ = write!(escaped, "{}{end}", Escaped(rest));
    escaped
}

/// Splits text at the first change of colours (`ESC [ … m`): before, change, after.
fn next_style(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find("\u{1b}[")?;
        let parameters = text.get(start + 2..)?;
        let is_parameter = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
        let end = start + 2 + parameters.bytes().take_while(is_parameter).count();
        if text.get(end..)?.starts_with('m') {
            let (before, rest) = text.split_at_checked(start)?;
            let (change, after) = rest.split_at_checked(end + 1 - start)?;
            return Some((before, change, after));
        }
        from = end;
    }
}

#[cfg(test)]
mod tests;
