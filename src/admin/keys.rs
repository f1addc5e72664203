//! `GET /jwks`, `GET /jwks/keys` and `POST /jwks/refresh`: sources of keys, and public keys, as
//! JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::escape::escape_lines;
use crate::jwks::{Refresh, SourceStatus};
use crate::policy::{IssuerId, Policy};

use super::AdminPages;

/// Longest part of a `kid` that is shown, in characters.
const MAX_KID: usize = 256;

/// The answer of `GET /jwks`.
#[derive(Serialize)]
struct SourcesPage {
    sources: Vec<SourceEntry>,
}

#[derive(Serialize)]
struct SourceEntry {
    #[serde(rename = "source")]
    place: String,
    issuers: Vec<String>,
    state: &'static str,
    age_seconds: Option<u64>,
    next_fetch_seconds: u64,
    keys: Vec<KeyEntry>,
    skipped: Vec<SkippedEntry>,
    exposed: Vec<ExposedEntry>,
    last_error: Option<FailureEntry>,
    fetches: BTreeMap<&'static str, u64>,
    unknown_key_fetches: u64,
}

#[derive(Serialize)]
struct KeyEntry {
    kid: Option<String>,
    algorithms: Vec<&'static str>,
}

#[derive(Serialize)]
struct SkippedEntry {
    kid: Option<String>,
    reason: String,
}

/// A key whose private part the source publishes.
#[derive(Serialize)]
struct ExposedEntry {
    kid: Option<String>,
}

#[derive(Serialize)]
struct FailureEntry {
    seconds_ago: u64,
    error: String,
}

/// The query of `POST /jwks/refresh`, and of `GET /jwks/keys`, which requires the name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerQuery {
    issuer: Option<String>,
}

/// The answer of `POST /jwks/refresh`.
#[derive(Serialize)]
struct RefreshesPage {
    sources: Vec<RefreshEntry>,
}

#[derive(Serialize)]
struct RefreshEntry {
    source: String,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_in_seconds: Option<u64>,
}

pub(super) async fn list(State(admin): State<Arc<AdminPages>>) -> Response {
    let generation = admin.state.generation();
    let status = generation.sources().status();
    let sources = status
        .iter()
        .map(|status| SourceEntry::of(status, generation.policy()));
    json(&SourcesPage {
        sources: sources.collect(),
    })
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
    let Some(issuer) = issuer_named(generation.policy(), &name) else {
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
    let issuer = match query.issuer {
        None => None,
        Some(name) => match issuer_named(generation.policy(), &name) {
            Some(issuer) => Some(issuer),
            None => return (StatusCode::NOT_FOUND, "no such issuer\n").into_response(),
        },
    };
    let sources = generation.sources().refresh(issuer);
    if sources.is_empty() {
        return (StatusCode::NOT_FOUND, "no source of keys to fetch\n").into_response();
    }
    let sources: Vec<RefreshEntry> = sources.into_iter().map(RefreshEntry::of).collect();
    (StatusCode::ACCEPTED, json(&RefreshesPage { sources })).into_response()
}

/// Escapes the page: key ids and errors repeat the text of key servers.
fn json(page: &impl Serialize) -> Response {
    let Ok(text) = serde_json::to_string(page) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let media_type = [(header::CONTENT_TYPE, "application/json")];
    (media_type, escape_lines(&text).into_owned()).into_response()
}

fn issuer_named(policy: &Policy, name: &str) -> Option<IssuerId> {
    let issuers = policy.issuers();
    let mut ids = Policy::issuer_ids(issuers.len()).zip(issuers);
    ids.find(|(_, issuer)| &*issuer.name == name)
        .map(|(id, _)| id)
}

impl SourceEntry {
    fn of(status: &SourceStatus, policy: &Policy) -> Self {
        let issuers = status.issuers.iter();
        let names = issuers.filter_map(|issuer| Some(policy.issuer(*issuer)?.name.to_string()));
        let keys = status.keys().into_iter().map(|key| KeyEntry {
            kid: key.kid.map(shown),
            algorithms: key.algorithms,
        });
        let skipped = status.skipped().iter().map(|key| SkippedEntry {
            kid: key.kid.as_deref().map(shown),
            reason: key.reason.to_string(),
        });
        let exposed = status.exposed().iter().map(|key| ExposedEntry {
            kid: key.kid.as_deref().map(shown),
        });
        Self {
            issuers: names.collect(),
            place: status.source.clone(),
            state: status.state,
            age_seconds: status.age.map(|age| age.as_secs()),
            next_fetch_seconds: status.next_fetch.as_secs(),
            keys: keys.collect(),
            skipped: skipped.collect(),
            exposed: exposed.collect(),
            last_error: status.failure.as_ref().map(|(ago, error)| FailureEntry {
                seconds_ago: ago.as_secs(),
                error: error.clone(),
            }),
            fetches: status.fetches.clone(),
            unknown_key_fetches: status.unknown_key_fetches,
        }
    }
}

impl RefreshEntry {
    fn of((source, refresh): (String, Refresh)) -> Self {
        let (result, wait) = match refresh {
            Refresh::Started => ("started", None),
            Refresh::UnderWay => ("under_way", None),
            Refresh::Scheduled(wait) => ("scheduled", Some(wait)),
        };
        Self {
            source,
            result,
            // Rounded up, so that it has started by then.
            starts_in_seconds: wait.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        }
    }
}

fn shown(kid: &str) -> String {
    kid.chars().take(MAX_KID).collect()
}
