//! The section `jwks` of an issuer as its author writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::jwks::Wait;

use super::time::{Time, between};
use super::{FilePath, Secret, Url};

// Defaults of the settings for which the code must know whether they are given.
pub(crate) const CACHE_DURATION: Time = Time::minutes(10);
pub(crate) const MIN_CACHE_DURATION: Time = Time::minutes(1);
pub(crate) const MAX_CACHE_DURATION: Time = Time::hours(1);
pub(crate) const MAX_STALE: Time = Time::hours(24);
pub(crate) const COOLDOWN: Time = Time::seconds(30);
pub(crate) const TIMEOUT: Time = Time::seconds(5);
/// The wait of a call without a deadline.
const WAIT: Time = Time::from_duration(Wait::WITHOUT_DEADLINE);
pub(crate) const CONNECT_TIMEOUT: Time = Time::seconds(2);

/// The place of keys: exactly one of `uri`, `discovery`, `file` and `inline`. The settings from
/// `allow_http` to `max_cache_duration` are for `uri` and `discovery` only, and none of the others
/// for `inline`. Issuers whose sections say the same share the fetches.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-form" = "{uri: \"https://idp.example.com/keys\"}"))]
pub(crate) struct JwksSettings {
    /// The URL of keys (JWK set, JWK or PEM); https, or http with `allow_http`.
    pub(crate) uri: Option<Url>,
    /// Take the URL of the JWK set from the issuer's metadata (OIDC Discovery 1.0, RFC 8414):
    /// `true` for the well-known places under the issuer, or the URL of the metadata.
    pub(crate) discovery: Option<DiscoverySetting>,
    /// A file with keys (JWK set, JWK or PEM), or a directory of such files.
    pub(crate) file: Option<FilePath>,
    /// A JWK set or a single JWK, as a mapping or as JSON text; or PEM.
    pub(crate) inline: Option<Secret<serde_json::Value>>,

    /// Allow http, in metadata too: anyone on the way can then replace the keys.
    #[schemars(extend("default" = false))]
    pub(crate) allow_http: Option<bool>,
    /// A PEM file of certificate authorities that are trusted instead of the system's.
    pub(crate) ca: Option<FilePath>,
    /// A PEM file with a certificate chain to show to the server; needs `client_key`. https only.
    pub(crate) client_certificate: Option<FilePath>,
    /// A PEM file with the private key of `client_certificate`.
    pub(crate) client_key: Option<FilePath>,
    /// Headers to send: name to value, which is visible ASCII with spaces inside only. https only.
    pub(crate) headers: Option<BTreeMap<String, Secret<String>>>,
    /// A user's name and password to send (RFC 7617). https only.
    pub(crate) basic: Option<BasicSettings>,
    /// A file with a token to send (RFC 6750), instead of `basic`. Read for each fetch. https only.
    pub(crate) bearer_token_file: Option<FilePath>,
    /// The URL of a proxy, http or https, of host and port only. Proxies in the environment are
    /// ignored.
    pub(crate) proxy: Option<Url>,
    /// Refuse private and loopback addresses. Link-local addresses and those of cloud metadata are
    /// always refused.
    #[schemars(extend("default" = false))]
    pub(crate) deny_private_addresses: Option<bool>,
    /// The longest time for connecting, name resolution and TLS included; not longer than
    /// `timeout`, which is the default if it is shorter than this one.
    #[schemars(transform = between("10ms", "1m"), extend("default" = CONNECT_TIMEOUT))]
    pub(crate) connect_timeout: Option<Time>,
    /// The longest time for a fetch as a whole.
    #[schemars(transform = between("100ms", "1m"), extend("default" = TIMEOUT))]
    pub(crate) timeout: Option<Time>,
    /// The shortest time that a server may ask for; not longer than `cache_duration`, which is the
    /// default if it is shorter than this one.
    #[schemars(transform = between("1s", "24h"), extend("default" = MIN_CACHE_DURATION))]
    pub(crate) min_cache_duration: Option<Time>,
    /// The longest time that a server may ask for; not shorter than `cache_duration`. The default
    /// is `max_stale` if that is given and shorter, but at least `cache_duration`.
    #[schemars(transform = between("1s", "24h"), extend("default" = MAX_CACHE_DURATION))]
    pub(crate) max_cache_duration: Option<Time>,

    /// The time for which keys are fresh if the server does not say. With `file`, the default is
    /// `5s`.
    #[schemars(transform = between("1s", "24h"), extend("default" = CACHE_DURATION))]
    pub(crate) cache_duration: Option<Time>,
    /// The time for which keys are used after the last good fetch; not shorter than
    /// `max_cache_duration`.
    #[schemars(transform = between("1s", "720h"), extend("default" = MAX_STALE))]
    pub(crate) max_stale: Option<Time>,
    /// The least time between two fetches that tokens with unknown keys cause. Scheduled fetches do
    /// not count. A fetch that brings other keys permits a second one, once per cool-down.
    #[schemars(transform = between("1s", "1h"), extend("default" = COOLDOWN))]
    pub(crate) cooldown: Option<Time>,
    /// The longest that a request waits for such a fetch, and never more than three quarters of the
    /// call's own timeout. If it is not set, a call with a timeout waits those three quarters, but
    /// no longer than `timeout`.
    #[schemars(transform = between("0s", "10s"), extend("default" = WAIT))]
    pub(crate) wait: Option<Time>,
}

/// The place of the issuer's metadata.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum DiscoverySetting {
    /// `true`: at the well-known places under the issuer.
    Switch(bool),
    /// The URL of the metadata; https.
    Metadata(Url),
}

/// A user's name and password.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-form" = "{username: NAME, password_file: FILE}"))]
pub(crate) struct BasicSettings {
    /// The name; without colons (RFC 7617 §2).
    pub(crate) username: String,
    /// A file with the password; one line break at its end is left out. Read for each fetch.
    pub(crate) password_file: FilePath,
}
