//! The explanation for machines, as in docs/validate.md. Members may be added, but not renamed.

use serde::Serialize;

use crate::escape::escape_lines;
use crate::explain::{Step, StepOutcome, instant, plain};
use crate::token::Denial;

use super::super::print_line;
use super::Validation;
use super::hint::hint;

#[derive(Serialize)]
struct JsonReport {
    verdict: &'static str,
    reason: &'static str,
    shadow: bool,
    status: Option<i32>,
    message: String,
    at: String,
    issuer: Option<String>,
    rule: Option<String>,
    failed: Option<String>,
    steps: Vec<JsonStep>,
    hint: Option<&'static str>,
}

#[derive(Serialize)]
struct JsonStep {
    step: String,
    result: &'static str,
    decisive: bool,
    reason: Option<&'static str>,
    found: Option<String>,
    expected: Option<String>,
}

pub(super) fn print(validation: &Validation<'_>) -> anyhow::Result<()> {
    let explanation = validation.explanation;
    let denial = explanation.denial.as_ref();
    let report = JsonReport {
        verdict: if denial.is_some() { "deny" } else { "allow" },
        reason: explanation.reason,
        shadow: explanation.shadow,
        status: denial.map(|denial| denial.class().http_status()),
        message: super::report::message(explanation),
        at: instant(validation.now),
        issuer: explanation.issuer.as_deref().map(plain),
        rule: explanation.rule.as_deref().map(plain),
        failed: explanation
            .first_failure()
            .map(|step| step.name.to_string()),
        steps: explanation.steps.iter().map(JsonStep::of).collect(),
        hint: denial.and_then(hint),
    };
    print_line(&escape_lines(&serde_json::to_string(&report)?));
    Ok(())
}

impl JsonStep {
    fn of(step: &Step) -> Self {
        let is_reached = step.outcome != StepOutcome::NotReached;
        Self {
            step: step.name.to_string(),
            result: match step.outcome {
                StepOutcome::Pass => "pass",
                StepOutcome::Fail(_) => "fail",
                StepOutcome::NotReached => "not_reached",
            },
            decisive: step.decisive,
            reason: match &step.outcome {
                StepOutcome::Fail(denial) => Some(Denial::code(denial)),
                StepOutcome::Pass | StepOutcome::NotReached => None,
            },
            found: is_reached.then(|| step.found.clone()),
            expected: is_reached.then(|| step.expected.clone()),
        }
    }
}
