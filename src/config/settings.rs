//! The configuration file as its author writes it.
//!
//! These types are the reference: their comments are the documentation of the settings, and the JSON
//! Schema against which a file is checked is made from them. Durations are written like `30s`, `10m`,
//! `24h` or `500ms`. Unknown keys are errors. Relative paths are relative to the file.

mod jwks;
mod rules;
mod secret;
mod server;
mod telemetry;

pub(crate) use jwks::{
    BasicSettings, CACHE_DURATION, CONNECT_TIMEOUT, COOLDOWN, DiscoverySetting, JwksSettings,
    MAX_CACHE_DURATION, MAX_STALE, MIN_CACHE_DURATION, TIMEOUT, WAIT,
};
pub(crate) use rules::{
    ClaimTestSetting, ClaimTestSettings, DemandSettings, Mode, NoneWord, OneOrMore, RequireSetting,
    RuleSettings, RulesSetting, Scalar,
};
pub(crate) use server::{
    CallerSettings, CallersSettings, ClientCertificateSetting, DRAIN, GrpcSettings,
    KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MAX_AGE, MAX_AGE_GRACE, MAX_CONNECTIONS,
    MAX_HEADER_LIST, MAX_IN_FLIGHT, MAX_STREAMS, MEMORY, SHUTDOWN_TIMEOUT, ServerSettings,
    SocketSettings, TOKEN_SIZE, TlsSettings,
};
pub use telemetry::{DecisionPolicy, LogFormat, LogLevel};
pub(crate) use telemetry::{
    DecisionsSettings, EXPORT_TIMEOUT, LogSettings, OtlpSettings, TracesSettings,
};

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::jose::Algorithm;

use super::span::Span;

pub(crate) const LEEWAY: Span = Span::new(Duration::ZERO, Duration::from_secs(300));
pub(crate) const MAX_LIFETIME: Span =
    Span::new(Duration::ZERO, Duration::from_secs(3660 * 24 * 3600));
pub(crate) const RELOAD_INTERVAL: Span =
    Span::new(Duration::from_millis(100), Duration::from_secs(3600));

/// A Watchword configuration.
///
/// Durations are written like `30s`, `10m`, `24h` or `500ms`. Relative paths are relative to the file. Unknown and repeated
/// keys are errors, and so are empty values. `${NAME}` in a value is replaced from the environment.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Watchword configuration")]
pub(crate) struct Settings {
    /// Listeners and limits.
    #[serde(default)]
    pub(crate) server: ServerSettings,
    /// Logging.
    #[serde(default)]
    pub(crate) log: LogSettings,
    /// Traces.
    pub(crate) traces: Option<TracesSettings>,
    /// The cache of tokens whose signatures were checked.
    #[serde(default)]
    pub(crate) token_cache: TokenCacheSettings,
    /// Taking changes of this file into use.
    #[serde(default)]
    pub(crate) reload: ReloadSettings,
    /// An existing directory in which the last good keys are kept, so that a start does not depend on key servers.
    pub(crate) state_dir: Option<String>,
    /// Issuers whose tokens are accepted, each under the name that rules, logs and metadata use.
    pub(crate) issuers: BTreeMap<String, IssuerSettings>,
    /// `shadow`: nothing is denied, whatever the rules say; what would be is logged, counted and told in the metadata.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Warnings to accept anywhere: code to reason. `server`, each issuer and each rule have their
    /// own list. docs/operations.md lists the codes.
    pub(crate) accept_warnings: Option<AcceptedWarnings>,
    /// Rules; the first one that matches applies, and a request that none matches is denied.
    /// Without this list, or with `any_valid_token` in its place, a valid token of any issuer opens
    /// every path. A reload that removes the list is refused unless it says `any_valid_token`.
    pub(crate) rules: Option<RulesSetting>,
}

/// A place where a token may stand: exactly one of `header`, `cookie` and `query`.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TokenFromSettings {
    /// A header's name.
    pub(crate) header: Option<String>,
    /// The scheme before the token in that header. `Bearer` for `authorization`, else none: the value
    /// is the token.
    pub(crate) scheme: Option<String>,
    /// A cookie's name.
    pub(crate) cookie: Option<String>,
    /// A query parameter's name.
    pub(crate) query: Option<String>,
}

/// Taking changes of the configuration into use while the server runs. A good one replaces the one in use as a whole; a
/// bad one is refused with its problems in the log, and the one in use stays. SIGHUP asks for it at any time.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReloadSettings {
    /// Whether this file, and the files whose content is part of the configuration (secrets, certificates), are watched.
    pub(crate) watch: bool,
    /// How often their content is looked at.
    #[schemars(transform = RELOAD_INTERVAL.in_schema())]
    pub(crate) interval: String,
}

impl Default for ReloadSettings {
    fn default() -> Self {
        Self {
            watch: true,
            interval: "5s".to_owned(),
        }
    }
}

/// The cache of tokens whose signatures were checked. Times, audience, issuer and rule are judged on
/// every request all the same.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TokenCacheSettings {
    /// How many tokens are remembered that take up to 4 KiB of memory: mostly those of up to 1 KiB of
    /// text. A larger one counts for several, and the memory limit of the process may leave room for
    /// fewer. 0 switches the cache off.
    pub(crate) max_entries: u64,
}

impl Default for TokenCacheSettings {
    fn default() -> Self {
        Self {
            max_entries: 10_000,
        }
    }
}

/// An issuer whose tokens are accepted.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_field_names,
    reason = "the setting has the name of the claim"
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub(crate) struct IssuerSettings {
    /// The exact `iss` of its tokens.
    pub(crate) issuer: String,
    /// Audiences of which `aud` must name one, compared exactly (RFC 7519 §4.1.3). Either this or `any_audience: true`.
    pub(crate) audiences: Option<Vec<String>>,
    /// Accept tokens for any audience. They may have been made for another service: only for issuers
    /// that write no usable `aud`.
    #[serde(default)]
    pub(crate) any_audience: bool,
    /// Where its public keys are. Either this or `secret_file`.
    pub(crate) jwks: Option<JwksSettings>,
    /// Whether the server becomes ready only when it has keys of this issuer.
    #[serde(default = "yes")]
    pub(crate) required: bool,
    /// A file with a shared secret, for HS256, HS384 and HS512, instead of `jwks`. Its bytes are the
    /// secret; one line break at the end of a text is left out.
    pub(crate) secret_file: Option<String>,
    /// Signature algorithms that are accepted (RFC 7518 §3.1, RFC 8037, RFC 9864). With `secret_file`, the default is `HS256`.
    #[schemars(extend("default" = public_key_algorithms().map(Algorithm::name).collect::<Vec<_>>()))]
    pub(crate) algorithms: Option<Vec<String>>,
    /// How far clocks may differ, for `exp`, `nbf` and `iat` (RFC 7519 §4.1.4).
    #[serde(default = "leeway")]
    #[schemars(transform = LEEWAY.in_schema())]
    pub(crate) leeway: String,
    /// The longest time from `iat`, and from now, to `exp`; tokens must have an `iat` then. Without
    /// it there is no limit.
    #[schemars(transform = MAX_LIFETIME.in_schema())]
    pub(crate) max_lifetime: Option<String>,
    /// Media types demanded in the header's `typ`, such as `at+jwt` (RFC 9068). Without it, no `typ`, `JWT`, `JOSE` and
    /// `at+jwt` are accepted.
    pub(crate) types: Option<Vec<String>>,
    /// Accept sender-constrained tokens (`cnf`, RFC 7800) without proof of possession.
    #[serde(default)]
    pub(crate) ignore_confirmation: bool,
    /// Whether the credential stays in the request that goes upstream.
    #[serde(default = "yes")]
    pub(crate) forward_token: bool,
    /// Further places where this issuer's tokens may stand, and no other's.
    #[serde(default)]
    pub(crate) token_from: Vec<TokenFromSettings>,
    /// Claims that become headers of the upstream request: header name → claim.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, ClaimHeaderSetting>,
    /// Warnings to accept in this section: code to reason.
    pub(crate) accept_warnings: Option<AcceptedWarnings>,
}

/// Codes of warnings that are accepted, each with the reason.
pub(crate) type AcceptedWarnings = BTreeMap<String, String>;

fn yes() -> bool {
    true
}

fn leeway() -> String {
    "30s".to_owned()
}

/// What an issuer with public keys may sign with, if nothing is said.
pub(crate) fn public_key_algorithms() -> impl Iterator<Item = Algorithm> {
    let all = Algorithm::ALL.into_iter();
    all.filter(|algorithm| !algorithm.is_symmetric())
}

/// A claim: names separated by dots, or a list of names for those with dots in them; or a mapping.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ClaimHeaderSetting {
    /// `realm_access.roles`
    Dotted(String),
    /// `["https://example.com/roles"]`
    Literal(Vec<String>),
    /// With options.
    Full(ClaimHeaderSettings),
}

/// A claim with options.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimHeaderSettings {
    /// The claim.
    pub(crate) claim: ClaimNameSetting,
    /// How an array is written.
    #[serde(default)]
    pub(crate) array: ArrayFormSetting,
    /// Deny a token that lacks the claim.
    #[serde(default)]
    pub(crate) required: bool,
}

/// The way to a claim.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ClaimNameSetting {
    /// `realm_access.roles`
    Dotted(String),
    /// `["https://example.com/roles"]`
    Literal(Vec<String>),
}

/// How an array is written into a header.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ArrayFormSetting {
    /// Elements joined with commas.
    #[default]
    Comma,
    /// JSON.
    Json,
}
