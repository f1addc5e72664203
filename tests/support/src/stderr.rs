//! Notes to the person who runs the tests.

use std::io::Write as _;

/// Writes a line to standard error, which the test harness does not capture as it does `eprintln!`.
pub fn say(line: impl std::fmt::Display) {
    // A closed standard error must not fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}
