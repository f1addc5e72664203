//! Watchword with issuers whose keys come from key servers.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use prost::Message as _;
use prost_types::value::Kind;
use tonic::transport::Channel;
use watchword::app::App;
use watchword::clock::{Clock, Stopwatch};
use watchword::config::Config;
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use crate::key_server::KeyServer;
use crate::mint::{self, Signer};

pub(crate) const NOW: i64 = 1_700_000_000;

/// A good token of the issuer `corp`.
pub(crate) fn token(signer: &Signer) -> String {
    token_of("corp", signer)
}

/// A good token of an issuer.
pub(crate) fn token_of(issuer: &str, signer: &Signer) -> String {
    let mut claims = mint::claims(NOW);
    claims["iss"] = format!("https://{issuer}.example").into();
    signer.sign(&claims)
}

pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    client: AuthorizationClient<Channel>,
}

impl Site {
    /// Keys are fetched again every second, which is the shortest time that can be set.
    pub(crate) async fn start(issuers: &[(&str, &KeyServer)]) -> Self {
        Self::start_with("1s", issuers).await
    }

    pub(crate) async fn start_with(cache_duration: &str, issuers: &[(&str, &KeyServer)]) -> Self {
        let mut text = "server: {grpc: {address: '127.0.0.1:0'}}\nissuers:\n".to_owned();
        for (name, server) in issuers {
            writeln!(
                text,
                "  {name}: {{issuer: 'https://{name}.example', audiences: [orders-api], \
                 jwks: {{uri: '{}', allow_http: true, cache_duration: {cache_duration}}}}}",
                server.uri()
            )
            .unwrap();
        }
        text.push_str(
            "rules:\n- {match: {path: {prefix: /admin/}}, require: {scopes: [admin]}}\n- {}\n",
        );
        let config = Config::parse(&text, Path::new("jwks.yaml")).unwrap_or_else(|p| panic!("{p}"));
        let clock = Clock::fixed(NOW);
        let app = App::start(config, clock.clone()).await.unwrap();
        let client = AuthorizationClient::connect(format!("http://{}", app.address()))
            .await
            .unwrap();
        Self { app, clock, client }
    }

    /// The reason of the answer.
    pub(crate) async fn check(&self, path: &str, token: &str) -> String {
        let value = format!("Bearer {token}").into();
        let headers = vec![HeadersEntry {
            key: "authorization".into(),
            value,
        }];
        let http = HttpRequest {
            path: path.to_owned().into(),
            headers,
            ..HttpRequest::default()
        };
        let request = Some(Request { http: Some(http) });
        let attributes = Some(AttributeContext {
            request,
            context_extensions: Vec::new(),
        });
        let answer = self
            .client
            .clone()
            .check(CheckRequest { attributes })
            .await
            .unwrap()
            .into_inner();
        let metadata = prost_types::Struct::decode(answer.dynamic_metadata).unwrap();
        match &metadata.fields["reason"].kind {
            Some(Kind::StringValue(reason)) => reason.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Asks until the answer has this reason.
    pub(crate) async fn until(&self, path: &str, token: &str, wanted: &str) {
        let clock = Stopwatch::start();
        loop {
            let reason = self.check(path, token).await;
            if reason == wanted {
                return;
            }
            assert!(
                clock.elapsed() < Duration::from_secs(20),
                "still {reason}, not {wanted}"
            );
            tokio::task::yield_now().await;
        }
    }
}
