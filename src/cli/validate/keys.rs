//! The keys that a token is verified with: those of one issuer, from where the configuration says, or from a server that
//! has them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::Url;

use crate::config::Config;
use crate::explain::plain;
use crate::jose::KeySet;
use crate::jwks::{Access, FetchedSource, KeyOrigin, Network, Source, fetch_keys};
use crate::policy::IssuerId;

use super::super::block_on;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Keys that stand in the configuration are taken from there. Others are fetched once.
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
    let source = match server {
        None => source.as_ref().clone(),
        Some(url) => through_server(url, name, source),
    };
    let fetch = async {
        let keys = fetch_keys(&Network, &source).await;
        keys.map_err(|error| {
            let (place, cause) = (source.origin.to_string(), error.with_causes());
            if cause.contains(&place) {
                anyhow!("{cause}")
            } else {
                anyhow!("{place}: {cause}")
            }
        })
    };
    block_on(fetch).with_context(|| format!("keys of {} cannot be had", plain(name)))
}

/// Where the server with this admin listener shows its keys.
pub(super) fn of_server(address: &str) -> anyhow::Result<Url> {
    let host = address.strip_prefix("http://").unwrap_or(address);
    let host = host.strip_suffix('/').unwrap_or(host);
    let url = Url::parse(&format!("http://{host}/jwks/keys")).ok();
    let url = url.filter(|_| !host.contains(['/', '?', '#', '@']));
    url.ok_or_else(|| {
        anyhow!("--server takes the address of an admin listener, such as 127.0.0.1:9193")
    })
}

/// The keys that a server has of a source.
fn through_server(url: &Url, issuer: &str, source: &FetchedSource) -> FetchedSource {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("issuer", issuer);
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
