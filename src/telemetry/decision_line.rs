//! The `debug` line of a decision in the operational log. It contains nothing from the token.

use tracing::debug;

use super::DecisionEvent;

pub(super) fn write(decision: &DecisionEvent<'_>) {
    let micros = u64::try_from(decision.latency.as_micros()).unwrap_or(u64::MAX);
    debug!(
        verdict = decision.outcome.verdict(),
        reason = decision.outcome.reason(),
        detail = decision.outcome.denial().map(tracing::field::debug),
        mode = decision.mode(),
        issuer = decision.issuer.map(|name| &**name),
        rule = decision.rule.map(|name| &**name),
        near_miss = decision.near_miss.map(|(rule, _)| &**rule),
        micros,
        request_id = %decision.request_id,
        "{}",
        decision.door.name()
    );
}
