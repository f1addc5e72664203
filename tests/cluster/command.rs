//! `kubectl` and `helm` as commands, and what they answered.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use serde_json::Value;

use crate::tools::Unavailable;

/// Seconds after which a command that hangs is killed.
const LIMIT: &str = "600";

/// One command, with an environment of its own: it reads no file of the user's.
#[derive(Debug)]
pub(crate) struct Command {
    /// Of the program, for messages.
    name: String,
    process: Process,
    input: String,
}

impl Command {
    pub(crate) fn new(program: &Path, folder: &Path, kubeconfig: &Path) -> Self {
        let mut process = Process::new("timeout");
        process.args(["--kill-after=5", LIMIT]).arg(program);
        process.env("KUBECONFIG", kubeconfig).env("HOME", folder);
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            process.env(variable, folder.join("helm"));
        }
        // The API server is on this machine.
        process
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        let name = program.file_name().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            process,
            input: String::new(),
        }
    }

    /// With this text as standard input.
    pub(crate) fn input(mut self, text: impl Into<String>) -> Self {
        self.input = text.into();
        self
    }

    pub(crate) fn run(mut self, arguments: &[&str]) -> Answer {
        self.process.args(arguments);
        self.process
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.process.spawn().expect("the command `timeout`");
        let mut input = child.stdin.take().expect("standard input");
        let text = self.input;
        // The command may write before it has read all.
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("a command that ends");
        // A command that reads nothing has closed the pipe.
        let _ = writer.join();
        Answer {
            asked: format!("{} {}", self.name, arguments.join(" ")),
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The output of a command.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) asked: String,
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// The answer of a command that must succeed.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.success, "{self}");
        self
    }

    /// The answer of a command that must succeed, in a thread whose panic nobody would see.
    ///
    /// # Errors
    /// The output of the command.
    pub(crate) fn checked(self) -> Result<Self, Unavailable> {
        if self.success {
            Ok(self)
        } else {
            Err(Unavailable::Fail(self.to_string()))
        }
    }

    /// The answer of a command that must succeed without a warning.
    #[track_caller]
    pub(crate) fn without_warning(self) -> Self {
        let answer = self.succeeded();
        // Information of the client's library, such as of a watch that ended, is no warning.
        let is_information = |line: &str| {
            let rest = line.strip_prefix('I').unwrap_or_default();
            rest.len() > 4 && rest.bytes().take(4).all(|byte| byte.is_ascii_digit())
        };
        let mut warnings = answer.stderr.lines().filter(|line| !is_information(line));
        assert_eq!(warnings.next(), None, "{answer}");
        answer
    }

    /// Standard error of a command that must fail.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert!(!self.success, "{self}");
        self.stderr
    }

    /// Standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// The objects of standard output, which has any number of them, or Lists.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Value> {
        let values = serde_json::Deserializer::from_str(&self.stdout).into_iter::<Value>();
        let values = values.map(|value| value.unwrap_or_else(|error| panic!("{error} in {self}")));
        let objects = values.map(|mut value| {
            let is_list = value["kind"] == "List";
            match value.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) if is_list => items,
                _ => vec![value],
            }
        });
        objects.flatten().collect()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            asked,
            stdout,
            stderr,
            ..
        } = self;
        write!(
            formatter,
            "{asked}\nstandard output:\n{stdout}\nstandard error:\n{stderr}"
        )
    }
}
