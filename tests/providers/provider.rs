//! A process with oidc-provider, and its tokens.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use watchword_test_support::secrets::SECRETS;

use crate::http;
use crate::packages::{installed, sources};

/// Longer than Node.js needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A provider that is killed when it is dropped.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    _process: Child,
}

impl Provider {
    /// Starts one that encrypts tokens to the keys at this URL, and waits until it listens. Its log
    /// is in the folder. `None` if it cannot be run here.
    pub(crate) async fn start(keys: &str, folder: &Path) -> Option<Self> {
        let mut command = Command::new("node");
        command.current_dir(installed()?);
        fs::create_dir_all(folder).expect("a folder");
        let log = folder.join("provider.log");
        command.arg(sources().join("provider.mjs")).arg(keys);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(&log).expect("a log"));
        command.kill_on_drop(true);
        let mut process = command.spawn().expect("Node.js");
        let output = process.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(output).lines();
        let line = timeout(PATIENCE, lines.next_line()).await;
        let issuer = line.expect("it starts in time").expect("text");
        let Some(issuer) = issuer else {
            panic!("it ended: {}", fs::read_to_string(log).unwrap_or_default());
        };
        Some(Self {
            issuer,
            _process: process,
        })
    }

    /// An access token of its client, for this resource server.
    pub(crate) async fn token(&self, resource: &str) -> Token {
        let form = format!(
            "grant_type=client_credentials&scope=read&resource={resource}\
             &client_id=batch&client_secret=secret-of-the-batch-client"
        );
        let authority = self.issuer.strip_prefix("http://").expect("plain HTTP");
        let answer = http::post(authority, "/token", &form).await;
        let token = answer["access_token"].as_str().expect("a token");
        SECRETS.register(token.as_bytes());
        Token(token.to_owned())
    }
}

/// A token in its compact form.
#[derive(Debug)]
pub(crate) struct Token(pub(crate) String);

impl Token {
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.0.split('.').collect()
    }

    /// The outer header.
    pub(crate) fn header(&self) -> Value {
        let bytes = URL_SAFE_NO_PAD.decode(self.segments()[0]).expect("base64");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// The same with another first byte in this segment.
    pub(crate) fn changed(&self, segment: usize) -> Self {
        let mut segments: Vec<String> = self.segments().into_iter().map(str::to_owned).collect();
        let other = if segments[segment].starts_with('A') {
            "B"
        } else {
            "A"
        };
        segments[segment].replace_range(..1, other);
        Self(segments.join("."))
    }
}
