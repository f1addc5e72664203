//! The sample calls and what is expected of them.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use prost::Message as _;
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};

use crate::clock::Stopwatch;
use crate::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use crate::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use crate::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use crate::wire::envoy::service::auth::v3::check_response::HttpResponse;
use crate::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};

use super::issuer::DemoIssuer;

/// A call that was made.
pub(super) struct SampleResult {
    pub(super) title: &'static str,
    pub(super) request: String,
    /// The HTTP status of a denial; `None` for an allow.
    pub(super) denied: Option<i32>,
    pub(super) reason: String,
    pub(super) headers: Vec<String>,
    pub(super) micros: u128,
    expected: &'static str,
}

impl SampleResult {
    pub(super) fn is_expected(&self) -> bool {
        self.reason == self.expected && self.denied.is_none() == is_allow(self.expected)
    }
}

fn is_allow(reason: &str) -> bool {
    matches!(reason, "allowed" | "anonymous")
}

/// A call to be made.
struct SampleCall {
    title: &'static str,
    method: &'static str,
    path: &'static str,
    token: Option<String>,
    expected: &'static str,
}

fn get(
    title: &'static str,
    path: &'static str,
    token: Option<String>,
    expected: &'static str,
) -> SampleCall {
    SampleCall {
        title,
        method: "GET",
        path,
        token,
        expected,
    }
}

fn samples(issuer: &DemoIssuer) -> anyhow::Result<Vec<SampleCall>> {
    let mut samples = token_samples(issuer)?;
    samples.extend(rule_samples(issuer)?);
    Ok(samples)
}

/// One path, many tokens.
fn token_samples(issuer: &DemoIssuer) -> anyhow::Result<Vec<SampleCall>> {
    let signed = |changes: Value| issuer.sign(&issuer.claims(&changes)).map(Some);
    let hour_ago = issuer.now() - 3600;
    let stranger = issuer.stranger()?;
    let tokens = [
        ("valid token", signed(Value::Null)?, "allowed"),
        ("no token", None, "token_missing"),
        (
            "expired an hour ago",
            signed(json!({"exp": hour_ago}))?,
            "token_expired",
        ),
        (
            "for another audience",
            signed(json!({"aud": "billing-api"}))?,
            "audience_mismatch",
        ),
        (
            "payload changed",
            Some(issuer.tampered()?),
            "signature_invalid",
        ),
        ("alg none", Some(issuer.unsigned()), "alg_not_allowed"),
        (
            "signed by a stranger",
            Some(stranger.sample_token()?),
            "signature_invalid",
        ),
        (
            "unknown issuer",
            signed(json!({"iss": "https://evil.example"}))?,
            "issuer_not_allowed",
        ),
    ];
    let samples = tokens
        .into_iter()
        .map(|(title, token, expected)| get(title, "/orders", token, expected));
    Ok(samples.collect())
}

/// Other paths, other rules.
fn rule_samples(issuer: &DemoIssuer) -> anyhow::Result<Vec<SampleCall>> {
    let token = Some(issuer.sample_token()?);
    let admin = Some(issuer.sign(&issuer.claims(&json!({"scope": "orders.read admin"})))?);
    let (logo, post) = ("/public/logo.svg", "POST");
    Ok(vec![
        get("scope missing", "/admin/users", token, "insufficient_scope"),
        get("scope admin", "/admin/users", admin, "allowed"),
        get("anonymous path", logo, None, "anonymous"),
        SampleCall {
            method: post,
            ..get("method not public", logo, None, "token_missing")
        },
        get(
            "path with two readings",
            "/public/..%2fadmin/users",
            None,
            "request_malformed",
        ),
    ])
}

/// Makes all calls over one connection. Each of them brings a forged identity header.
pub(super) async fn make(
    address: SocketAddr,
    issuer: &DemoIssuer,
) -> anyhow::Result<Vec<SampleResult>> {
    let channel = Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?;
    let mut client = AuthorizationClient::new(channel);
    let samples = samples(issuer)?;
    // The first call on a connection pays for it.
    if let Some(first) = samples.first() {
        call(&mut client, first).await?;
    }
    let mut results = Vec::new();
    for sample in &samples {
        results.push(call(&mut client, sample).await?);
    }
    Ok(results)
}

async fn call(
    client: &mut AuthorizationClient<Channel>,
    sample: &SampleCall,
) -> anyhow::Result<SampleResult> {
    let request = request(sample);
    let stopwatch = Stopwatch::start();
    let response = client.check(request).await?.into_inner();
    let micros = stopwatch.elapsed().as_micros();
    let (denied, headers) = read(&response)?;
    Ok(SampleResult {
        title: sample.title,
        request: format!("{} {}", sample.method, sample.path),
        denied,
        reason: reason(&response)?,
        headers,
        micros,
        expected: sample.expected,
    })
}

fn request(sample: &SampleCall) -> CheckRequest {
    let field = |key: &'static str, value: String| HeadersEntry {
        key: key.into(),
        value: value.into(),
    };
    let mut headers = vec![field("x-auth-subject", "root".to_owned())];
    headers.extend(
        sample
            .token
            .iter()
            .map(|token| field("authorization", format!("Bearer {token}"))),
    );
    let http = HttpRequest {
        method: Bytes::from_static(sample.method.as_bytes()),
        path: Bytes::from_static(sample.path.as_bytes()),
        host: Bytes::from_static(b"shop.example"),
        headers,
        header_map: None,
    };
    let request = Some(Request { http: Some(http) });
    CheckRequest {
        attributes: Some(AttributeContext {
            request,
            context_extensions: Vec::new(),
        }),
    }
}

/// The HTTP status of a denial, and what becomes of the headers.
fn read(response: &CheckResponse) -> anyhow::Result<(Option<i32>, Vec<String>)> {
    let code = response
        .status
        .as_ref()
        .context("an answer without a status")?
        .code;
    match response
        .http_response
        .as_ref()
        .context("an answer without a verdict")?
    {
        HttpResponse::OkResponse(ok) if code == 0 => {
            let set = ok
                .headers
                .iter()
                .filter_map(|option| option.header.as_ref());
            let set = set.map(|header| format!("{}: {}", text(&header.key), text(&header.value)));
            let removed = ok.headers_to_remove.iter().map(text);
            // The table has room for the claim headers; others are removed from every request.
            let removed = removed
                .filter(|name| name.starts_with("x-auth-") && !name.contains('_'))
                .map(|name| format!("no {name}"));
            Ok((None, set.chain(removed).collect()))
        }
        HttpResponse::DeniedResponse(denied) if code != 0 => {
            Ok((Some(denied.status.unwrap_or_default().code), Vec::new()))
        }
        _ => anyhow::bail!("an answer whose status and verdict differ"),
    }
}

fn reason(response: &CheckResponse) -> anyhow::Result<String> {
    let metadata = prost_types::Struct::decode(response.dynamic_metadata.clone())?;
    match metadata
        .fields
        .get("reason")
        .and_then(|value| value.kind.as_ref())
    {
        Some(prost_types::value::Kind::StringValue(reason)) => Ok(reason.clone()),
        _ => anyhow::bail!("an answer without a reason"),
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
