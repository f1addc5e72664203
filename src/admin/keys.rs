//! `GET /jwks`, `GET /jwks/keys` and `POST /jwks/refresh`: sources of keys, and public keys, as
//! JSON.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::escape::escape_lines;
use crate::jwks::{FetchStart, SourceStatus};
use crate::policy::{IssuerId, Policy};

use super::AdminPages;

/// Longest part of a `kid` that is shown, in characters.
const MAX_KID: usize = 256;

/// The query of `POST /jwks/refresh`, and of `GET /jwks/keys`, which requires the name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerQuery {
    issuer: Option<String>,
}

pub(super) async fn list(State(admin): State<Arc<AdminPages>>) -> Response {
    let generation = admin.state.generation();
    let sources = generation.sources().status();
    let sources = sources
        .iter()
        .map(|source| source_entry(source, &generation.policy));
    page(&json!({"sources": sources.collect::<Vec<Value>>()}))
}

/// The keys of an issuer that are in use, as a JWK set with public members only.
pub(super) async fn public(
    State(admin): State<Arc<AdminPages>>,
    Query(query): Query<IssuerQuery>,
) -> Response {
    let Some(name) = query.issuer else {
        let text = "the query needs ?issuer=NAME\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    let generation = admin.state.generation();
    let Some(issuer) = issuer_named(&generation.policy, &name) else {
        return (StatusCode::NOT_FOUND, "no such issuer\n").into_response();
    };
    let Some(keys) = generation.sources().keys_of(issuer) else {
        let text = "no fetched keys of this issuer: see /jwks\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let media_type = [(header::CONTENT_TYPE, "application/jwk-set+json")];
    (media_type, keys.to_public_json()).into_response()
}

pub(super) async fn refresh(
    State(admin): State<Arc<AdminPages>>,
    Query(query): Query<IssuerQuery>,
    headers: HeaderMap,
) -> Response {
    // A web page, open in a browser that can reach this port.
    if headers.contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, "not for browsers\n").into_response();
    }
    let generation = admin.state.generation().clone();
    let issuer = query.issuer;
    let issuer = issuer.map(|name| issuer_named(&generation.policy, &name));
    if issuer == Some(None) {
        return (StatusCode::NOT_FOUND, "no such issuer\n").into_response();
    }
    let sources = generation.sources().fetch_for_operator(issuer.flatten());
    if sources.is_empty() {
        return (StatusCode::NOT_FOUND, "no source of keys to fetch\n").into_response();
    }
    let sources: Vec<Value> = sources.into_iter().map(refresh_entry).collect();
    (StatusCode::ACCEPTED, page(&json!({"sources": sources}))).into_response()
}

/// Escapes the page: key ids and errors repeat the text of key servers.
fn page(page: &Value) -> Response {
    let media_type = [(header::CONTENT_TYPE, "application/json")];
    (media_type, escape_lines(&page.to_string()).into_owned()).into_response()
}

fn issuer_named(policy: &Policy, name: &str) -> Option<IssuerId> {
    policy.issuers_where(|issuer| &*issuer.name == name).next()
}

fn source_entry(source: &SourceStatus, policy: &Policy) -> Value {
    let keys = source
        .keys()
        .into_iter()
        .map(|key| json!({"kid": key.kid.map(shown), "algorithms": key.algorithms}));
    let skipped = source
        .skipped()
        .iter()
        .map(|key| json!({"kid": key.kid.as_deref().map(shown), "reason": key.reason.to_string()}));
    let exposed = source.exposed().iter();
    let exposed = exposed.map(|key| json!({"kid": key.kid.as_deref().map(shown)}));
    let failure = source.failure.as_ref();
    json!({
        "source": source.source,
        "issuers": policy.names_of(&source.issuers),
        "state": source.state,
        "age_seconds": source.age.map(|age| age.as_secs()),
        "next_fetch_seconds": source.next_fetch.as_secs(),
        "keys": keys.collect::<Vec<Value>>(),
        "skipped": skipped.collect::<Vec<Value>>(),
        "exposed": exposed.collect::<Vec<Value>>(),
        "last_error": failure.map(|(ago, error)| {
            json!({"seconds_ago": ago.as_secs(), "error": error})
        }),
        "fetches": source.fetches,
        "unknown_key_fetches": source.unknown_key_fetches,
    })
}

fn refresh_entry((source, refresh): (String, FetchStart)) -> Value {
    match refresh {
        FetchStart::Started => json!({"source": source, "result": "started"}),
        FetchStart::UnderWay => json!({"source": source, "result": "under_way"}),
        FetchStart::Scheduled(wait) => {
            // Rounded up, so that it has started by then.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            json!({"source": source, "result": "scheduled", "starts_in_seconds": seconds})
        }
    }
}

fn shown(kid: &str) -> String {
    kid.chars().take(MAX_KID).collect()
}
