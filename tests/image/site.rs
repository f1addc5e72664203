//! A server with its configuration, in a container or not, and its clients.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::generate("ES256", "k1"));

/// A server that writes its log to a file, and is killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    log: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(mut command: Command, log: PathBuf, address: SocketAddr) -> Self {
        let file = File::create(&log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap());
        let process = command.stderr(file).spawn().unwrap();
        Self {
            process,
            log,
            address,
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has logged this.
    pub(crate) async fn logs(&self, part: &str) {
        self.until(part, async || self.log().contains(part)).await;
    }

    /// The status of Check's answer for a token of this issuer: 0 for an allow.
    pub(crate) async fn verdict(&self, issuer: &str) -> Option<i32> {
        let mut claims = mint::claims(1_700_000_000);
        claims["exp"] = 4_000_000_000_u64.into();
        claims["iss"] = issuer_url(issuer).into();
        self.ask(&SIGNER.sign(&claims)).await
    }

    /// The same for any token; nothing where it cannot be asked.
    pub(crate) async fn ask(&self, token: &str) -> Option<i32> {
        let header = HeadersEntry {
            key: "authorization".into(),
            value: format!("Bearer {token}").into(),
        };
        let http = HttpRequest {
            method: "GET".into(),
            path: "/orders".into(),
            headers: vec![header],
            ..HttpRequest::default()
        };
        let request = Some(Request { http: Some(http) });
        let attributes = Some(AttributeContext {
            request,
            context_extensions: Vec::new(),
        });
        let url = format!("http://{}", self.address);
        let mut client = AuthorizationClient::connect(url).await.ok()?;
        let answer = client.check(CheckRequest { attributes }).await.unwrap();
        Some(answer.into_inner().status.unwrap().code)
    }

    pub(crate) async fn until(&self, what: &str, is: impl AsyncFn() -> bool) {
        let waited = timeout(TIMEOUT, async {
            while !is().await {
                sleep(POLL).await;
            }
        });
        assert!(waited.await.is_ok(), "never: {what}\n{}", self.log());
    }

    /// Waits for its end, which somebody else asked for.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    return status;
                }
                sleep(POLL).await;
            }
        };
        timeout(TIMEOUT, ended).await.expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A key server with the key of [`Server::verdict`]'s tokens.
pub(crate) fn key_server() -> KeyServer {
    KeyServer::start(Reply::ok(mint::key_set(&[&SIGNER])))
}

/// A configuration whose issuers take their keys from these URLs.
pub(crate) fn configuration(address: SocketAddr, issuers: &[(&str, String)]) -> String {
    let issuers: serde_json::Map<_, _> = issuers
        .iter()
        .map(|(name, keys)| {
            let issuer = issuer_url(name);
            let settings =
                json!({"issuer": issuer, "audiences": ["orders-api"], "jwks": {"uri": keys}});
            ((*name).to_owned(), settings)
        })
        .collect();
    let server = json!({"grpc": {"address": address}, "drain": "0s"});
    json!({"server": server, "issuers": issuers}).to_string()
}

fn issuer_url(name: &str) -> String {
    format!("https://{name}.example.com")
}

/// A folder with a file as Kubernetes lays out a `ConfigMap` or a Secret: behind two symbolic
/// links.
pub(crate) fn mounted(folder: &Path, name: &str, content: &str) {
    let version = "..2026_01_01_00_00_00.1";
    fs::create_dir_all(folder.join(version)).unwrap();
    fs::write(folder.join(version).join(name), content).unwrap();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, folder.join(name)).unwrap();
    };
    link(version, "..data");
    link(&format!("..data/{name}"), name);
}
