//! The explanation for people: the verdict, one line per step, and the next step.

use anstyle::{AnsiColor, Style};

use crate::escape::Escaped;
use crate::explain::{Explanation, Step, StepOutcome, instant, plain};
use crate::request::Request;
use crate::token::UnixTime;

use super::super::print_line;

pub(super) fn print(
    explanation: &Explanation,
    request: &Request<'_>,
    hint: Option<&str>,
    now: UnixTime,
) {
    print_line(&verdict(explanation));
    print_line(&format!("{}\n", circumstances(explanation, request, now)));
    let steps = &explanation.steps;
    let width = steps.iter().map(|step| step.name.chars().count()).max();
    let width = width.unwrap_or_default();
    let (decisive, others): (Vec<&Step>, Vec<&Step>) = steps.iter().partition(|step| step.decisive);
    for step in decisive {
        print_line(&line(step, width, Style::new()));
    }
    if !others.is_empty() {
        print_line("\nNot decisive:");
    }
    for step in others {
        print_line(&line(step, width, Style::new().dimmed()));
    }
    if let Some(hint) = hint {
        print_line(&format!("\nNext: {hint}"));
    }
}

fn verdict(explanation: &Explanation) -> String {
    let (colour, verdict) = match &explanation.denial {
        None => (AnsiColor::Green, "ALLOW".to_owned()),
        Some(denial) => (
            AnsiColor::Red,
            format!("DENY {}", denial.class().http_status()),
        ),
    };
    let (style, reason) = (colour.on_default().bold(), explanation.reason);
    let shadow = if explanation.shadow && explanation.denial.is_some() {
        " (shadow mode: only reported, and the request passes)"
    } else {
        ""
    };
    format!(
        "{style}{verdict} {reason}{style:#}: {}{shadow}",
        Escaped(&message(explanation))
    )
}

/// The verdict in words, as a client gets it.
pub(super) fn message(explanation: &Explanation) -> String {
    match &explanation.denial {
        Some(denial) => denial.to_string(),
        None if explanation.reason == crate::authenticator::Verdict::ANONYMOUS => {
            "the request needs no token".to_owned()
        }
        None => "the token is valid, and sufficient".to_owned(),
    }
}

/// The request, the time, the issuer and the rule.
fn circumstances(explanation: &Explanation, request: &Request<'_>, now: UnixTime) -> String {
    let shown = |bytes: &[u8]| plain(&String::from_utf8_lossy(bytes));
    // A query may hold a token.
    let path = request.path.split(|byte| *byte == b'?').next();
    let (method, path) = (shown(request.method), shown(path.unwrap_or_default()));
    let mut parts = vec![format!("{method} {path}")];
    if !request.host.is_empty() {
        parts.push(format!("host {}", shown(request.host)));
    }
    parts.push(format!("at {}", instant(now)));
    for (what, name) in [("issuer", &explanation.issuer), ("rule", &explanation.rule)] {
        let name = name.as_deref().map(plain);
        parts.extend(name.map(|name| format!("{what} {name}")));
    }
    parts.join(", ")
}

fn line(step: &Step, width: usize, plain: Style) -> String {
    let (mark, style) = match (&step.outcome, step.decisive) {
        (StepOutcome::Pass, true) => ("pass", AnsiColor::Green.on_default()),
        (StepOutcome::Fail(_), true) => ("FAIL", AnsiColor::Red.on_default().bold()),
        (StepOutcome::Pass, false) => ("pass", plain),
        (StepOutcome::Fail(_), false) => ("fail", AnsiColor::Yellow.on_default()),
        (StepOutcome::NotReached, _) => ("-", plain),
    };
    let text = match &step.outcome {
        StepOutcome::Pass => step.found.clone(),
        StepOutcome::Fail(_) => format!("{} (expected: {})", step.found, step.expected),
        StepOutcome::NotReached => "not reached".to_owned(),
    };
    let (name, text) = (Escaped(&step.name).to_string(), Escaped(&text));
    format!("{style}{mark:4}{style:#}  {plain}{name:width$}  {text}{plain:#}")
}
