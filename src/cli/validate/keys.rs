//! The keys that a token is verified with: those of one issuer, from its configured source or from
//! a running server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::{StatusCode, Url};
use serde_json::Value;

use crate::config::Config;
use crate::explain::plain;
use crate::jose::KeySet;
use crate::jwks::{
    Access, Content, Fetch as _, FetchError, FetchedSource, KeyOrigin, Network, Source, fetch_keys,
};
use crate::policy::IssuerId;

use super::super::block_on;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Takes keys from the configuration if they are in it. Fetches others once.
pub(super) fn of_issuer(
    config: &Config,
    id: IssuerId,
    server: Option<&Url>,
) -> anyhow::Result<Arc<KeySet>> {
    let issuer = config.policy.issuer(id);
    let name = issuer.map_or("", |issuer| &*issuer.name);
    let mut sources = config.sources.iter();
    let source = sources.find(|(issuer, _)| *issuer == id);
    let (_, source) = source.ok_or_else(|| anyhow!("no source of keys"))?;
    let source = match source {
        Source::Fixed(keys) => return Ok(keys.clone()),
        Source::Fetched(source) => source,
    };
    let fetch = async {
        let Some(server) = server else {
            let keys = fetch_keys(&Network, source).await;
            return keys.map_err(|error| anyhow!(with_place(source, &error)));
        };
        let mut url = server.clone();
        url.query_pairs_mut().append_pair("issuer", name);
        let keys = fetch_keys(&Network, &page(url, source)).await;
        match keys {
            Ok(keys) => Ok(keys),
            Err(error) => Err(anyhow!(server_failure(server, source, name, &error).await)),
        }
    };
    block_on(fetch).with_context(|| format!("cannot get keys for {}", plain(name)))
}

/// The URL of the keys of the server with this admin listener.
pub(super) fn of_server(address: &str) -> anyhow::Result<Url> {
    let host = address.strip_prefix("http://").unwrap_or(address);
    let host = host.strip_suffix('/').unwrap_or(host);
    let url = Url::parse(&format!("http://{host}/jwks/keys")).ok();
    let url = url.filter(|_| !host.contains(['/', '?', '#', '@']));
    url.ok_or_else(|| {
        anyhow!("--server takes the address of an admin listener, such as 127.0.0.1:9193")
    })
}

/// A page of an admin listener, fetched with the timeout of this source.
fn page(url: Url, source: &FetchedSource) -> FetchedSource {
    FetchedSource {
        origin: KeyOrigin::Uri(url),
        access: Access {
            allow_http: true,
            connect_timeout: CONNECT_TIMEOUT,
            ..Access::default()
        },
        timing: source.timing,
    }
}

fn with_place(source: &FetchedSource, error: &FetchError) -> String {
    let (place, cause) = (source.origin.to_string(), error.with_causes());
    if cause.contains(&place) {
        cause
    } else {
        format!("{place}: {cause}")
    }
}

async fn server_failure(
    server: &Url,
    source: &FetchedSource,
    issuer: &str,
    error: &FetchError,
) -> String {
    let cause = match error {
        FetchError::Status { status, .. } if *status == StatusCode::NOT_FOUND => {
            let mut url = server.clone();
            url.set_path("/jwks");
            missing_keys(&page(url, source), issuer).await
        }
        FetchError::Http { source, .. } if !source.is_connect() && !source.is_timeout() => {
            Some("--server takes the address of server.admin, and found another server".to_owned())
        }
        _ => None,
    };
    cause.unwrap_or_else(|| error.with_causes())
}

/// The reason that a server's page of sources gives for having no keys of an issuer.
async fn missing_keys(page: &FetchedSource, issuer: &str) -> Option<String> {
    let fetched = tokio::time::timeout(page.timing.timeout, Network.fetch(page, None)).await;
    let Content::Documents { documents, .. } = fetched.ok()?.ok()?.content else {
        return None;
    };
    let page: Value = serde_json::from_slice(documents.first()?).ok()?;
    let is_of_issuer = |source: &&Value| {
        let names = source.get("issuers").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|name| name == issuer))
    };
    let Some(source) = page.get("sources")?.as_array()?.iter().find(is_of_issuer) else {
        return Some("the server fetches no keys of this issuer".to_owned());
    };
    let state = source.get("state")?.as_str()?;
    let failure = source
        .get("last_error")
        .filter(|failure| !failure.is_null());
    let Some(failure) = failure else {
        return Some(format!("the server has none yet (state {state})"));
    };
    let (ago, error) = (failure.get("seconds_ago")?, failure.get("error")?.as_str()?);
    Some(format!(
        "the server has none (state {state}); its last fetch failed {ago}s ago: {error}"
    ))
}
