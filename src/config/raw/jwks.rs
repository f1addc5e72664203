//! The section `jwks` of an issuer as its author writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// Where keys are: exactly one of `uri`, `discovery`, `file` and `inline`. The settings from `allow_http` to `timeout`,
/// `min_cache_duration` and `max_cache_duration` go with `uri` and `discovery` only. Issuers whose sections say the same
/// share the fetches.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Jwks {
    /// The URL of keys; https.
    pub(in crate::config) uri: Option<String>,
    /// Take the URL of the JWK set from the issuer's metadata (OIDC Discovery 1.0, RFC 8414): `true`, with
    /// the well-known places under the issuer, or the URL of the metadata.
    pub(in crate::config) discovery: Option<Discovery>,
    /// A file with keys, or a directory of such files.
    pub(in crate::config) file: Option<String>,
    /// A JWK set or a single JWK, as a mapping or as JSON text; or PEM. No other setting goes with it.
    pub(in crate::config) inline: Option<serde_json::Value>,

    /// Allow http, in metadata too: anyone on the way can then replace the keys. Default false.
    pub(in crate::config) allow_http: Option<bool>,
    /// A PEM file of certificate authorities that are trusted instead of the system's.
    pub(in crate::config) ca: Option<String>,
    /// A PEM file with a certificate chain to show to the server; needs `client_key`.
    pub(in crate::config) client_certificate: Option<String>,
    /// A PEM file with the private key of `client_certificate`.
    pub(in crate::config) client_key: Option<String>,
    /// Headers to send: name → value. https only.
    pub(in crate::config) headers: Option<BTreeMap<String, String>>,
    /// A user's name and password to send (RFC 7617). https only.
    pub(in crate::config) basic: Option<Basic>,
    /// A file with a token to send (RFC 6750), instead of `basic`. Read for each fetch. https only.
    pub(in crate::config) bearer_token_file: Option<String>,
    /// The URL of a proxy, http or https, of host and port only. Default: none; the environment is not looked at.
    pub(in crate::config) proxy: Option<String>,
    /// Refuse private and loopback addresses. Link-local addresses and those of cloud metadata always are refused.
    /// Default false.
    pub(in crate::config) deny_private_addresses: Option<bool>,
    /// How long connecting may take, name resolution and TLS included; from 10ms to 1m, and not longer than `timeout`.
    /// Default 2s, or `timeout` where that is shorter.
    pub(in crate::config) connect_timeout: Option<String>,
    /// How long a fetch may take as a whole; from 100ms to 1m. Default 5s.
    pub(in crate::config) timeout: Option<String>,

    /// How long keys are fresh where the server does not say; from 1s to 24h. Default 10m; with `file`, 5s.
    pub(in crate::config) cache_duration: Option<String>,
    /// The shortest time that a server may ask for; from 1s to 24h, and not longer than `cache_duration`.
    /// Default 1m, or `cache_duration` where that is shorter.
    pub(in crate::config) min_cache_duration: Option<String>,
    /// The longest time that a server may ask for; from 1s to 24h, and not shorter than `cache_duration`.
    /// Default 1h, or `max_stale` where that is given and shorter, but at least `cache_duration`.
    pub(in crate::config) max_cache_duration: Option<String>,
    /// How long keys are used after the last good fetch; from 1s to 720h, and not shorter than `max_cache_duration`.
    /// Default 24h.
    pub(in crate::config) max_stale: Option<String>,
    /// The least time from the start of any fetch to one that tokens with unknown keys cause; from 1s to 1h. Default 30s.
    pub(in crate::config) cooldown: Option<String>,
    /// How long a request waits for such a fetch; up to 10s, and never more than three quarters of the call's own timeout.
    /// Default 100ms.
    pub(in crate::config) wait: Option<String>,
}

/// How metadata is found.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::config) enum Discovery {
    /// `true`: at the well-known places under the issuer.
    Switch(bool),
    /// The URL of the metadata; https.
    Metadata(String),
}

/// A user's name and password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Basic {
    /// The name; without colons (RFC 7617 §2).
    pub(in crate::config) username: String,
    /// A file with the password; one line break at its end is left out. Read for each fetch.
    pub(in crate::config) password_file: String,
}
