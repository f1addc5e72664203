//! The configuration file as its author writes it.
//!
//! These types are the reference: their comments are the documentation of the settings, and the JSON
//! Schema against which a file is checked is made from them. Durations are written like `30s`, `10m`,
//! `24h` or `500ms`. Unknown keys are errors. Relative paths are relative to the file.

mod jwks;
mod rules;

pub(super) use jwks::{Basic, Discovery, Jwks};
pub(super) use rules::{ClaimTest, Demand, NamedTest, OneOrMore, Require, Rule, Scalar, Word};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// A Watchword configuration.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Listeners and limits.
    #[serde(default)]
    pub(super) server: Server,
    /// Logging.
    #[serde(default)]
    pub(super) log: Log,
    /// The cache of tokens whose signatures were checked.
    #[serde(default)]
    pub(super) token_cache: TokenCache,
    /// An existing directory in which the last good keys are kept, so that a start does not depend on key servers.
    /// Default: none.
    pub(super) state_dir: Option<String>,
    /// Issuers whose tokens are accepted, each under the name that rules, logs and metadata use.
    pub(super) issuers: BTreeMap<String, Issuer>,
    /// Rules; the first one that matches applies, and a request that none matches is denied. Without
    /// this list, a valid token of any issuer opens every path.
    pub(super) rules: Option<Vec<Rule>>,
}

/// Listeners and limits.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Server {
    /// The gRPC listener: `ext_authz` and health.
    pub(super) grpc: Grpc,
    /// The listener for metrics and probes. Default: none.
    pub(super) admin: Option<Admin>,
    /// The realm in `www-authenticate` (RFC 9110 §11.5).
    pub(super) realm: String,
    /// The longest token that is looked at, in bytes; from 256 to 65536.
    pub(super) max_token_size: u64,
    /// Where tokens are looked for. More than one credential in a request is malformed.
    pub(super) token_from: Vec<TokenFrom>,
    /// How long a stopping server waits for calls in flight.
    pub(super) shutdown_timeout: String,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            grpc: Grpc::default(),
            admin: None,
            realm: "watchword".to_owned(),
            max_token_size: 16384,
            token_from: vec![TokenFrom {
                header: Some("authorization".to_owned()),
                ..TokenFrom::default()
            }],
            shutdown_timeout: "10s".to_owned(),
        }
    }
}

/// The gRPC listener.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Grpc {
    /// Address and port; port 0 takes a free one.
    pub(super) address: String,
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            address: "0.0.0.0:9191".to_owned(),
        }
    }
}

/// The admin listener.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    /// Address and port, such as `127.0.0.1:9193`; port 0 takes a free one.
    pub(super) address: String,
}

/// A place where a token may stand: exactly one of `header`, `cookie` and `query`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TokenFrom {
    /// A header's name.
    pub(super) header: Option<String>,
    /// The scheme before the token in that header. `Bearer` for `authorization`, else none: the value
    /// is the token.
    pub(super) scheme: Option<String>,
    /// A cookie's name.
    pub(super) cookie: Option<String>,
    /// A query parameter's name.
    pub(super) query: Option<String>,
}

/// Logging.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    /// One JSON object a line, or text for people.
    pub(super) format: LogFormat,
    /// The least severe level that is written. `debug` has one line a decision.
    pub(super) level: LogLevel,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The severity of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What needs somebody to act.
    Error,
    /// What may need somebody to act.
    Warn,
    /// Life cycle.
    #[default]
    Info,
    /// One line a decision.
    Debug,
    /// Everything.
    Trace,
}

/// The cache of tokens whose signatures were checked. Times, audience, issuer and rule are judged on
/// every request all the same.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TokenCache {
    /// How many tokens of up to 1 KiB are remembered; a longer one counts for several. 0 switches the
    /// cache off.
    pub(super) max_entries: u64,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self {
            max_entries: 10_000,
        }
    }
}

/// An issuer whose tokens are accepted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_field_names,
    reason = "the setting has the name of the claim"
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub(super) struct Issuer {
    /// The exact `iss` of its tokens.
    pub(super) issuer: String,
    /// Audiences of which `aud` must name one, compared exactly.
    pub(super) audiences: Option<Vec<String>>,
    /// Accept tokens for any audience. They may have been made for another service: only for issuers
    /// that write no usable `aud`.
    #[serde(default)]
    pub(super) any_audience: bool,
    /// Where its public keys are.
    pub(super) jwks: Option<Jwks>,
    /// Whether the server becomes ready only when it has keys of this issuer.
    #[serde(default = "yes")]
    pub(super) required: bool,
    /// A file with a shared secret, for HS256, HS384 and HS512, instead of `jwks`. Its bytes are the
    /// secret; one line break at the end of a text is left out.
    pub(super) secret_file: Option<String>,
    /// Signature algorithms that are accepted. Default: RS, PS and ES with 256, 384 and 512, EdDSA and
    /// Ed25519; with `secret_file`, HS256.
    pub(super) algorithms: Option<Vec<String>>,
    /// How far clocks may differ; at most 5m. Default 30s.
    pub(super) leeway: Option<String>,
    /// The longest time from `iat`, and from now, to `exp`. Default: no limit.
    pub(super) max_lifetime: Option<String>,
    /// Media types demanded in the header's `typ`, such as `at+jwt` (RFC 9068). Default: no `typ`,
    /// `JWT`, `JOSE` or `at+jwt`.
    pub(super) types: Option<Vec<String>>,
    /// Accept sender-constrained tokens (`cnf`, RFC 7800) without proof of possession.
    #[serde(default)]
    pub(super) ignore_confirmation: bool,
    /// Whether the credential stays in the request that goes upstream.
    #[serde(default = "yes")]
    pub(super) forward_token: bool,
    /// Further places where this issuer's tokens may stand.
    #[serde(default)]
    pub(super) token_from: Vec<TokenFrom>,
    /// Claims that become headers of the upstream request: header name → claim.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, ClaimHeader>,
}

fn yes() -> bool {
    true
}

/// A claim: names separated by dots, or a list of names for those with dots in them; or a mapping.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ClaimHeader {
    /// `realm_access.roles`
    Dotted(String),
    /// `["https://example.com/roles"]`
    Literal(Vec<String>),
    /// With options.
    Full(FullClaimHeader),
}

/// A claim with options.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FullClaimHeader {
    /// The claim.
    pub(super) claim: ClaimName,
    /// How an array is written.
    #[serde(default)]
    pub(super) array: ArrayForm,
    /// Deny a token that lacks the claim.
    #[serde(default)]
    pub(super) required: bool,
}

/// The way to a claim.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ClaimName {
    /// `realm_access.roles`
    Dotted(String),
    /// `["https://example.com/roles"]`
    Literal(Vec<String>),
}

/// How an array is written into a header.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ArrayForm {
    /// Elements joined with commas.
    #[default]
    Comma,
    /// JSON.
    Json,
}
