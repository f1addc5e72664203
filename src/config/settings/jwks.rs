//! The section `jwks` of an issuer as its author writes it.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::jwks::Wait;

use super::super::span::Span;
use super::secret::{Secret, Url};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const FRESHNESS: Span = Span::new(SECOND, DAY);
pub(crate) const CACHE_DURATION: Span = FRESHNESS.or(Duration::from_secs(600));
pub(crate) const MIN_CACHE_DURATION: Span = FRESHNESS.or(MINUTE);
pub(crate) const MAX_CACHE_DURATION: Span = FRESHNESS.or(HOUR);
pub(crate) const MAX_STALE: Span = Span::new(SECOND, Duration::from_secs(30 * 24 * 3600)).or(DAY);
pub(crate) const COOLDOWN: Span = Span::new(SECOND, HOUR).or(Duration::from_secs(30));
pub(crate) const WAIT: Span =
    Span::new(Duration::ZERO, Duration::from_secs(10)).or(Wait::WITHOUT_DEADLINE);
pub(crate) const TIMEOUT: Span =
    Span::new(Duration::from_millis(100), MINUTE).or(Duration::from_secs(5));
pub(crate) const CONNECT_TIMEOUT: Span =
    Span::new(Duration::from_millis(10), MINUTE).or(Duration::from_secs(2));

/// Where keys are: exactly one of `uri`, `discovery`, `file` and `inline`. The settings from `allow_http` to `timeout`,
/// `min_cache_duration` and `max_cache_duration` go with `uri` and `discovery` only, and the others not with `inline`.
/// Issuers whose sections say the same share the fetches.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct JwksSettings {
    /// The URL of keys (JWK set, JWK or PEM); https, or http with `allow_http`.
    pub(crate) uri: Option<Url>,
    /// Take the URL of the JWK set from the issuer's metadata (OIDC Discovery 1.0, RFC 8414): `true`, with
    /// the well-known places under the issuer, or the URL of the metadata.
    pub(crate) discovery: Option<DiscoverySetting>,
    /// A file with keys (JWK set, JWK or PEM), or a directory of such files.
    pub(crate) file: Option<String>,
    /// A JWK set or a single JWK, as a mapping or as JSON text; or PEM. No other setting goes with it.
    pub(crate) inline: Option<Secret<serde_json::Value>>,

    /// Allow http, in metadata too: anyone on the way can then replace the keys.
    #[schemars(extend("default" = false))]
    pub(crate) allow_http: Option<bool>,
    /// A PEM file of certificate authorities that are trusted instead of the system's.
    pub(crate) ca: Option<String>,
    /// A PEM file with a certificate chain to show to the server; needs `client_key`. https only.
    pub(crate) client_certificate: Option<String>,
    /// A PEM file with the private key of `client_certificate`.
    pub(crate) client_key: Option<String>,
    /// Headers to send: name to value, which is visible ASCII with spaces inside only. https only.
    pub(crate) headers: Option<BTreeMap<String, Secret<String>>>,
    /// A user's name and password to send (RFC 7617). https only.
    pub(crate) basic: Option<BasicSettings>,
    /// A file with a token to send (RFC 6750), instead of `basic`. Read for each fetch. https only.
    pub(crate) bearer_token_file: Option<String>,
    /// The URL of a proxy, http or https, of host and port only. The proxy that the environment names is not used.
    pub(crate) proxy: Option<Url>,
    /// Refuse private and loopback addresses. Link-local addresses and those of cloud metadata always are refused.
    #[schemars(extend("default" = false))]
    pub(crate) deny_private_addresses: Option<bool>,
    /// How long connecting may take, name resolution and TLS included; not longer than `timeout`, and where that is
    /// shorter than the default, it is the default.
    #[schemars(transform = CONNECT_TIMEOUT.in_schema())]
    pub(crate) connect_timeout: Option<String>,
    /// How long a fetch may take as a whole.
    #[schemars(transform = TIMEOUT.in_schema())]
    pub(crate) timeout: Option<String>,

    /// How long keys are fresh where the server does not say. With `file`, the default is `5s`.
    #[schemars(transform = CACHE_DURATION.in_schema())]
    pub(crate) cache_duration: Option<String>,
    /// The shortest time that a server may ask for; not longer than `cache_duration`, and where that is shorter than the
    /// default, it is the default.
    #[schemars(transform = MIN_CACHE_DURATION.in_schema())]
    pub(crate) min_cache_duration: Option<String>,
    /// The longest time that a server may ask for; not shorter than `cache_duration`. The default is `max_stale` where
    /// that is given and shorter, but at least `cache_duration`.
    #[schemars(transform = MAX_CACHE_DURATION.in_schema())]
    pub(crate) max_cache_duration: Option<String>,
    /// How long keys are used after the last good fetch; not shorter than `max_cache_duration`.
    #[schemars(transform = MAX_STALE.in_schema())]
    pub(crate) max_stale: Option<String>,
    /// The least time between two fetches that tokens with unknown keys cause. Scheduled fetches do not count. A fetch that
    /// brings other keys permits a second one, once per cool-down.
    #[schemars(transform = COOLDOWN.in_schema())]
    pub(crate) cooldown: Option<String>,
    /// The longest that a request waits for such a fetch, and never more than three quarters of the call's own timeout.
    /// If it is not set, a call with a timeout waits those three quarters, but no longer than `timeout`.
    #[schemars(transform = WAIT.in_schema())]
    pub(crate) wait: Option<String>,
}

/// How metadata is found.
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
pub(crate) struct BasicSettings {
    /// The name; without colons (RFC 7617 §2).
    pub(crate) username: String,
    /// A file with the password; one line break at its end is left out. Read for each fetch.
    pub(crate) password_file: String,
}
