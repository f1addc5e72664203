//! Characters that control a terminal or a log viewer are escaped in both logs.

use proptest::prelude::*;
use serde_json::{Value, json};
use watchword::escape::is_active;
use watchword::telemetry::{DecisionEvent, DecisionOutcome, log_subscriber};
use watchword_test_support::mint;

use crate::scene::{config, decision, telemetry, text, verified};
use crate::sink::Sink;

/// Bytes that end lines, control terminals, reverse text, or are invisible.
const ACTIVE: &str = "\0\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{200b}\u{200e}\u{2028}\u{2029}\u{202e}\u{2066}\u{feff}\u{e0041}";

fn any_text() -> impl Strategy<Value = String> {
    let active: Vec<char> = ACTIVE.chars().collect();
    let character = prop_oneof![any::<char>(), prop::sample::select(active)];
    prop::collection::vec(character, 0..30).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_claim_in_the_decision_log_means_the_same_and_acts_on_nothing(
        texts in prop::collection::vec((any_text(), any_text()), 1..20)
    ) {
        let sections = "log: {decisions: {policy: all, hash_claims: false, claims: [sub, org]}}";
        let (telemetry, log) = telemetry(sections);
        for (sub, name) in &texts {
            let mut claims = mint::claims(1_700_000_000);
            claims["sub"] = json!(sub);
            claims["org"] = json!({ name: [sub] });
            let token = verified(&claims);
            let told = DecisionEvent { token: Some(&token), ..decision(DecisionOutcome::Allowed) };
            telemetry.record(&told);
        }
        drop(telemetry);
        let log = text(log);
        let lines: Vec<&str> = log.split_terminator('\n').collect();
        prop_assert_eq!(lines.len(), texts.len());
        for (line, (sub, name)) in lines.iter().zip(&texts) {
            prop_assert!(!line.chars().any(is_active), "{line:?}");
            let line: Value = serde_json::from_str(line).unwrap();
            prop_assert_eq!(&line["claims"]["sub"], &json!(sub));
            prop_assert_eq!(&line["claims"]["org"], &json!({ name: [sub] }));
        }
    }
}

#[test]
fn a_line_of_the_operational_log_is_one_line_and_acts_on_nothing() {
    for format in ["text", "json"] {
        let config = config(&format!("log: {{format: {format}}}"));
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = log_subscriber(&config.log, move || writer.clone(), false);
        let shown = "seen \u{e9}";
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(text = ACTIVE, display = %ACTIVE, debug = ?ACTIVE, "{ACTIVE} {shown}");
            tracing::warn!("the next");
        });
        let log = sink.text();
        let lines: Vec<&str> = log.split_terminator('\n').collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(lines[0].contains(shown), "{log}");
        assert!(
            !lines.iter().any(|line| line.chars().any(is_active)),
            "{log:?}"
        );
        if format == "json" {
            let line: Value = serde_json::from_str(lines[0]).unwrap();
            assert_eq!(line["display"], json!(ACTIVE));
            assert_eq!(line["message"], json!(format!("{ACTIVE} {shown}")));
        }
    }
}
