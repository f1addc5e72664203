//! `serve` from start to stop, and `health` beside it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use watchword::clock::Stopwatch;
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use watchword_test_support::mint::{self, Signer};

use crate::{folder, text, watchword};

const CONFIG: &str = "\
server: {grpc: {address: 127.0.0.1:0}, drain: 0s}
log: {format: json, level: trace}
issuers:
  corp: {issuer: 'https://idp.example.com', audiences: [orders-api], jwks: {file: keys.json}}
";

pub(crate) struct Server {
    child: Child,
    log: Option<BufReader<std::process::ChildStderr>>,
    seen: String,
}

impl Server {
    pub(crate) fn start(file: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_watchword"))
            .args(["serve", "-c", file])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            log: Some(log),
            seen: String::new(),
        }
    }

    /// Reads the log up to a line with this text, unless there was one before.
    pub(crate) fn once(&mut self, part: &str) {
        if !self.seen.contains(part) {
            self.until(part);
        }
    }

    /// Reads the log up to a line with this text.
    pub(crate) fn until(&mut self, part: &str) -> String {
        let log = self.log.as_mut().unwrap();
        loop {
            let mut line = String::new();
            assert!(
                log.read_line(&mut line).unwrap() > 0,
                "the log ended without {part}: {}",
                self.seen
            );
            self.seen.push_str(&line);
            if line.contains(part) {
                return line;
            }
        }
    }
}

impl Server {
    fn terminate(&self) {
        // The shell has `kill` built in; as a program of its own it may not be there.
        let kill = format!("kill {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(address: &str, token: &str) -> i32 {
    ask_at(address, "/orders?secret=in-query", token)
}

/// The code of the answer to a request for this path.
pub(crate) fn ask_at(address: &str, path: &str, token: &str) -> i32 {
    let header = HeadersEntry {
        key: "authorization".into(),
        value: format!("Bearer {token}").into(),
    };
    let http = HttpRequest {
        method: "GET".into(),
        path: path.to_owned().into(),
        headers: vec![header],
        ..HttpRequest::default()
    };
    let request = Some(Request { http: Some(http) });
    let check = CheckRequest {
        attributes: Some(AttributeContext {
            request,
            context_extensions: Vec::new(),
        }),
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut client = AuthorizationClient::connect(format!("http://{address}"))
            .await
            .unwrap();
        client
            .check(check)
            .await
            .unwrap()
            .into_inner()
            .status
            .unwrap()
            .code
    })
}

#[test]
fn a_server_is_healthy_once_its_keys_are_there_logs_no_token_and_stops_on_sigterm() {
    let folder = folder("serve", &[("watchword.yaml", CONFIG)]);
    let mut server = Server::start(folder.join("watchword.yaml").to_str().unwrap());
    let line = server.until("listening");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = line["address"].as_str().unwrap().to_owned();

    let signer = Signer::generate("ES256", "k1");
    let mut claims = mint::claims(1_700_000_000);
    claims["exp"] = 4_000_000_000_u64.into();
    claims["iss"] = "https://idp.example.com".into();
    let token = signer.sign(&claims);

    let health = watchword(&["health", &address]);
    assert_eq!(
        (health.status.code(), text(&health.stderr).as_str()),
        (Some(1), "NOT_SERVING\n")
    );
    assert_eq!(ask(&address, &token), 14, "no keys yet");

    std::fs::write(
        folder.join("keys.json"),
        mint::key_set(&[&signer]).to_string(),
    )
    .unwrap();
    server.once("keys of every required issuer are usable");
    let clock = watchword::clock::Stopwatch::start();
    while !watchword(&["health", &address]).status.success() {
        assert!(
            clock.elapsed() < Duration::from_secs(10),
            "not healthy in time"
        );
    }
    assert_eq!(ask(&address, &token), 0);
    assert_eq!(ask(&address, &token.replace('.', "!")), 16);

    server.terminate();
    server.until("stopped");
    assert!(server.child.wait().unwrap().success());
    let health = watchword(&["health", &address]);
    assert_eq!(health.status.code(), Some(1));
    assert!(
        text(&health.stderr).starts_with("no answer from"),
        "{}",
        text(&health.stderr)
    );

    assert!(
        server.seen.contains(r#""verdict":"allow""#)
            && server.seen.contains(r#""reason":"token_malformed""#)
    );
    for secret in token.split('.').chain(["alice", "in-query", "Bearer"]) {
        assert!(
            !server.seen.contains(secret),
            "{secret} is in the log:\n{}",
            server.seen
        );
    }
}

#[test]
fn the_first_line_has_version_file_and_a_summary() {
    let folder = folder("first-line", &[("watchword.yaml", CONFIG)]);
    let file = folder.join("watchword.yaml");
    let mut server = Server::start(file.to_str().unwrap());
    let line: serde_json::Value = serde_json::from_str(&server.until("starting")).unwrap();
    assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(line["configuration"], file.to_str().unwrap());
    assert_eq!(
        line["message"],
        "starting: 1 issuer, no rules: any valid token opens every path; plaintext on \
         127.0.0.1:0, every local process may call"
    );
}

#[test]
fn a_second_signal_ends_the_drain() {
    let keys = mint::key_set(&[&Signer::generate("ES256", "k1")]).to_string();
    let config = CONFIG.replace("drain: 0s", "drain: 10m");
    let files = [("watchword.yaml", config.as_str()), ("keys.json", &keys)];
    let folder = folder("drain", &files);
    let mut server = Server::start(folder.join("watchword.yaml").to_str().unwrap());
    let line = server.until("listening");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = line["address"].as_str().unwrap().to_owned();
    server.once("keys of every required issuer are usable");

    server.terminate();
    let line: serde_json::Value = serde_json::from_str(&server.until("stopping")).unwrap();
    assert_eq!(
        line["message"],
        "stopping: answering calls for 600s (drain), then up to 10s for calls in flight; signal \
         again to end the drain"
    );
    // The log line comes just before health turns.
    let clock = Stopwatch::start();
    while text(&watchword(&["health", &address]).stderr) != "NOT_SERVING\n" {
        assert!(clock.elapsed() < Duration::from_secs(10), "still healthy");
    }
    assert_eq!(ask(&address, "nonsense"), 16, "calls are answered");
    server.terminate();
    server.until("stopping now");
    server.until("stopped");
    assert!(server.child.wait().unwrap().success());
}

/// An unwritable log once ended the task that keeps keys, so that they were used for ever.
#[test]
fn keys_grow_too_old_where_nobody_reads_the_log() {
    let jwks = "file: keys.json, cache_duration: 1s, max_stale: 2s";
    let config = CONFIG.replace("file: keys.json", jwks);
    let signer = Signer::generate("ES256", "k1");
    let keys = mint::key_set(&[&signer]).to_string();
    let folder = folder(
        "unread",
        &[("watchword.yaml", &config), ("keys.json", &keys)],
    );
    let mut server = Server::start(folder.join("watchword.yaml").to_str().unwrap());
    let line = server.until("listening");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = line["address"].as_str().unwrap().to_owned();
    let mut claims = mint::claims(1_700_000_000);
    claims["exp"] = 4_000_000_000_u64.into();
    claims["iss"] = "https://idp.example.com".into();
    let token = signer.sign(&claims);
    let until = |wanted| {
        let clock = Stopwatch::start();
        while ask(&address, &token) != wanted {
            assert!(clock.elapsed() < Duration::from_secs(20), "not {wanted}");
        }
    };
    until(0);

    server.log = None;
    std::fs::remove_file(folder.join("keys.json")).unwrap();
    until(14);
}

#[test]
fn a_file_without_its_option_is_answered_with_the_option() {
    let output = watchword(&["serve", "watchword.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    let expected = "name the file with -c: `watchword serve -c watchword.yaml`";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn a_taken_address_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = CONFIG.replace("127.0.0.1:0", &address);
    let folder = folder("taken", &[("watchword.yaml", &config)]);
    let output = watchword(&[
        "serve",
        "-c",
        folder.join("watchword.yaml").to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains(&format!("cannot listen on {address}: ")),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_bad_configuration_is_refused_before_anything_starts() {
    let folder = folder("bad", &[("watchword.yaml", "issuers: {}\n")]);
    let output = watchword(&[
        "serve",
        "-c",
        folder.join("watchword.yaml").to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("watchword.yaml:1:10: issuers: found an empty mapping"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn the_problems_of_a_refused_reload_are_on_one_line_of_the_log() {
    let config = CONFIG.replace("json, level: trace", "text");
    let config = format!("{config}reload: {{interval: 100ms}}\n");
    let files = [("watchword.yaml", config.as_str()), ("keys.json", "{}")];
    let file = folder("reload-problems", &files).join("watchword.yaml");
    let mut server = Server::start(file.to_str().unwrap());
    server.until("listening");
    let wrong = config.replace("drain: 0s", "drain: 5, realm: 6");
    std::fs::write(&file, wrong).unwrap();
    let line = server.until("the configuration is not reloaded");
    let joined = format!(
        ": server.drain: found 5; expected a duration such as \"30s\"; {}:1:57: server.realm: ",
        file.display()
    );
    assert!(line.contains(&joined), "{line}");
}
