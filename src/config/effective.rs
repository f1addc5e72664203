//! The configuration in effect, as text that would read as the same.
//!
//! What is secret is masked by the types in `settings`, not here.

use std::time::Duration;

use serde_json::Value as Json;

use crate::jose::Algorithm;
use crate::jwks::{FetchedSource, Source};

use super::environment::escaped;
use super::schema::without_null_members;
use super::token_from::default_scheme;
use super::values::written;
use super::{Config, settings};

/// What was read, with the defaults that depend on other settings filled in as they were taken.
pub(super) fn yaml(mut raw: settings::Settings, config: &Config) -> Result<String, Error> {
    fill(&mut raw, config);
    let json = without_null_members(serde_json::to_value(raw)?);
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, &as_written(json), options)?;
    Ok(text)
}

/// Why a configuration could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Value(#[from] serde_json::Error),
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::ser_error::Error),
}

fn fill(raw: &mut settings::Settings, config: &Config) {
    let issuers = raw.issuers.values_mut().zip(config.policy.issuers());
    for ((raw, issuer), (_, source)) in issuers.zip(&config.sources) {
        let algorithms = issuer.algorithms.iter().copied().map(Algorithm::name);
        raw.algorithms
            .get_or_insert_with(|| algorithms.map(ToOwned::to_owned).collect());
        if let (Some(jwks), Source::Fetched(source)) = (&mut raw.jwks, source) {
            fill_jwks(jwks, source);
        }
    }
    let rules = raw
        .rules
        .iter_mut()
        .flat_map(settings::RulesSetting::list_mut);
    for (raw, rule) in rules.zip(config.policy.rules().iter()) {
        raw.name.get_or_insert_with(|| rule.name.to_string());
    }
    let places = raw
        .issuers
        .values_mut()
        .map(|issuer| &mut issuer.token_from);
    for place in places.chain([&mut raw.server.token_from]).flatten() {
        if let (Some(header), None) = (&place.header, &place.scheme) {
            place.scheme = default_scheme(header).map(ToOwned::to_owned);
        }
    }
}

fn fill_jwks(raw: &mut settings::JwksSettings, source: &FetchedSource) {
    let fill = |setting: &mut Option<String>, value: Duration| {
        setting.get_or_insert_with(|| written(value));
    };
    let timing = &source.timing;
    fill(&mut raw.cache_duration, timing.cache_duration);
    fill(&mut raw.max_stale, timing.max_stale);
    fill(&mut raw.cooldown, timing.cooldown);
    // `wait` stays unset where it is: any value would cut the wait of calls with a deadline.
    if source.origin.is_remote() {
        fill(&mut raw.min_cache_duration, timing.min_cache_duration);
        fill(&mut raw.max_cache_duration, timing.max_cache_duration);
        fill(&mut raw.timeout, timing.timeout);
        fill(&mut raw.connect_timeout, source.access.connect_timeout);
        raw.allow_http.get_or_insert(source.access.allow_http);
        raw.deny_private_addresses
            .get_or_insert(source.access.deny_private_addresses);
    }
}

/// Values as they must stand in a file.
fn as_written(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(escaped(text)),
        Json::Array(elements) => elements.into_iter().map(as_written).collect(),
        Json::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, as_written(value)))
            .collect(),
        other => other,
    }
}
