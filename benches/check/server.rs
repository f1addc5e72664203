//! The servers under load, as child processes of the benchmark.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::transport::Server as TonicServer;
use tonic::transport::server::TcpIncoming;
use watchword::app::App;
use watchword::clock::Clock;
use watchword::config::Config;

use crate::noop::Noop;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Noop,
    Watchword,
}

impl Kind {
    fn name(self) -> &'static str {
        if self == Self::Noop {
            "noop"
        } else {
            "watchword"
        }
    }

    pub(crate) fn from_name(name: &str) -> Self {
        if name == "noop" {
            Self::Noop
        } else {
            Self::Watchword
        }
    }
}

/// An RSA key and a configuration that trusts it.
pub(crate) struct Keys {
    signing: jsonwebtoken::EncodingKey,
    config: String,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
            .unwrap();
        // jsonwebtoken takes PKCS#1, which is the octet string at the end of PKCS#8 for RSA.
        let pkcs1 = der.as_ref()[26..].to_vec();
        let n = URL_SAFE_NO_PAD.encode(
            pair.public_key()
                .modulus()
                .big_endian_without_leading_zero(),
        );
        let config = format!(
            "server: {{grpc: {{address: 127.0.0.1:0}}}}
issuers:
  bench:
    issuer: https://issuer.bench.example
    audiences: [orders-api]
    jwks: {{inline: {{keys: [{{kty: RSA, kid: k, alg: RS256, n: {n}, e: AQAB}}]}}}}
    headers: {{x-auth-subject: sub, x-auth-roles: realm_access.roles, x-auth-email: email}}
rules:
- match: {{path: {{prefix: /public/}}, methods: [GET]}}
  require: none
- match: {{path: {{prefix: /orders/}}}}
  require: {{scopes: [orders.read]}}
"
        );
        Self {
            signing: jsonwebtoken::EncodingKey::from_rsa_der(&pkcs1),
            config,
        }
    }

    /// Tokens of about 700 bytes, no two alike.
    pub(crate) fn tokens(&self, count: usize) -> Vec<String> {
        let header = jsonwebtoken::Header {
            kid: Some("k".to_owned()),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256)
        };
        let mint = |index: usize| {
            let claims = serde_json::json!({
                "iss": "https://issuer.bench.example", "aud": "orders-api", "sub": format!("user-{index}"),
                "email": format!("user-{index}@example.com"), "jti": format!("{index:032x}"),
                "scope": "openid orders.read orders.write", "iat": 1_700_000_000, "exp": 4_000_000_000_u64,
                "realm_access": {"roles": ["buyer", "reviewer"]},
            });
            jsonwebtoken::encode(&header, &claims, &self.signing).unwrap()
        };
        (0..count).map(mint).collect()
    }
}

/// A server process; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(kind: Kind, keys: &Keys) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["serve", kind.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(keys.config.as_bytes()).unwrap();
        drop(input);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: line.trim().parse().unwrap(),
        }
    }

    /// Processor time of all threads so far.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanos = |task: std::io::Result<std::fs::DirEntry>| {
            let text = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            text.split(' ').next().unwrap().parse::<u64>().unwrap()
        };
        Duration::from_nanos(tasks.map(nanos).sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's part: serve until killed, on one thread, so that the client has the other core.
pub(crate) fn run(kind: Kind) {
    let mut config = String::new();
    std::io::stdin().read_to_string(&mut config).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        match kind {
            Kind::Noop => {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                println!("{}", listener.local_addr().unwrap());
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                TonicServer::builder()
                    .add_service(Noop)
                    .serve_with_incoming(incoming)
                    .await
                    .unwrap();
            }
            Kind::Watchword => {
                let config = Config::parse(&config, std::path::Path::new("bench.yaml")).unwrap();
                let app = App::start(config, Clock::system()).await.unwrap();
                println!("{}", app.address());
                std::future::pending::<()>().await;
            }
        }
    });
}
