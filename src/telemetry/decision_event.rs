//! The facts of one decision, for logs, metrics and traces.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::authenticator::Verdict;
use crate::token::{Denial, UnixTime, VerifiedToken};

use super::TraceContext;

/// One decision. Logs show only listed claims of the token, and the id and trace of the request.
#[derive(Clone, Debug)]
pub struct DecisionEvent<'d> {
    /// The service that was called.
    pub door: Door,
    /// True if denials by this rule are only reported.
    pub shadow: bool,
    /// The decision itself.
    pub outcome: DecisionOutcome<'d>,
    /// The configured name of the token's issuer, if it is known.
    pub issuer: Option<&'d Arc<str>>,
    /// The name of the rule that applies.
    pub rule: Option<&'d Arc<str>>,
    /// The name of the rule that another spelling of the request would match, and the part of the
    /// request that is spelled differently.
    pub near_miss: Option<(&'d Arc<str>, &'static str)>,
    /// The token, if its signature is valid.
    pub token: Option<&'d VerifiedToken>,
    /// The request's id.
    pub request_id: RequestId<'d>,
    /// The caller's trace.
    pub trace: Option<TraceContext<'d>>,
    /// The time of the decision.
    pub at: UnixTime,
    /// The time from the call's message to the decision.
    pub latency: Duration,
}

/// A service that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// Envoy's `Check`.
    Check,
    /// `Validate`.
    Validate,
}

/// A decision, with shadow mode applied.
#[derive(Clone, Copy, Debug)]
pub enum DecisionOutcome<'d> {
    /// Allow, for a valid token.
    Allowed,
    /// Allow, without a token.
    Anonymous,
    /// Deny.
    Denied(&'d Denial),
    /// A denial that shadow mode turned into an allow.
    Shadowed(&'d Denial),
}

/// The id of a request, as the client sent it. Its text has at most 64 characters of visible ASCII.
#[derive(Clone, Copy, Default)]
pub struct RequestId<'d>(&'d [u8]);

impl Door {
    /// The word for logs, metrics and spans.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Validate => "validate",
        }
    }
}

impl DecisionEvent<'_> {
    /// The word for logs, metrics and spans: `enforce` or `shadow`.
    pub(super) fn mode(&self) -> &'static str {
        if self.shadow { "shadow" } else { "enforce" }
    }
}

impl<'d> DecisionOutcome<'d> {
    /// The caller's answer: `allow` or `deny`.
    pub(super) fn verdict(self) -> &'static str {
        match self {
            Self::Allowed | Self::Anonymous | Self::Shadowed(_) => "allow",
            Self::Denied(_) => "deny",
        }
    }

    /// The code of the denial, in shadow mode too; else `allowed` or `anonymous`.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Allowed => Verdict::ALLOWED,
            Self::Anonymous => Verdict::ANONYMOUS,
            Self::Denied(denial) | Self::Shadowed(denial) => denial.code(),
        }
    }

    /// The denial, in shadow mode too.
    pub(super) fn denial(self) -> Option<&'d Denial> {
        match self {
            Self::Allowed | Self::Anonymous => None,
            Self::Denied(denial) | Self::Shadowed(denial) => Some(denial),
        }
    }
}

impl<'d> From<&'d Verdict> for DecisionOutcome<'d> {
    fn from(verdict: &'d Verdict) -> Self {
        match verdict {
            Verdict::Allow(allow) if allow.token().is_some() => Self::Allowed,
            Verdict::Allow(_) => Self::Anonymous,
            Verdict::Deny(denial) => Self::Denied(denial),
        }
    }
}

impl<'d> RequestId<'d> {
    const MAX: usize = 64;

    /// The value of `x-request-id`.
    #[must_use]
    pub fn new(value: &'d [u8]) -> Self {
        Self(value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.visible().next().is_none()
    }

    fn visible(self) -> impl Iterator<Item = char> {
        let visible = self.0.iter().filter(|byte| byte.is_ascii_graphic());
        visible.take(Self::MAX).map(|byte| char::from(*byte))
    }
}

impl fmt::Display for RequestId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visible()
            .try_for_each(|character| f.write_char(character))
    }
}

impl fmt::Debug for RequestId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

impl Serialize for RequestId<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn of_a_request_id_only_64_visible_characters_are_shown() {
        let long = b"4a\n\x1b[31m \"\\ \xc3\xa9".repeat(20);
        let shown = RequestId::new(&long).to_string();
        assert_eq!(shown.len(), 64);
        assert!(shown.starts_with(r#"4a[31m"\4a"#), "{shown}");
        assert!(RequestId::new(b" \n\xff").is_empty());
        assert!(!RequestId::new(b" \nx").is_empty());
    }
}
