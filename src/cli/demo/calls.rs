//! The sample calls and their expected verdicts.

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

use super::decryption::DecryptionFile;
use super::issuer::DemoIssuer;

struct SampleCall {
    title: &'static str,
    /// Method and path.
    request: (&'static str, &'static str),
    token: Option<String>,
    expected: &'static str,
}

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
        let allow = matches!(self.expected, "allowed" | "anonymous");
        self.reason == self.expected && self.denied.is_none() == allow
    }
}

fn samples(issuer: &DemoIssuer, decryption: &DecryptionFile) -> anyhow::Result<Vec<SampleCall>> {
    let orders = ("GET", "/orders");
    let users = ("GET", "/admin/users");
    let logo = "/public/logo.svg";
    let escaped = ("GET", "/public/..%2fadmin/users");
    let signed = |changes: Value| issuer.sign(&issuer.claims(&changes)).map(Some);
    let good = Some(issuer.sample_token()?);
    let expired = signed(json!({"exp": issuer.now - 3600}))?;
    let other_audience = signed(json!({"aud": "billing-api"}))?;
    let tampered = Some(issuer.tampered()?);
    let encrypted = decryption.encrypt(&issuer.sample_token()?)?;
    let only_encrypted = decryption.encrypt(&issuer.claims(&Value::Null).to_string())?;
    let unsigned = Some(issuer.unsigned());
    let stranger = Some(issuer.stranger()?.sample_token()?);
    let unknown = signed(json!({"iss": "https://evil.example"}))?;
    let admin = signed(json!({"scope": "orders.read admin"}))?;
    let samples = [
        ("valid token", orders, good.clone(), "allowed"),
        ("encrypted token", orders, Some(encrypted), "allowed"),
        (
            "encrypted, not signed",
            orders,
            Some(only_encrypted),
            "token_malformed",
        ),
        ("no token", orders, None, "token_missing"),
        ("expired an hour ago", orders, expired, "token_expired"),
        (
            "for another audience",
            orders,
            other_audience,
            "audience_mismatch",
        ),
        ("payload changed", orders, tampered, "signature_invalid"),
        ("alg none", orders, unsigned, "alg_not_allowed"),
        (
            "signed by a stranger",
            orders,
            stranger,
            "signature_invalid",
        ),
        ("unknown issuer", orders, unknown, "issuer_not_allowed"),
        ("scope missing", users, good, "insufficient_scope"),
        ("scope admin", users, admin, "allowed"),
        ("anonymous path", ("GET", logo), None, "anonymous"),
        ("method not public", ("POST", logo), None, "token_missing"),
        ("path with two readings", escaped, None, "request_malformed"),
    ];
    let samples = samples.map(|(title, request, token, expected)| SampleCall {
        title,
        request,
        token,
        expected,
    });
    Ok(samples.into())
}

/// Makes all calls over one connection. Each has a forged identity header.
pub(super) async fn make(
    address: SocketAddr,
    issuer: &DemoIssuer,
    decryption: &DecryptionFile,
) -> anyhow::Result<Vec<SampleResult>> {
    let channel = Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?;
    let mut client = AuthorizationClient::new(channel);
    let samples = samples(issuer, decryption)?;
    // The first call on a connection takes longer, and is not shown.
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
    let (request, (method, path)) = (request(sample), sample.request);
    let stopwatch = Stopwatch::start();
    let response = client.check(request).await?.into_inner();
    let micros = stopwatch.elapsed().as_micros();
    let (denied, headers) = read(&response)?;
    Ok(SampleResult {
        title: sample.title,
        request: format!("{method} {path}"),
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
    let bearer = sample.token.iter().map(|token| format!("Bearer {token}"));
    headers.extend(bearer.map(|bearer| field("authorization", bearer)));
    let (method, path) = sample.request;
    let http = HttpRequest {
        method: Bytes::from_static(method.as_bytes()),
        path: Bytes::from_static(path.as_bytes()),
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

/// The HTTP status of a denial, and the changes of headers.
fn read(response: &CheckResponse) -> anyhow::Result<(Option<i32>, Vec<String>)> {
    let status = response
        .status
        .as_ref()
        .context("an answer without a status")?;
    let answer = response
        .http_response
        .as_ref()
        .context("an answer without a verdict")?;
    match answer {
        HttpResponse::OkResponse(ok) if status.code == 0 => {
            let set = ok
                .headers
                .iter()
                .filter_map(|option| option.header.as_ref());
            let set = set.map(|header| format!("{}: {}", text(&header.key), text(&header.value)));
            let removed = ok.headers_to_remove.iter().map(text);
            // Only claim headers fit into the table. The others are the same for every request.
            let removed = removed
                .filter(|name| name.starts_with("x-auth-") && !name.contains('_'))
                .map(|name| format!("no {name}"));
            Ok((None, set.chain(removed).collect()))
        }
        HttpResponse::DeniedResponse(denied) if status.code != 0 => {
            Ok((Some(denied.status.unwrap_or_default().code), Vec::new()))
        }
        _ => anyhow::bail!("an answer whose status and verdict differ"),
    }
}

fn reason(response: &CheckResponse) -> anyhow::Result<String> {
    let metadata = prost_types::Struct::decode(response.dynamic_metadata.clone())?;
    let reason = metadata
        .fields
        .get("reason")
        .and_then(|value| value.kind.as_ref());
    match reason {
        Some(prost_types::value::Kind::StringValue(reason)) => Ok(reason.clone()),
        _ => anyhow::bail!("an answer without a reason"),
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
