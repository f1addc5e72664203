//! The configuration file as its author writes it.
//!
//! These types are the reference: their comments are the documentation of the settings, and the
//! JSON Schema against which a file is checked is made from them. Durations are written like `30s`,
//! `10m`, `24h` or `500ms`. Unknown keys are errors. Relative paths are relative to the file.

mod decryption;
mod jwks;
mod rules;
mod server;
mod telemetry;
mod text;
mod time;

pub(crate) use decryption::*;
pub(crate) use jwks::*;
pub(crate) use rules::*;
pub(crate) use server::*;
pub use telemetry::DecisionPolicy;
pub(crate) use telemetry::{
    DecisionsSettings, LogFormat, LogLevel, LogSettings, OtlpSettings, TracesSettings,
};
pub(crate) use text::{FilePath, Secret, Text, Url, boxed};
pub(crate) use time::Time;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::jose::Algorithm;

use time::between;

/// A Watchword configuration.
///
/// Durations are written like `30s`, `10m`, `24h` or `500ms`. Relative paths are relative to the
/// file. Unknown and repeated keys are errors, and so are empty values. `${NAME}` in a value is
/// replaced from the environment.
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
    #[schemars(extend("x-restart" = false))]
    pub(crate) token_cache: TokenCacheSettings,
    /// Changes of this file while the server runs.
    #[serde(default)]
    #[schemars(extend("x-restart" = false))]
    pub(crate) reload: ReloadSettings,
    /// An existing directory in which the last good keys are kept, so that a start does not depend
    /// on key servers.
    #[schemars(extend("x-restart" = true))]
    pub(crate) state_dir: Option<FilePath>,
    /// Issuers whose tokens are accepted, each under its name in rules, logs and metadata.
    #[schemars(extend(
        "minProperties" = 1,
        "x-restart" = false,
        "x-form" = "{NAME: {issuer: \"https://idp.example.com\"}}"
    ))]
    pub(crate) issuers: BTreeMap<String, IssuerSettings>,
    /// `shadow`: every request is allowed; denials are logged, counted and reported in the
    /// metadata.
    #[serde(default)]
    #[schemars(extend("x-restart" = false))]
    pub(crate) mode: Mode,
    /// Warnings to accept anywhere: code to reason. `server`, each issuer and each rule have their
    /// own list. docs/warnings.md lists the codes.
    #[schemars(extend("x-restart" = false))]
    pub(crate) accept_warnings: Option<AcceptedWarnings>,
    /// Rules; the first one that matches applies, and a request that none matches is denied.
    /// Without this list, or with `any_valid_token` in its place, a valid token of any issuer opens
    /// every path. A reload that removes the list is refused unless it says `any_valid_token`.
    #[schemars(extend("x-restart" = false))]
    pub(crate) rules: Option<RulesSetting>,
}

/// A place where a token may stand: exactly one of `header`, `cookie` and `query`.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-form" = "{header: x-token}"))]
pub(crate) struct TokenFromSettings {
    /// A header's name.
    pub(crate) header: Option<String>,
    /// The scheme before the token in that header. The default is `Bearer` for `authorization`; for
    /// other headers there is none, and the value is the token.
    pub(crate) scheme: Option<String>,
    /// A cookie's name.
    pub(crate) cookie: Option<String>,
    /// A query parameter's name.
    pub(crate) query: Option<String>,
}

/// Changes of the configuration while the server runs. A good one replaces the one in use as a
/// whole; a bad one is refused with its problems in the log, and the one in use stays. SIGHUP asks
/// for a reload at any time.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-form" = "{watch: false}"))]
pub(crate) struct ReloadSettings {
    /// Watch this file, and the files whose content is part of the configuration (secrets,
    /// certificates).
    pub(crate) watch: bool,
    /// The time between two looks at their content.
    #[schemars(transform = between("100ms", "1h"))]
    pub(crate) interval: Time,
}

impl Default for ReloadSettings {
    fn default() -> Self {
        Self {
            watch: true,
            interval: Time::seconds(5),
        }
    }
}

/// The cache of tokens whose signatures were checked. Times, audience, issuer and rule are judged
/// on every request all the same.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TokenCacheSettings {
    /// Most tokens, of up to 4 KiB of memory each: mostly those of up to 1 KiB of text. A larger
    /// one counts for several, and the memory limit of the process may leave room for fewer. 0
    /// switches the cache off.
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
#[schemars(extend("x-form" = "{issuer: \"https://idp.example.com\"}"))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub(crate) struct IssuerSettings {
    /// The exact `iss` of its tokens.
    pub(crate) issuer: Text,
    /// Audiences of which `aud` must name one, compared exactly (RFC 7519 §4.1.3). Either this or
    /// `any_audience: true`.
    #[schemars(length(min = 1))]
    pub(crate) audiences: Option<Vec<Text>>,
    /// Accept tokens for any audience. They may have been made for another service: only for
    /// issuers that write no usable `aud`.
    #[serde(default)]
    pub(crate) any_audience: bool,
    /// The place of its public keys. Either this or `secret_file`.
    pub(crate) jwks: Option<JwksSettings>,
    /// The server becomes ready only when it has keys of this issuer.
    #[serde(default = "yes")]
    pub(crate) required: bool,
    /// A file with a shared secret, for HS256, HS384 and HS512, instead of `jwks`. Its bytes are
    /// the secret; one line break at the end of a text is left out.
    pub(crate) secret_file: Option<FilePath>,
    /// Signature algorithms that are accepted (RFC 7518 §3.1, RFC 8037, RFC 8812, RFC 9864, RFC
    /// 9964). `ES256K`, `ML-DSA-44`, `ML-DSA-65` and `ML-DSA-87` must be listed. With
    /// `secret_file`, the default is `HS256`.
    #[schemars(length(min = 1), extend("default" = default_algorithm_names()))]
    pub(crate) algorithms: Option<Vec<Text>>,
    /// Encrypted tokens (JWE, RFC 7516). Without this section they are refused.
    pub(crate) decryption: Option<DecryptionSettings>,
    /// The tolerated difference of clocks, for `exp`, `nbf` and `iat` (RFC 7519 §4.1.4).
    #[serde(default = "leeway")]
    #[schemars(transform = between("0s", "5m"))]
    pub(crate) leeway: Time,
    /// The longest time from `iat`, and from now, to `exp`; tokens must have an `iat` then. Without
    /// it there is no limit.
    #[schemars(transform = between("0s", "87840h"))]
    pub(crate) max_lifetime: Option<Time>,
    /// The kind that its tokens must be; another kind is `token_type_invalid`. By default the kind
    /// is not looked at, except by `types`. docs/tokens.md has the checks of each kind.
    pub(crate) token_kind: Option<TokenKindSetting>,
    /// Media types of which the header's `typ` must be one, such as `at+jwt` (RFC 9068). By
    /// default, those of the `token_kind`; without it, no `typ`, `JWT`, `JOSE` and `at+jwt`.
    #[schemars(length(min = 1))]
    pub(crate) types: Option<Vec<Text>>,
    /// Clients of which one must have got the token, compared exactly: `azp` or `client_id`; in
    /// tokens with neither, `cid` (Okta) or `appid` (Entra ID v1). Two that differ are refused.
    #[schemars(length(min = 1))]
    pub(crate) client_ids: Option<Vec<Text>>,
    /// Claims that a token must have, with a value: no empty string or array. Each is written as in
    /// `headers`: names separated by dots, or a list of names.
    #[schemars(length(min = 1))]
    pub(crate) required_claims: Option<Vec<ClaimNameSetting>>,
    /// Claims that no token may have, whatever their value. Each is written as in `headers`.
    #[schemars(length(min = 1))]
    pub(crate) forbidden_claims: Option<Vec<ClaimNameSetting>>,
    /// Accept sender-constrained tokens (`cnf`, RFC 7800) without proof of possession.
    #[serde(default)]
    pub(crate) ignore_confirmation: bool,
    /// Leave the credential in the request that goes upstream.
    #[serde(default = "yes")]
    pub(crate) forward_token: bool,
    /// Further places for tokens of this issuer only.
    #[serde(default)]
    pub(crate) token_from: Vec<TokenFromSettings>,
    /// Claims that become headers of the upstream request: header name → claim.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, ClaimHeaderSetting>,
    /// Warnings to accept in this section: code to reason.
    pub(crate) accept_warnings: Option<AcceptedWarnings>,
}

/// The kind of an issuer's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) enum TokenKindSetting {
    /// No token that shows by its header or claims that it is an ID, refresh or logout token.
    #[serde(rename = "access_token")]
    Access,
    /// As `access_token`, with `typ: at+jwt` and every claim that RFC 9068 requires.
    #[serde(rename = "rfc9068_access_token")]
    Rfc9068Access,
    /// An ID token with every claim that OIDC Core 1.0 requires, and without `scope` or `scp`,
    /// which access tokens have.
    #[serde(rename = "id_token")]
    Id,
    /// A logout token as OIDC Back-Channel Logout 1.0 requires it.
    #[serde(rename = "logout_token")]
    Logout,
}

/// Codes of warnings that are accepted, each with the reason.
pub(crate) type AcceptedWarnings = BTreeMap<String, String>;

fn yes() -> bool {
    true
}

fn leeway() -> Time {
    Time::seconds(30)
}

fn default_algorithm_names() -> Vec<&'static str> {
    Algorithm::defaults(false).map(Algorithm::name).collect()
}

/// A claim, or a mapping with options.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ClaimHeaderSetting {
    /// The claim.
    Name(ClaimNameSetting),
    /// With options.
    Full(ClaimHeaderSettings),
}

/// A claim with options.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimHeaderSettings {
    /// The claim.
    pub(crate) claim: ClaimNameSetting,
    /// The form of an array.
    #[serde(default)]
    pub(crate) array: ArrayFormSetting,
    /// Deny a token that lacks the claim.
    #[serde(default)]
    pub(crate) required: bool,
}

/// A claim: names separated by dots, or a list of names for those with dots in them.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ClaimNameSetting {
    /// `realm_access.roles`
    Dotted(String),
    /// `["https://example.com/roles"]`
    #[schemars(extend("minItems" = 1))]
    Literal(Vec<Text>),
}

/// The form of an array in a header.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ArrayFormSetting {
    /// Elements joined with commas.
    #[default]
    Comma,
    /// JSON.
    Json,
}
