//! The bound on open files, which thousands of connections exceed.

use std::fs;
use std::process::Command;

/// For as many connections as any flood has, with something to spare.
const WANTED: u64 = 9_000;

/// Raises the soft limit of this process, which its servers inherit, to the hard one where it is
/// too low.
pub(crate) fn enough() {
    if soft() >= WANTED {
        return;
    }
    let process = std::process::id().to_string();
    let hard = format!("--nofile={WANTED}");
    // Of util-linux: the standard library has no way to do this.
    let _ = Command::new("prlimit")
        .args(["--pid", &process, &hard])
        .status();
    let soft = soft();
    assert!(
        soft >= WANTED,
        "{soft} open files are too few: floods need `ulimit -n {WANTED}`"
    );
}

fn soft() -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    // `unlimited` is no number.
    soft.map_or(0, |soft| soft.parse().unwrap_or(u64::MAX))
}
