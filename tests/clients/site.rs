//! A Watchword in this process, with one issuer, and a client of it.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use watchword::app::App;
use watchword::clock::Clock;
use watchword::config::Config;
use watchword_test_support::mint::{self, Signer};

use crate::api::token_validation_client::TokenValidationClient;
use crate::api::validate_response::Verdict;
use crate::api::{
    Allow, Deny, Header, Request, ValidateBatchRequest, ValidateRequest, ValidateResponse,
};

/// The time on the server's clock, in Unix seconds.
pub(crate) const NOW: i64 = 1_700_000_000;

static KEY: LazyLock<Signer> = LazyLock::new(|| Signer::generate("ES256", "key"));

const POLICY: &str = "
server:
  grpc: {address: '127.0.0.1:0', reflection: false}
  realm: test
issuers:
  corp:
    issuer: https://idp.example.com
    audiences: [orders-api]
    algorithms: [ES256]
    forward_token: true
    jwks: {inline: '(keys)'}
    headers: {x-auth-subject: sub, x-auth-tenant: tenant}
rules:
- name: public
  match: {path: {prefix: /public/}}
  require: none
- name: optional
  match: {path: {prefix: /optional/}}
  require: {optional: true}
- name: admin
  match: {path: {prefix: /admin/}}
  require: {scopes: [admin]}
- name: edge
  match: {context: {zone: edge}}
- name: orders
  match: {hosts: [shop.example.com], path: {prefix: /orders/}, methods: [GET]}
";

pub(crate) struct Site {
    app: App,
    channel: Channel,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::edited(&[]).await
    }

    /// With parts of the policy replaced.
    pub(crate) async fn edited(edits: &[(&str, &str)]) -> Self {
        let keys = mint::key_set(&[&KEY]).to_string();
        let policy = edits.iter().fold(POLICY.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "the policy has no {old}");
            text.replace(old, new)
        });
        let policy = policy.replace("(keys)", &keys);
        let config = Config::parse(&policy, Path::new("policy.yaml"));
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        let app = App::start(config, Clock::fixed(NOW)).await.unwrap();
        let address = format!("http://{}", app.address());
        let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
        Self { app, channel }
    }

    /// Host and port, or `unix:` and a path.
    pub(crate) fn address(&self) -> String {
        self.app.listening_on().to_string()
    }

    pub(crate) async fn stop(self) -> bool {
        self.app.stop().await
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) async fn validate(&self, question: ValidateRequest) -> ValidateResponse {
        let mut client = TokenValidationClient::new(self.channel());
        client.validate(question).await.unwrap().into_inner()
    }

    pub(crate) async fn allowed(&self, question: ValidateRequest) -> Allow {
        allow(self.validate(question).await)
    }

    pub(crate) async fn denied(&self, question: ValidateRequest) -> Deny {
        deny(self.validate(question).await)
    }

    pub(crate) async fn batch(
        &self,
        requests: Vec<ValidateRequest>,
    ) -> Result<Vec<ValidateResponse>, Code> {
        let mut client = TokenValidationClient::new(self.channel());
        let batch = client.validate_batch(ValidateBatchRequest { requests });
        let answer = batch.await.map_err(|status: Status| status.code())?;
        Ok(answer.into_inner().responses)
    }
}

/// The allow that this is, with nothing held back.
#[track_caller]
pub(crate) fn allow(response: ValidateResponse) -> Allow {
    assert_eq!(response.shadowed, None);
    match response.verdict {
        Some(Verdict::Allow(allow)) => allow,
        other => panic!("{other:?}"),
    }
}

/// The denial that this is.
#[track_caller]
pub(crate) fn deny(response: ValidateResponse) -> Deny {
    assert_eq!(response.shadowed, None);
    match response.verdict {
        Some(Verdict::Deny(deny)) => deny,
        other => panic!("{other:?}"),
    }
}

/// A good token, with these claims beside the usual ones or in their place.
pub(crate) fn token(changes: &Value) -> String {
    let mut claims = mint::claims(NOW);
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    KEY.sign(&claims)
}

pub(crate) fn good_token() -> String {
    token(&json!({}))
}

pub(crate) fn expired_token() -> String {
    token(&json!({"exp": NOW - 3600}))
}

/// A question about a token alone.
pub(crate) fn about(token: String) -> ValidateRequest {
    ValidateRequest {
        token,
        ..ValidateRequest::default()
    }
}

pub(crate) fn get(path: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        host: "shop.example.com".to_owned(),
        ..Request::default()
    }
}

pub(crate) fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}
