//! The libraries, in one Python process for all jobs of a kind.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::thread;

use serde_json::Value;
use watchword_test_support::{harness, repository, wheels};

/// The folder with the packages.
static PACKAGES: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    // Wheels are for one version of Python.
    let version = Command::new("python3").arg("-V").output();
    let version = version.map_err(|error| format!("python3 cannot be run: {error}"))?;
    let version = String::from_utf8_lossy(&version.stdout);
    let version = version.trim().replace(' ', "-").to_lowercase();
    let pins = repository("tests/interop/requirements.txt");
    wheels::installed(&format!("interop-1.5.6-1.8.0-{version}"), &pins)
});

/// Makes sure that the libraries are there. Without them, the test ends as [`harness::skip`] does.
pub(crate) fn find() -> &'static Path {
    let packages = PACKAGES.as_ref();
    packages.unwrap_or_else(|problem| harness::skip(problem))
}

/// The results of jobs, in their order.
pub(crate) fn run(work: &str, jobs: &[Value]) -> Vec<Value> {
    let mut python = Command::new("python3");
    python
        .arg(repository("tests/interop/libraries.py"))
        .arg(work)
        .env("PYTHONPATH", find())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut python = python.spawn().expect("it starts");
    let mut input = python.stdin.take().expect("a pipe");
    let lines: Vec<String> = jobs.iter().map(Value::to_string).collect();
    let lines = lines.join("\n");
    let writer = thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{work}: {}", output.status);
    writer.join().expect("a writer").expect("it reads all jobs");
    let output = String::from_utf8(output.stdout).expect("a text");
    let results = output.lines();
    let results: Vec<Value> = results
        .map(|line| serde_json::from_str(line).expect("a JSON object"))
        .collect();
    assert_eq!(results.len(), jobs.len(), "{work}: a result for each job");
    results
}
