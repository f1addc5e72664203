//! Notes to whoever runs the tests.

use std::io::Write as _;

/// Writes a line to standard error. The test harness captures what `eprintln!` writes, and this
/// not.
pub fn say(line: impl std::fmt::Display) {
    // A closed standard error must not fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}
