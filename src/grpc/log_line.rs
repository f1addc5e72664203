//! The log line of a decision. Nothing in it comes from a token; of the request, only its id.

use std::sync::Arc;

use tracing::debug;

use crate::authenticator::{Decision, Verdict};
use crate::clock::Stopwatch;
use crate::request::Request;
use crate::token::Denial;

/// A line that is to be written if the decision stands.
pub(super) struct LogLine {
    verdict: &'static str,
    reason: &'static str,
    detail: Option<Denial>,
    issuer: Option<Arc<str>>,
    rule: Option<Arc<str>>,
    request_id: String,
    stopwatch: Stopwatch,
}

impl LogLine {
    /// The line for a decision; `None` where such lines are not written.
    pub(super) fn of(
        decision: &Decision<'_>,
        request: &Request<'_>,
        stopwatch: Option<Stopwatch>,
    ) -> Option<Self> {
        let stopwatch = stopwatch?;
        let (verdict, detail) = match &decision.verdict {
            Verdict::Allow(_) => ("allow", None),
            Verdict::Deny(denial) => ("deny", Some(denial.clone())),
        };
        let id = request.values("x-request-id").next();
        let id = id.and_then(|id| std::str::from_utf8(id).ok());
        let id = id.unwrap_or_default().chars();
        Some(Self {
            verdict,
            reason: decision.verdict.reason(),
            detail,
            issuer: decision.issuer.map(|issuer| issuer.name.clone()),
            rule: decision.rule.map(|rule| rule.name.clone()),
            request_id: id.filter(char::is_ascii_graphic).take(64).collect(),
            stopwatch,
        })
    }

    /// The line for a call that is refused without a look at it.
    pub(super) fn of_refusal(denial: &Denial, stopwatch: Option<Stopwatch>) -> Option<Self> {
        Some(Self {
            verdict: "deny",
            reason: denial.code(),
            detail: None,
            issuer: None,
            rule: None,
            request_id: String::new(),
            stopwatch: stopwatch?,
        })
    }

    pub(super) fn write(&self) {
        let micros = u64::try_from(self.stopwatch.elapsed().as_micros()).unwrap_or(u64::MAX);
        let detail = self.detail.as_ref().map(tracing::field::debug);
        debug!(
            verdict = self.verdict,
            reason = self.reason,
            detail,
            issuer = self.issuer.as_deref(),
            rule = self.rule.as_deref(),
            micros,
            request_id = self.request_id,
            "check"
        );
    }
}
