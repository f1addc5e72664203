//! Watchword, as a process, and the provider that encrypts tokens to its keys.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use prost_types::value::Kind;
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};
use watchword::wire::envoy::service::auth::v3::CheckResponse;
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;
use watchword_test_support::in_process::question;
use watchword_test_support::instance::Instance;
use watchword_test_support::mint::Signer;
use watchword_test_support::secrets::SECRETS;
use watchword_test_support::{build_folder, free_address};

use crate::http;
use crate::provider::{Provider, Token};

/// Its tokens are encrypted with ECDH-ES and A256CBC-HS512.
pub(crate) const ORDERS: &str = "https://orders.example.com";
/// Its tokens are encrypted with RSA-OAEP-256 and A256GCM.
pub(crate) const REPORTS: &str = "https://reports.example.com";
/// Its tokens are only signed.
pub(crate) const STOCK: &str = "https://stock.example.com";

pub(crate) struct Site {
    pub(crate) provider: Provider,
    server: Instance,
    /// Where the public keys are.
    published_at: SocketAddr,
    client: AuthorizationClient<Channel>,
}

/// An answer as Envoy reads it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) reason: String,
    /// The headers that an allow sets, with their values.
    pub(crate) headers: Vec<(String, String)>,
}

impl Site {
    /// Starts both, with a P-256 key in `ec.pem` and an RSA key in `rsa.pem`. `None` if the
    /// provider cannot be run here.
    pub(crate) async fn start(name: &str) -> Option<Self> {
        let published_at = free_address();
        let url = format!("http://{published_at}/issuers/corp/jwks.json");
        let folder = build_folder().join(format!("providers/{}/{name}", std::process::id()));
        let provider = Provider::start(&url, &folder).await?;
        let server = Instance::at(folder, free_address(), free_address());
        let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc)).unwrap();
        let mut site = Self {
            provider,
            published_at,
            client: AuthorizationClient::new(endpoint.connect_lazy()),
            server,
        };
        site.write_key("ec.pem", &Signer::generate("ES256", ""));
        site.write_key("rsa.pem", &Signer::rsa("RS256", "", 0));
        site.configure(&["ec.pem", "rsa.pem"]);
        site.server.start();
        site.server.ready().await;
        Some(site)
    }

    /// Writes a private key, in PEM, so without a `kid`. One that can sign can decrypt too.
    pub(crate) fn write_key(&self, file: &str, key: &Signer) {
        let base64 = STANDARD.encode(key.pkcs8());
        SECRETS.register(base64.as_bytes());
        let lines = base64.as_bytes().chunks(64).map(String::from_utf8_lossy);
        let lines: Vec<_> = lines.collect();
        let text = lines.join("\n");
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        self.server.write(file, &pem);
    }

    /// Reloads with these keys, the newest first.
    pub(crate) async fn reload(&self, keys: &[&str]) {
        let (before, _) = self.server.reloads().await;
        self.configure(keys);
        let is_done = async || self.server.reloads().await.0 > before;
        self.server.until("the keys are in use", is_done).await;
    }

    fn configure(&self, keys: &[&str]) {
        let configuration = json!({
            "server": {
                "grpc": {"address": self.server.grpc},
                "admin": {"address": self.server.admin},
                "public_keys": {"address": self.published_at},
            },
            "reload": {"interval": "100ms"},
            "issuers": {"corp": {
                "issuer": self.provider.issuer,
                "audiences": [ORDERS, REPORTS, STOCK],
                "jwks": {"discovery": true, "allow_http": true},
                "decryption": {"keys": keys, "required": true},
                "headers": {"x-auth-client": "client_id", "x-auth-tenant": "tenant"},
            }},
        });
        self.server
            .write("watchword.yaml", &configuration.to_string());
    }

    /// The published key of this type.
    pub(crate) async fn published(&self, kty: &str) -> Value {
        let authority = self.published_at.to_string();
        let mut set = http::get(&authority, "/issuers/corp/jwks.json").await;
        let keys = set["keys"].as_array_mut().expect("keys").drain(..);
        let mut of_type = keys.filter(|key| key["kty"] == kty);
        let key = of_type.next().expect("a key of this type");
        assert_eq!(of_type.next(), None, "only the newest is published");
        key
    }

    pub(crate) async fn check(&self, token: &Token) -> Answer {
        let answer = self.client.clone().check(question(&token.0)).await;
        Answer::of(answer.expect("gRPC OK").into_inner())
    }
}

impl Answer {
    pub(crate) fn denied(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            headers: Vec::new(),
        }
    }

    fn of(answer: CheckResponse) -> Self {
        let metadata = prost_types::Struct::decode(answer.dynamic_metadata).expect("a struct");
        let Some(Kind::StringValue(reason)) = &metadata.fields["reason"].kind else {
            panic!("no reason");
        };
        let is_allow = answer.status.expect("an explicit status").code == 0;
        assert_eq!(is_allow, reason == "allowed");
        let headers = match answer.http_response {
            Some(HttpResponse::OkResponse(allow)) if is_allow => allow.headers,
            Some(HttpResponse::DeniedResponse(_)) if !is_allow => Vec::new(),
            other => panic!("{reason}, with {other:?}"),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = headers.into_iter().filter_map(|option| option.header);
        let headers = headers.map(|header| {
            let value = [&header.value[..], &header.raw_value].concat();
            (text(&header.key), text(&value))
        });
        let mut headers: Vec<_> = headers.collect();
        headers.sort_unstable();
        Self {
            reason: reason.clone(),
            headers,
        }
    }
}
