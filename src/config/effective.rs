//! The configuration in effect, as text that would read as the same.
//!
//! Secrets are masked by the types in `settings`, not here.

use std::error::Error;
use std::time::Duration;

use serde_json::Value as Json;

use crate::jwks::{FetchedSource, Source};

use super::Config;
use super::environment::escaped;
use super::schema::without_null_members;
use super::settings::{JwksSettings, RulesSetting, Settings, Time};
use super::token_from::default_scheme;

/// The settings, with the defaults that depend on other settings filled in.
pub(super) fn json(mut settings: Settings, config: &Config) -> Result<Json, serde_json::Error> {
    fill(&mut settings, config);
    Ok(without_null_members(serde_json::to_value(settings)?))
}

/// The text of a configuration in effect.
pub(super) fn yaml(json: Json) -> Result<String, Box<dyn Error>> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, &as_written(json), options)?;
    Ok(text)
}

fn fill(settings: &mut Settings, config: &Config) {
    let issuers = settings.issuers.values_mut().zip(config.policy.issuers());
    for ((settings, issuer), (_, source)) in issuers.zip(&config.sources) {
        let names = issuer.algorithms.iter();
        let names = names.map(|algorithm| algorithm.name().into());
        settings.algorithms.get_or_insert_with(|| names.collect());
        if let (Some(jwks), Source::Fetched(source)) = (&mut settings.jwks, source) {
            fill_jwks(jwks, source);
        }
        if let (Some(decryption), Some(terms)) = (&mut settings.decryption, &issuer.encryption) {
            let names = terms.algorithms.iter().map(|it| it.name().into());
            decryption.algorithms.get_or_insert_with(|| names.collect());
            let names = terms.encryptions.iter().map(|it| it.name().into());
            let encryptions = &mut decryption.content_encryption;
            encryptions.get_or_insert_with(|| names.collect());
        }
    }
    if let Some(RulesSetting::List(rules)) = &mut settings.rules {
        for (settings, rule) in rules.iter_mut().zip(config.policy.rules().iter()) {
            settings.name.get_or_insert_with(|| rule.name.to_string());
        }
    }
    let issuers = settings.issuers.values_mut();
    let places = issuers.map(|issuer| &mut issuer.token_from);
    for place in places.chain([&mut settings.server.token_from]).flatten() {
        if let (Some(header), None) = (&place.header, &place.scheme) {
            place.scheme = default_scheme(header).map(ToOwned::to_owned);
        }
    }
}

fn fill_jwks(settings: &mut JwksSettings, source: &FetchedSource) {
    let fill = |setting: &mut Option<Time>, value: Duration| {
        setting.get_or_insert(Time::from_duration(value));
    };
    let timing = &source.timing;
    fill(&mut settings.cache_duration, timing.cache_duration);
    fill(&mut settings.max_stale, timing.max_stale);
    fill(&mut settings.cooldown, timing.cooldown);
    // `wait` stays as it is: any value would cut the wait of calls with a deadline.
    if source.origin.is_remote() {
        fill(&mut settings.min_cache_duration, timing.min_cache_duration);
        fill(&mut settings.max_cache_duration, timing.max_cache_duration);
        fill(&mut settings.timeout, timing.timeout);
        fill(&mut settings.connect_timeout, source.access.connect_timeout);
        let access = &source.access;
        settings.allow_http.get_or_insert(access.allow_http);
        settings
            .deny_private_addresses
            .get_or_insert(access.deny_private_addresses);
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
