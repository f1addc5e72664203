//! The explanation for machines, as in docs/validate.md. Members may be added, but not renamed.

use serde_json::{Value, json};

use crate::escape::escape_lines;
use crate::explain::{Explanation, Step, StepOutcome, instant, plain};
use crate::token::UnixTime;

use super::super::print_line;

pub(super) fn print(explanation: &Explanation, hint: Option<&str>, now: UnixTime) {
    let denial = explanation.denial.as_ref();
    let steps: Vec<Value> = explanation.steps.iter().map(step).collect();
    let failure = explanation.first_failure();
    let report = json!({
        "verdict": if denial.is_some() { "deny" } else { "allow" },
        "reason": explanation.reason,
        "shadow": explanation.shadow,
        "status": denial.map(|denial| denial.class().http_status()),
        "message": super::report::message(explanation),
        "at": instant(now),
        "issuer": explanation.issuer.as_deref().map(plain),
        "rule": explanation.rule.as_deref().map(plain),
        "failed": failure.map(|step| step.name.to_string()),
        "steps": steps,
        "hint": hint,
    });
    print_line(&escape_lines(&report.to_string()));
}

fn step(step: &Step) -> Value {
    let (result, reason) = match &step.outcome {
        StepOutcome::Pass => ("pass", None),
        StepOutcome::Fail(denial) => ("fail", Some(denial.code())),
        StepOutcome::NotReached => ("not_reached", None),
    };
    let is_reached = step.outcome != StepOutcome::NotReached;
    json!({
        "step": step.name.to_string(),
        "result": result,
        "decisive": step.decisive,
        "reason": reason,
        "found": is_reached.then_some(&step.found),
        "expected": is_reached.then_some(&step.expected),
    })
}
