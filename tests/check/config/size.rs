//! Area `config`: files that try to exhaust their reader.
//!
//! A process of its own with limited memory reads each. If it runs out of memory or stack, a signal
//! ends it, and it has no exit code.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use watchword::config::Config;

use super::super::catalogue::{Case, Row, row};
use super::super::process;
use super::super::settings::Settings;
use super::super::tokens::corp;
use super::positioned;

pub(crate) const ROWS: &[Row] = &[row!("CFG-13", exhausting_files_are_refused_in_time)];

/// The row's bound is a second for a release build by itself. A debug build among other tests gets
/// more.
const IN_TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 40 } else { 4 });
/// Address space of the process that reads, in KiB.
const MEMORY: usize = 512 << 10;

fn exhausting_files_are_refused_in_time(case: &mut Case) {
    let good = Settings::of(corp()).text();
    for (name, text) in [
        ("alias-bomb", alias_bomb()),
        (
            "alias-bomb-inside",
            format!("{good}{}", alias_bomb().replace("a0: ", "log: ")),
        ),
        ("deep-list", format!("issuers: {}", "[".repeat(100_000))),
        (
            "deep-list-closed",
            format!("issuers: {}{}", "[".repeat(50_000), "]".repeat(50_000)),
        ),
        (
            "deep-mapping",
            format!("issuers: {}", "{a: ".repeat(50_000)),
        ),
        (
            "deep-blocks",
            (0..1_000)
                .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                .collect(),
        ),
        ("deep-sequence", format!("rules:\n{}x", "- ".repeat(50_000))),
        (
            "deep-inline-set",
            format!("{good}x: '{}'", "[".repeat(100_000)),
        ),
        (
            "many-keys",
            (0..50_000)
                .map(|number| format!("k{number}: 1\n"))
                .collect(),
        ),
        ("long-key", format!("{}: 1\n", "k".repeat(900_000))),
        ("long-text", format!("log: {}\n", "x".repeat(900_000))),
        (
            "many-anchors",
            (0..40_000)
                .map(|number| format!("k{number}: &a{number} 1\n"))
                .collect(),
        ),
        ("many-quotes", format!("log: {}", "'".repeat(900_000))),
    ] {
        refused_in_time(case, &process::write(&format!("cfg-13-{name}.yaml"), &text));
    }
    let deep_set = good.replace(
        "{\"keys\"",
        &format!("{{\"x\":{},\"keys\"", "[".repeat(50_000)),
    );
    refused_in_time(case, &process::write("cfg-13-deep-set.yaml", &deep_set));
    let large = process::write("cfg-13-large.yaml", &good);
    let handle = File::options()
        .write(true)
        .open(&large)
        .expect("the file that was written");
    handle.set_len(100_000_000).expect("a sparse file");
    refused_in_time(case, &large);
    case.holds("100 MB, in process", Config::load(&large).is_err());
    std::fs::remove_file(&large).expect("the file that was written");
    case.holds(
        "a folder",
        Config::load(Path::new(env!("CARGO_TARGET_TMPDIR"))).is_err(),
    );
}

fn refused_in_time(case: &mut Case, file: &Path) {
    let started = Instant::now();
    let output = process::check_config_within(file, MEMORY);
    let (name, took) = (
        file.file_name().unwrap_or_default().to_string_lossy(),
        started.elapsed(),
    );
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let shown: String = said.chars().take(300).collect();
    case.equal(
        &format!("{name}: {:?}, {shown}", output.status),
        output.status.code(),
        Some(1),
    );
    // A file that is too long to be read has no position.
    let is_placed = said.contains(&format!("{name}: longer than")) || positioned(&name, &said);
    case.holds(&format!("{name}: a position in {shown}"), is_placed);
    case.holds(&format!("{name} took {took:?}"), took < IN_TIME);
    case.holds(
        &format!("{name}: a message of {} bytes", said.len()),
        said.len() < 8 << 20,
    );
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
