//! The catalogue's OPS-07: unread log lines are dropped and counted, and requests are answered.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use watchword::clock::Stopwatch;
use watchword::telemetry::{DecisionOutcome, RequestId};
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use crate::scene::{decision, lines, telemetry, value};

/// More lines than a pipe and two buffers hold.
const CALLS: usize = 7000;
/// More lines than a process can write before its pipes are full.
const REQUESTS: usize = 20_000;

#[test]
fn a_decision_log_that_nobody_reads_stops_nobody() {
    let (telemetry, log) = telemetry("log: {decisions: {policy: all}}");
    let id = [b'x'; 64];
    let told = watchword::telemetry::DecisionEvent {
        request_id: RequestId::new(&id),
        ..decision(DecisionOutcome::Allowed)
    };
    for _ in 0..CALLS {
        telemetry.record(&told);
    }
    let dropped = || {
        let series = "watchword_log_lines_dropped_total{log=\"decisions\"}";
        value(&telemetry.metrics, series).unwrap()
    };
    let lost = dropped();
    assert!(lost > 0.0, "the pipe and the buffers are full");
    let reader = std::thread::spawn(move || lines(log));
    drop(telemetry);
    let lines = reader.join().unwrap();
    let written = u32::try_from(lines.len()).unwrap();
    assert_eq!(f64::from(written) + lost, 7000.0);
}

/// A server whose output is not read, except for the start of its standard error.
struct UnreadServer {
    child: Child,
    grpc: String,
    admin: String,
    _stderr: BufReader<ChildStderr>,
}

impl UnreadServer {
    fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unread");
        std::fs::create_dir_all(&folder).unwrap();
        let config = "\
server: {grpc: {address: '127.0.0.1:0'}, admin: {address: '127.0.0.1:0'}}
log: {format: json, level: debug, decisions: {policy: all}}
issuers:
  corp: {issuer: 'https://idp.example.com', audiences: [a], jwks: {file: keys.json}}
";
        let file = folder.join("watchword.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchword"));
        command
            .args(["serve", "-c"])
            .arg(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut address = |wanted: &str| loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "no {wanted:?}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == wanted {
                break line["address"].as_str().unwrap().to_owned();
            }
        };
        let (admin, grpc) = (address("listening for operators"), address("listening"));
        Self {
            child,
            grpc,
            admin,
            _stderr: stderr,
        }
    }

    fn dropped(&self, log: &str) -> u64 {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n")
            .unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        let name = format!("watchword_log_lines_dropped_total{{log=\"{log}\"}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&name));
        value.expect("the metric").parse().unwrap()
    }
}

impl Drop for UnreadServer {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn check() -> CheckRequest {
    let header = HeadersEntry {
        key: "x-request-id".into(),
        value: "x".repeat(64).into(),
    };
    let http = HttpRequest {
        path: "/".into(),
        headers: vec![header],
        ..HttpRequest::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request { http: Some(http) }),
            context_extensions: Vec::new(),
        }),
    }
}

#[tokio::test]
async fn a_server_whose_logs_nobody_reads_answers_counts_and_stops() {
    let mut server = UnreadServer::start();
    let client = AuthorizationClient::connect(format!("http://{}", server.grpc));
    let client = client.await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut client = client.clone();
        callers.spawn(async move {
            for _ in 0..REQUESTS / 16 {
                let answer = client.check(check()).await.unwrap().into_inner();
                assert_eq!(answer.status.unwrap().code, 16);
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    for log in ["operational", "decisions"] {
        assert!(server.dropped(log) > 0, "that many lines do not fit: {log}");
    }

    let clock = Stopwatch::start();
    let kill = format!("kill {}", server.child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
    assert!(server.child.wait().unwrap().success());
    assert!(
        clock.elapsed() < Duration::from_secs(20),
        "{:?}",
        clock.elapsed()
    );
}
