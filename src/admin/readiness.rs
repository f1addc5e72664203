//! `GET /readyz`: readiness, and with `?verbose` the state of configuration and keys.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::escape::{Escaped, escape_lines};
use crate::explain::instant;
use crate::grpc::Generation;
use crate::policy::Policy;
use crate::telemetry::{LastReload, ReloadRecord};

use super::AdminPages;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadyzQuery {
    /// `?verbose`, or `?verbose=` and anything.
    verbose: Option<String>,
}

pub(super) async fn show(
    State(admin): State<Arc<AdminPages>>,
    Query(query): Query<ReadyzQuery>,
) -> Response {
    let problem = problem(&admin);
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut text = format!("{}\n", problem.unwrap_or("ok"));
    if query.verbose.is_some() {
        describe(&admin, &mut text);
    }
    (status, text).into_response()
}

fn problem(admin: &AdminPages) -> Option<&'static str> {
    if admin.state.is_stopping() {
        Some("the server is about to stop")
    } else if !*admin.ready.borrow() {
        Some("keys of a required issuer have never been available: see /jwks")
    } else {
        None
    }
}

fn describe(admin: &AdminPages, text: &mut String) {
    let generation = admin.state.generation();
    let reloads = admin.state.reloads.snapshot();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "shadow: {}", shadow(&generation.policy));
    let _ = writeln!(text, "configuration: {}", configuration(&reloads));
    for warning in &reloads.warnings {
        let _ = writeln!(text, "  {warning}");
    }
    keys(&generation, text);
}

fn shadow(policy: &Policy) -> String {
    if policy.is_all_shadow() {
        return "ON: nothing is denied".to_owned();
    }
    let rules = policy.shadow_rules();
    if rules.is_empty() {
        "off".to_owned()
    } else {
        format!("ON for rules: {}", Escaped(&rules.join(", ")))
    }
}

/// The origin of the configuration in use, and the result of the last reload. Problems have no
/// secrets, as in the log.
fn configuration(reloads: &ReloadRecord) -> String {
    let (accepted, refused) = (reloads.accepted, reloads.refused);
    let counts = format!("reloads: {accepted} accepted, {refused} refused");
    let Some(LastReload { at, refusal }) = &reloads.last else {
        return "that of the start".to_owned();
    };
    let at = instant(*at);
    match refusal {
        None => format!("reloaded at {at} ({counts})"),
        Some(refusal) => {
            let refusal = escape_lines(refusal).replace('\n', "\n  ");
            format!("an earlier one; that of {at} was REFUSED ({counts}):\n  {refusal}")
        }
    }
}

fn keys(generation: &Generation, text: &mut String) {
    let policy = &generation.policy;
    for source in generation.sources().status() {
        let issuers = policy.names_of(&source.issuers).join(", ");
        let age = source.age.map(|age| format!(", {}s old", age.as_secs()));
        let (state, number, age) = (source.state, source.keys().len(), age.unwrap_or_default());
        let issuers = Escaped(&issuers);
        let _ = writeln!(text, "keys of {issuers}: {state}, {number} usable{age}");
        if let Some((ago, error)) = &source.failure {
            let (ago, error) = (ago.as_secs(), Escaped(error));
            let _ = writeln!(text, "  the last fetch failed {ago}s ago: {error}");
        }
    }
}
