//! The section `rules` as its author writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AcceptedWarnings, Text};

/// A list of rules, or the word for none.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RulesSetting {
    /// `any_valid_token`: a valid token of any issuer opens every path.
    None(NoRules),
    /// The rules in their order.
    #[schemars(extend("minItems" = 1))]
    List(Vec<RuleSettings>),
}

/// No rules.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoRules {
    /// A valid token of any issuer opens every path.
    AnyValidToken,
}

/// A rule.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-form" = "{match: {path: {prefix: /admin}}, require: {scopes: [admin]}}"))]
pub(crate) struct RuleSettings {
    /// The name in logs and metadata: 1 to 64 printable characters, each rule its own. The default
    /// is its place, such as `rules[2]`; the first is `rules[0]`.
    pub(crate) name: Option<String>,
    /// The requests that the rule is for; all by default.
    #[serde(default, rename = "match")]
    pub(crate) matches: MatchSettings,
    /// `none`, or a demand on the token. By default any valid token is enough.
    #[serde(default)]
    pub(crate) require: RequireSetting,
    /// `shadow`: denials under this rule are logged, counted and reported in the metadata, but not
    /// enforced.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Permit `require: none` for every request, which is refused otherwise.
    #[serde(default)]
    pub(crate) insecure_allow_all: bool,
    /// Warnings to accept in this section: code to reason.
    pub(crate) accept_warnings: Option<AcceptedWarnings>,
}

/// The effect of denials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// They are enforced.
    #[default]
    Enforce,
    /// They are reported, and the request is allowed; headers that Watchword manages are removed
    /// from it all the same.
    Shadow,
}

/// The requests that a rule is for. Every part that is given must match.
///
/// A request that matches only in another spelling (upper and lower case, a trailing slash,
/// escapes, a port or trailing dot of the host) is refused as `request_malformed`: it never falls
/// through to the rules that follow.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-form" = "{path: {prefix: /admin}}"))]
pub(crate) struct MatchSettings {
    /// Hosts; `*.example.com` stands for every host below. With a port (`example.com:8443`) if the
    /// proxy routes by it. A `Host` with a port that no rule names, or with a trailing dot, is
    /// refused: see `server.proxy_ignores_host_port`.
    #[schemars(length(min = 1))]
    pub(crate) hosts: Option<Vec<Text>>,
    /// The path, without query.
    pub(crate) path: Option<PathSettings>,
    /// Methods (RFC 9110 §9.1). `GET` does not include `HEAD`.
    #[schemars(length(min = 1))]
    pub(crate) methods: Option<Vec<Text>>,
    /// `context_extensions` that the proxy's configuration sets: name to value.
    #[schemars(extend("minProperties" = 1))]
    pub(crate) context: Option<BTreeMap<String, String>>,
}

/// A path: exactly one of `exact`, `prefix` and `glob`.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-form" = "{prefix: /admin}"))]
pub(crate) struct PathSettings {
    /// Exactly this path.
    pub(crate) exact: Option<String>,
    /// This path and everything below, by whole segments.
    pub(crate) prefix: Option<String>,
    /// `*` stands for characters within a segment, `**` at the end for any number of segments.
    pub(crate) glob: Option<String>,
    /// Take an escaped slash (`%2f`) for a character of a segment, as npm and GitLab mean it in
    /// `/@scope%2fname`. Without it, a path with `%2f` that matches this rule in either reading is
    /// refused. The risk: a proxy or service that decodes it sees other segments than this rule.
    /// Dot segments and empty segments behind it are refused all the same.
    pub(crate) encoded_slashes: bool,
    /// Leave other spellings of the path to the rules that follow, instead of refusing them. For
    /// paths that differ only in case, such as `/Report` and `/report`. The risk: if the proxy or
    /// the service takes another spelling for this one, a weaker rule decides about it.
    pub(crate) exact_spelling: bool,
}

/// A rule's demand.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RequireSetting {
    /// `none`: anonymous; tokens are not looked at.
    Word(NoneWord),
    /// A demand on the token.
    Demand(DemandSettings),
}

impl Default for RequireSetting {
    fn default() -> Self {
        Self::Demand(DemandSettings::default())
    }
}

/// No requirement.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NoneWord {
    /// Anonymous.
    None,
}

/// Demands on a token.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-form" = "{scopes: [admin]}"))]
pub(crate) struct DemandSettings {
    /// A request without a token is allowed as anonymous; one with a bad token is denied.
    pub(crate) optional: bool,
    /// Names of issuers of which one must have issued the token; any by default.
    #[schemars(length(min = 1))]
    pub(crate) issuers: Option<Vec<Text>>,
    /// Audiences, beside the issuer's own, of which `aud` must name one.
    #[schemars(length(min = 1))]
    pub(crate) audiences: Option<Vec<Text>>,
    /// Scopes that the token must all have, in `scope` or `scp`.
    #[schemars(length(min = 1))]
    pub(crate) scopes: Option<Vec<Text>>,
    /// Claims that must all pass: the claim, names separated by dots, to a value, a list of values,
    /// or a test.
    #[schemars(extend("minProperties" = 1))]
    pub(crate) claims: Option<BTreeMap<String, ClaimTestSetting>>,
}

/// A test for a claim.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ClaimTestSetting {
    /// The claim equals one of these.
    #[schemars(extend("minItems" = 1))]
    List(Vec<Scalar>),
    /// A test by name.
    Test(ClaimTestSettings),
    /// The claim equals this.
    Value(Scalar),
}

/// A value that a claim is compared with; types are never converted.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Scalar {
    /// `true` or `false`
    Bool(bool),
    /// A number; equal if written alike.
    Number(serde_json::Number),
    /// A string.
    String(String),
}

/// A test by name: exactly one of `equals`, `contains` and `contains_all`.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimTestSettings {
    /// The claim, as a list of names; the key of the test is then only a label.
    #[schemars(length(min = 1))]
    pub(crate) path: Option<Vec<Text>>,
    /// The claim equals this, or one of these.
    pub(crate) equals: Option<OneOrMore>,
    /// The claim is an array with this, or one of these, in it.
    pub(crate) contains: Option<OneOrMore>,
    /// The claim is an array with all of these in it.
    #[schemars(length(min = 1))]
    pub(crate) contains_all: Option<Vec<Scalar>>,
}

/// A value, or several.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum OneOrMore {
    /// One.
    One(Scalar),
    /// Several.
    #[schemars(extend("minItems" = 1))]
    More(Vec<Scalar>),
}
