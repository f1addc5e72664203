//! Area `config`: files that are out to exhaust their reader.

use std::fs::File;
use std::time::{Duration, Instant};

use watchword::config::Config;

use super::super::catalogue::{Case, Row};
use super::super::process;
use super::super::settings::Settings;
use super::super::tokens::corp;
use super::{command_refuses, parse};

pub(crate) const ROWS: &[Row] = &[Row::new("CFG-13", exhausting_files_are_refused_in_time)];

/// The row's bound is a second for a release build; a debug build beside other tests gets ten.
const IN_TIME: Duration = Duration::from_secs(10);
/// No file of these may cost the process more memory than this, in bytes.
const MEMORY: usize = 256 << 20;

fn exhausting_files_are_refused_in_time(case: &mut Case) {
    let good = Settings::of(corp()).text();
    for (what, text) in [
        ("alias bomb", alias_bomb()),
        ("alias bomb in a known place", format!("{good}log: {}", alias_bomb().replace('\n', "\n  "))),
        ("deep list", format!("issuers: {}", "[".repeat(100_000))),
        ("deep list, closed", format!("issuers: {}{}", "[".repeat(50_000), "]".repeat(50_000))),
        ("deep mapping", format!("issuers: {}", "{a: ".repeat(50_000))),
        ("deep blocks", (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect()),
        ("deep sequence of blocks", format!("rules:\n{}x", "- ".repeat(50_000))),
        ("many keys", (0..50_000).map(|number| format!("k{number}: 1\n")).collect()),
        ("a long key", format!("{}: 1\n", "k".repeat(900_000))),
        ("a long text", format!("log: {}\n", "x".repeat(900_000))),
        ("many anchors", (0..50_000).map(|number| format!("k{number}: &a{number} 1\n")).collect()),
    ] {
        refused_in_time(case, what, || parse(&text).err());
    }
    command_refuses(case, "alias-bomb", &alias_bomb(), &[]);
    let file = process::write("cfg-13-large.yaml", &good);
    let handle = File::options().write(true).open(&file).expect("the file that was written");
    handle.set_len(100_000_000).expect("a sparse file");
    refused_in_time(case, "100 MB", || Config::load(&file).err().map(|problems| problems.to_string()));
    std::fs::remove_file(&file).expect("the file that was written");
    refused_in_time(case, "a folder", || {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        Config::load(folder).err().map(|problems| problems.to_string())
    });
}

fn refused_in_time(case: &mut Case, what: &str, load: impl FnOnce() -> Option<String>) {
    let (started, before) = (Instant::now(), resident());
    let problems = load();
    case.holds(&format!("{what} is refused"), problems.is_some());
    let took = started.elapsed();
    case.holds(&format!("{what} took {took:?}"), took < IN_TIME);
    let grown = resident().saturating_sub(before);
    case.holds(&format!("{what} cost {grown} bytes"), grown < MEMORY);
    let length = problems.map_or(0, |problems| problems.len());
    case.holds(&format!("{what}: a message of {length} bytes"), length < 16 << 20);
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

/// A billion laughs: nine levels of nine aliases.
fn alias_bomb() -> String {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(",");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    text
}
