//! Runs the examples, as a shell does.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use watchword_test_support::harness::pass_unchecked;
use watchword_test_support::{build_folder, wheels};

/// The exit code and the output of a program.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) complained: String,
}

/// A client that is shipped in two languages, with the same options and the same output.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Validate {
    Rust,
    Python,
}

impl Validate {
    /// Runs it with a token on its standard input.
    pub(crate) async fn run(self, address: &str, options: &[&str], token: &str) -> Outcome {
        let mut command = match self {
            Self::Rust => {
                let mut cargo = cargo_run("validate");
                let scheme = if address.starts_with("unix:") {
                    ""
                } else {
                    "http://"
                };
                cargo.args(["--address", &format!("{scheme}{address}")]);
                cargo
            }
            Self::Python => {
                let mut python = python("validate.py");
                python.args(["--address", address]);
                python
            }
        };
        // Long, for the sake of busy machines.
        command.args(["--timeout", "60"]).args(options);
        run(command, token).await
    }
}

/// Runs `reflect.py`.
pub(crate) async fn reflect(address: &str, arguments: &[&str]) -> Outcome {
    let mut command = python("reflect.py");
    command.args(["--address", address, "--timeout", "60"]);
    command.args(arguments);
    run(command, "").await
}

fn manifest_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An example in the profile of this test. Cargo builds it first where a run of this test alone has
/// not.
fn cargo_run(example: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(manifest_folder());
    command.args(["run", "--quiet", "--locked", "--example", example]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let target = build_folder().parent().expect("a target folder");
    command.arg("--target-dir").arg(target).arg("--");
    command
}

/// Python's search path for the packages of the requirements and the code made from the schema.
static MODULES: LazyLock<Result<OsString, String>> = LazyLock::new(|| {
    let pins = manifest_folder().join("examples/python/requirements.txt");
    let schema = manifest_folder().join("proto");
    let file = "watchword/v1/token_validation.proto";
    let version = std::process::Command::new("python3").arg("-VV").output();
    let version = version.map_err(|error| format!("python3 cannot be run: {error}"))?;
    let mut digest = DefaultHasher::new();
    (&version.stdout, read(&pins)?).hash(&mut digest);
    let packages = wheels::installed(&format!("python-{:x}", digest.finish()), &pins)?;
    read(&schema.join(file))?.hash(&mut digest);
    let stubs = wheels::made_once(&format!("stubs-{:x}", digest.finish()), |draft| {
        std::fs::create_dir_all(draft).map_err(|error| error.to_string())?;
        let mut protoc = std::process::Command::new("python3");
        protoc.env("PYTHONPATH", &packages);
        protoc.args(["-m", "grpc_tools.protoc", "--proto_path"]);
        protoc.arg(&schema).arg("--python_out").arg(draft);
        protoc.arg("--grpc_python_out").arg(draft).arg(file);
        wheels::succeed(protoc)
    })?;
    std::env::join_paths([packages, stubs]).map_err(|error| error.to_string())
});

/// Returns true if there is what the Python examples need. Where it cannot be fetched, says so.
pub(crate) fn has_python() -> bool {
    let problem = MODULES.as_ref().err();
    problem.map(|problem| pass_unchecked(problem)).is_none()
}

fn read(file: &PathBuf) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn python(script: &str) -> Command {
    let modules = MODULES
        .as_ref()
        .unwrap_or_else(|problem| panic!("{problem}"));
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", modules);
    command.arg(manifest_folder().join("examples/python").join(script));
    command
}

async fn run(mut command: Command, input: &str) -> Outcome {
    command.stdin(Stdio::piped()).kill_on_drop(true);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that ends without reading it is no fault.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    Outcome {
        code: output.status.code(),
        said: String::from_utf8(output.stdout).expect("text"),
        complained: String::from_utf8(output.stderr).expect("text"),
    }
}
