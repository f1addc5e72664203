//! Settings that are allowed, but most likely not meant.
//!
//! A warning has a code, so that the section in which it stands can accept it: `accept_warnings:
//! {CODE: the reason}`.

use std::fmt;
use std::path::PathBuf;

use super::problem::Problem;
use super::setting::Setting;
use super::settings::{AcceptedWarnings, RulesSetting, Settings};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $code:ident = $name:literal;)*) => {
        /// The kind of a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum WarningCode {
            $($(#[doc = $doc])+ $code,)*
        }

        impl WarningCode {
            /// All codes, in the order of the documentation.
            pub(crate) const ALL: &[Self] = &[$(Self::$code),*];

            /// The stable name, for `accept_warnings` and metrics.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// A `*` in an exact path or a prefix, where it is a plain character.
    LiteralStar = "literal_star";
    /// A segment such as `:id`, which is a plain text here.
    PathTemplate = "path_template";
    /// A path that looks like a regular expression.
    PathRegex = "path_regex";
    /// A method that no registry knows.
    UnknownMethod = "unknown_method";
    /// A claim header whose name is a claim and whose claim is a header.
    SwappedHeader = "swapped_header";
    /// A claim path in the syntax of another language.
    ClaimSyntax = "claim_syntax";
    /// An operator of another policy language where a claim's name stands.
    OperatorAsClaim = "operator_as_claim";
    /// Several scopes in one text.
    ScopeSeparator = "scope_separator";
    /// An audience with a wildcard, which is compared as it stands.
    WildcardAudience = "wildcard_audience";
    /// An issuer that no token names, since it stands for many.
    IssuerPlaceholder = "issuer_placeholder";
    /// An issuer whose encrypted claims are accepted without a signature.
    UnsignedClaims = "unsigned_claims";
    /// A file with a secret that others may read or write.
    OpenFile = "open_file";
    /// A certificate that is not valid now.
    ExpiredCertificate = "expired_certificate";
}

/// A setting that is most likely not meant. `Display` gives its place, the fix, and the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub(crate) code: WarningCode,
    pub(super) file: PathBuf,
    pub(super) problem: Problem,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.write_place(f, &self.file)?;
        write!(f, "warning: {} [{}]", self.problem, self.code.name())
    }
}

/// Checks that accepted warnings exist, each with a reason.
pub(super) fn check_accepted(root: &mut Setting<'_, '_, Settings>) {
    let settings = root.value;
    root.accepted_warnings(settings.accept_warnings.as_ref());
    let server = &settings.server;
    root.member("server", server)
        .accepted_warnings(server.accept_warnings.as_ref());
    let mut issuers = root.member("issuers", &settings.issuers);
    for (name, issuer) in &settings.issuers {
        issuers
            .member(name, issuer)
            .accepted_warnings(issuer.accept_warnings.as_ref());
    }
    if let Some(RulesSetting::List(rules)) = &settings.rules {
        root.member("rules", &**rules).for_each(|mut rule| {
            let accepted = rule.value.accept_warnings.as_ref();
            rule.accepted_warnings(accepted);
        });
    }
}

impl<T: ?Sized> Setting<'_, '_, T> {
    fn accepted_warnings(&mut self, accepted: Option<&AcceptedWarnings>) {
        let mut section = self.member("accept_warnings", &());
        for (name, reason) in accepted.into_iter().flatten() {
            let mut setting = section.member(name, reason);
            let known = WarningCode::ALL.iter().map(|code| code.name());
            if !known.clone().any(|known| known == name) {
                setting.unknown("warning", name, known);
            }
            if reason.trim().is_empty() {
                setting.found("no reason", "why the warning is accepted");
            }
        }
    }
}
