//! The metrics of a server that runs, has keys, and has answered calls: every metric with its
//! labels and their values.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use watchword::app::App;
use watchword::clock::Clock;
use watchword::config::Config;
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::pki::{self, Identity};

use super::promql::Query;

/// Labels that Prometheus adds to whatever it scrapes.
pub(crate) const TARGET: [&str; 4] = ["namespace", "job", "pod", "instance"];
const NOW: i64 = 1_700_000_000;

/// Values by labels by metrics.
#[derive(Debug, Default)]
pub(crate) struct Page(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Page {
    /// Starts a server with TLS and rules of each kind, calls it, and reads its metrics once it has
    /// read its keys twice.
    pub(crate) async fn of_a_running_server() -> Self {
        let signer = Signer::generate("ES256", "k1");
        let app = App::start(config(&signer), Clock::fixed(NOW));
        let app = app.await.unwrap();
        app.ready().await;
        let mut client = client(&app).await;
        let token = signer.sign(&mint::claims(NOW));
        for (path, token) in [
            ("/orders", Some(&token)),
            ("/orders", None),
            ("/public", None),
            ("/trial", None),
        ] {
            client.check(request(path, token)).await.unwrap();
        }
        // The server reads the key file again within seconds.
        for _ in 0..600 {
            let text = metrics(&app).await;
            if text.contains("outcome=\"unchanged\"") {
                app.stop().await;
                return Self::read(&text);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server never read its keys a second time");
    }

    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let metric = page.0.entry(name.to_owned()).or_default();
            let labels = labels.trim_end_matches('}').split("\",");
            for (label, value) in labels.filter_map(|label| label.split_once("=\"")) {
                let values = metric.entry(label.to_owned()).or_default();
                values.insert(value.trim_end_matches('"').to_owned());
            }
        }
        page
    }

    pub(crate) fn metrics(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn has_label(&self, metric: &str, label: &str) -> bool {
        TARGET.contains(&label)
            || self
                .0
                .get(metric)
                .is_some_and(|labels| labels.contains_key(label))
    }

    /// The metrics, labels and values that a query names and this page lacks.
    pub(crate) fn problems(&self, query: &Query) -> Vec<String> {
        let mut problems = Vec::new();
        for selector in &query.selectors {
            let metric = &selector.metric;
            let Some(labels) = self.0.get(metric) else {
                problems.push(format!("no metric {metric}"));
                continue;
            };
            for matcher in &selector.matchers {
                let label = &matcher.name;
                if !self.has_label(metric, label) {
                    problems.push(format!("{metric} has no label {label}"));
                } else if let Some(values) = labels.get(label) {
                    let missing = matcher
                        .value
                        .split('|')
                        .filter(|value| !values.contains(*value));
                    problems
                        .extend(missing.map(|value| format!("{metric} has no {label}={value}")));
                }
            }
        }
        for grouping in &query.groupings {
            for label in &grouping.labels {
                let mut metrics = grouping.metrics.iter();
                let has = |metric: &String| self.has_label(metric, label);
                let known = if grouping.aggregates {
                    metrics.all(has)
                } else {
                    metrics.any(has)
                };
                if !known {
                    problems.push(format!("{:?} have no label {label}", grouping.metrics));
                }
            }
        }
        problems
    }
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chart-observability");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A usable key and one that is skipped; a rule without a token, one in shadow mode, and the rest.
fn config(signer: &Signer) -> Config {
    let mut keys = mint::key_set(&[signer]);
    let symmetric = json!({"kty": "oct", "k": "AAAA", "kid": "k2"});
    keys["keys"].as_array_mut().unwrap().push(symmetric);
    let folder = folder();
    fs::write(folder.join("keys.json"), keys.to_string()).unwrap();
    let (certificate, key) = Identity::server().pem_files("chart-observability");
    let text = json!({
        "server": {
            "grpc": {
                "address": "127.0.0.1:0",
                "tls": {"certificate": certificate, "private_key": key},
            },
            "admin": {"address": "127.0.0.1:0"},
        },
        "issuers": {"corp": {
            "issuer": "https://idp.example.com", "audiences": ["orders-api"],
            "jwks": {"file": "keys.json", "cache_duration": "1s"},
        }},
        "rules": [
            {"name": "public", "match": {"path": {"prefix": "/public"}}, "require": "none"},
            {"name": "trial", "match": {"path": {"prefix": "/trial"}}, "mode": "shadow"},
            {"name": "rest"},
        ],
    });
    Config::parse(&text.to_string(), &folder.join("watchword.yaml"))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

async fn client(app: &App) -> AuthorizationClient<Channel> {
    let authority = fs::read(pki::ca_file()).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority))
        .domain_name("localhost");
    let endpoint = Channel::from_shared(format!("https://{}", app.address())).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect().await;
    AuthorizationClient::new(channel.unwrap())
}

fn request(path: &str, token: Option<&String>) -> CheckRequest {
    let headers = token.map(|token| HeadersEntry {
        key: "authorization".into(),
        value: format!("Bearer {token}").into(),
    });
    let http = HttpRequest {
        method: "GET".into(),
        path: path.to_owned().into(),
        headers: headers.into_iter().collect(),
        ..HttpRequest::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request { http: Some(http) }),
            context_extensions: Vec::new(),
        }),
    }
}

async fn metrics(app: &App) -> String {
    let address = app.admin_address().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
