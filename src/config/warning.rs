//! What is allowed in a configuration, but most likely not meant.
//!
//! A warning has a code, so that the section in which it stands can accept it: `accept_warnings:
//! {CODE: the reason}`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::escape::Escaped;

use super::findings::Findings;
use super::problem::Problem;
use super::settings;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $code:ident = $name:literal;)*) => {
        /// What a warning is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WarningCode {
            $($(#[doc = $doc])+ $code,)*
        }

        impl WarningCode {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The stable name, for `accept_warnings` and metrics.
            #[must_use]
            pub fn name(self) -> &'static str {
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
    /// A file with a secret that others may read or write.
    OpenFile = "open_file";
    /// A certificate that is not valid now.
    ExpiredCertificate = "expired_certificate";
}

impl WarningCode {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// One thing that is most likely not meant. `Display` gives its place, its code, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    code: WarningCode,
    file: PathBuf,
    problem: Problem,
}

impl Warning {
    pub(super) fn new(code: WarningCode, file: &Path, problem: Problem) -> Self {
        Self {
            code,
            file: file.to_owned(),
            problem,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn code(&self) -> WarningCode {
        self.code
    }

    pub(super) fn position(&self) -> super::problem::Position {
        self.problem.position()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.position().line, self.position().column);
        let (problem, code) = (&self.problem, self.code.name());
        let file = self.file.to_string_lossy();
        let file = Escaped(&file);
        write!(f, "{file}:{line}:{column}: warning: {problem} [{code}]")
    }
}

/// Sees to it that only warnings are accepted that exist, each with a reason.
pub(super) fn check_accepted(raw: &settings::Settings, findings: &mut Findings<'_>) {
    check_list(&[], raw.accept_warnings.as_ref(), findings);
    check_list(&["server"], raw.server.accept_warnings.as_ref(), findings);
    for (name, issuer) in &raw.issuers {
        check_list(
            &["issuers", name],
            issuer.accept_warnings.as_ref(),
            findings,
        );
    }
    let rules = raw
        .rules
        .iter()
        .filter_map(settings::RulesSetting::list)
        .flatten();
    for (index, rule) in rules.enumerate() {
        let element = format!("[{index}]");
        check_list(
            &["rules", &element],
            rule.accept_warnings.as_ref(),
            findings,
        );
    }
}

fn check_list(
    section: &[&str],
    list: Option<&settings::AcceptedWarnings>,
    findings: &mut Findings<'_>,
) {
    for (name, reason) in list.into_iter().flatten() {
        let path = [section, &["accept_warnings", name]].concat();
        if WarningCode::from_name(name).is_none() {
            let known = WarningCode::ALL.iter().map(|code| code.name());
            findings.add_unknown(&path, "warning", name, known);
        }
        if reason.trim().is_empty() {
            findings.add(&path, "no reason", "why the warning is accepted");
        }
    }
}
