use std::io::Write as _;

use super::EscapedLines;

fn written(line: &[u8], colours: bool) -> String {
    let mut out = Vec::new();
    EscapedLines::new(&mut out, colours)
        .write_all(line)
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_line_keeps_its_end_and_no_other_break() {
    assert_eq!(written(b"plain\n", false), "plain\n");
    assert_eq!(written(b"a\nb\r\n", false), "a\\u000ab\\u000d\n");
    assert_eq!(
        written("a\u{202e}b\u{e9}".as_bytes(), false),
        "a\\u202eb\u{e9}"
    );
    assert_eq!(written(b"", false), "");
    assert_eq!(written(b"\xff\x9b\n", false), "\u{fffd}\u{fffd}\n");
}

#[test]
fn colours_stay_where_lines_have_them_and_nothing_else_does() {
    let colours = "\u{1b}[2mtime\u{1b}[0m \u{1b}[1;31mERROR\u{1b}[0m ";
    let line = format!("{colours}a\u{1b}[2Jb\u{1b}]0;title\u{7}\u{9b}1m\n");
    let shown = format!("{colours}a\\u001b[2Jb\\u001b]0;title\\u0007\\u009b1m\n");
    assert_eq!(written(line.as_bytes(), true), shown);
    let without = written(line.as_bytes(), false);
    assert!(!without.contains('\u{1b}'), "{without:?}");
    assert_eq!(written(b"\x1b[", true), "\\u001b[");
}
