//! The memory of a process, according to Linux.

use std::fs;

/// The most that it has had so far, in KiB.
pub(crate) fn peak(process: u32) -> u64 {
    line(process, "VmHWM:")
}

/// Its present memory, in KiB.
pub(crate) fn resident(process: u32) -> u64 {
    line(process, "VmRSS:")
}

fn line(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    // 0 of a process that has ended, which is a failure of its own.
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
