//! Traces: the spans of decisions, and collectors that fail.

use std::time::Duration;

use tonic::transport::Identity;
use watchword::clock::Stopwatch;
use watchword::telemetry::{
    DecisionEvent, DecisionOutcome, Door, RequestId, Telemetry, TraceContext,
};
use watchword::token::Denial;
use watchword::wire::opentelemetry::proto::common::v1::{KeyValue, any_value};
use watchword::wire::opentelemetry::proto::trace::v1::span::SpanKind;
use watchword_test_support::otlp_collector::{Answer, Collector};
use watchword_test_support::{mint, pki};

use crate::scene::{decision, expired, lines, telemetry, value, verified};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: [u8; 16] = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
const PARENT_ID: [u8; 8] = 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes();

/// A decision in a trace that its caller records.
fn sampled(outcome: DecisionOutcome<'_>) -> DecisionEvent<'_> {
    DecisionEvent {
        trace: TraceContext::parse(PARENT.as_bytes(), Some(b"rojo=1")),
        ..decision(outcome)
    }
}

fn unsampled(outcome: DecisionOutcome<'_>) -> DecisionEvent<'_> {
    let parent = PARENT.replace("-01", "-00");
    DecisionEvent {
        trace: TraceContext::parse(parent.as_bytes(), Some(b"rojo=1")),
        ..decision(outcome)
    }
}

fn traces(endpoint: &str, more: &str) -> String {
    format!("traces: {{otlp: {{endpoint: '{endpoint}'{more}}}}}")
}

fn text(attributes: &[KeyValue]) -> Vec<String> {
    let text = |attribute: &KeyValue| match attribute.value.clone().unwrap().value.unwrap() {
        any_value::Value::StringValue(text) => format!("{}={text}", attribute.key),
    };
    attributes.iter().map(text).collect()
}

fn dropped(telemetry: &Telemetry, cause: &str) -> f64 {
    let series = format!("watchword_spans_dropped_total{{cause=\"{cause}\"}}");
    value(&telemetry.metrics, &series).unwrap()
}

fn exported(telemetry: &Telemetry) -> f64 {
    value(&telemetry.metrics, "watchword_spans_exported_total").unwrap()
}

#[tokio::test]
async fn a_sampled_decision_becomes_a_span_of_its_callers_trace() {
    let mut collector = Collector::start(Answer::But(0), None);
    let (telemetry, _log) = telemetry(&traces(&format!("http://127.0.0.1:{}", collector.port), ""));
    assert!(telemetry.uses_trace_context());
    let token = verified(&mint::claims(1_700_000_000));
    let denial = expired();
    telemetry.record(&DecisionEvent {
        token: Some(&token),
        request_id: RequestId::new(b"their-id"),
        ..sampled(DecisionOutcome::Denied(&denial))
    });
    telemetry.flush().await;
    let (_, mut request) = collector.next().await;
    let mut sender = request.resource_spans.remove(0);
    let resource = text(&sender.resource.unwrap().attributes);
    assert_eq!(resource[0], "service.name=watchword");
    let mut scope = sender.scope_spans.remove(0);
    assert_eq!(scope.scope.unwrap().name, "watchword");
    let span = scope.spans.remove(0);
    assert_eq!(span.trace_id[..], TRACE_ID);
    assert_eq!(span.parent_span_id[..], PARENT_ID);
    assert_eq!((span.trace_state.as_str(), span.flags), ("rojo=1", 0x301));
    assert!(span.span_id.len() == 8 && span.span_id[..] != PARENT_ID);
    assert_eq!(
        (span.name.as_str(), span.kind()),
        ("watchword.check", SpanKind::Server)
    );
    assert_eq!(span.end_time_unix_nano, 1_700_000_000_125_000_000);
    assert_eq!(
        span.end_time_unix_nano - span.start_time_unix_nano,
        1_500_000
    );
    assert_eq!(span.status, None, "a denial is no error");
    let expected = [
        "watchword.verdict=deny",
        "watchword.reason=token_expired",
        "watchword.mode=enforce",
        "watchword.rule=admin",
        "watchword.issuer=corp",
    ];
    assert_eq!(text(&span.attributes), expected);
    let all = format!("{span:?}");
    assert!(!all.contains("alice") && !all.contains("their-id"), "{all}");
    assert_eq!((scope.spans.len(), exported(&telemetry)), (0, 1.0));
}

#[tokio::test]
async fn an_unsampled_decision_makes_no_span() {
    let mut collector = Collector::start(Answer::But(0), None);
    let (telemetry, _log) = telemetry(&traces(&format!("http://127.0.0.1:{}", collector.port), ""));
    telemetry.record(&unsampled(DecisionOutcome::Allowed));
    // Nor does one without a context, by default.
    telemetry.record(&decision(DecisionOutcome::Allowed));
    telemetry.record(&DecisionEvent {
        door: Door::Validate,
        ..sampled(DecisionOutcome::Anonymous)
    });
    telemetry.flush().await;
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert_eq!(spans[0].name, "watchword.validate");
}

#[tokio::test]
async fn without_a_context_the_ratio_decides_and_the_log_names_the_trace() {
    let mut collector = Collector::start(Answer::But(0), None);
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let config = format!(
        "traces: {{otlp: {{endpoint: '{endpoint}'}}, sample_ratio: 1, service_name: gate}}\n\
         log: {{decisions: {{policy: all}}}}"
    );
    let (telemetry, log) = telemetry(&config);
    let denial = Denial::JwksUnavailable;
    telemetry.record(&decision(DecisionOutcome::Denied(&denial)));
    telemetry.record(&unsampled(DecisionOutcome::Allowed));
    telemetry.flush().await;
    drop(telemetry);
    let lines = lines(log);
    let spans = collector.spans();
    assert_eq!(
        spans.len(),
        1,
        "a caller that does not record has the last word"
    );
    let (span, id) = (&spans[0], &spans[0].trace_id);
    assert!(span.parent_span_id.is_empty() && span.flags == 0x101);
    assert_eq!(
        span.status.unwrap().code,
        2,
        "keys that are not there are an error"
    );
    let id = u128::from_be_bytes(id[..].try_into().unwrap());
    assert_eq!(lines[0]["trace_id"], format!("{id:032x}"));
    assert_eq!(lines[1]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn headers_are_sent_over_tls_to_a_trusted_collector_and_to_no_other() {
    let (certificate, key) = pki::Identity::server().pem_files("collector");
    let identity = Identity::from_pem(
        std::fs::read(certificate).unwrap(),
        std::fs::read(key).unwrap(),
    );
    let mut collector = Collector::start(Answer::But(0), Some(identity));
    let to = |ca: &std::path::Path| {
        let more = format!(", ca: '{}', headers: {{x-tenant: one}}", ca.display());
        telemetry(&traces(
            &format!("https://localhost:{}", collector.port),
            &more,
        ))
        .0
    };
    let (trusting, distrusting) = (to(pki::ca_file()), to(pki::stranger_ca_file()));
    distrusting.record(&sampled(DecisionOutcome::Allowed));
    distrusting.flush().await;
    assert_eq!(
        (exported(&distrusting), dropped(&distrusting, "not_sent")),
        (0.0, 1.0)
    );
    trusting.record(&sampled(DecisionOutcome::Allowed));
    trusting.flush().await;
    let (headers, _) = collector.next().await;
    assert_eq!(headers.get("x-tenant").unwrap(), "one");
    assert_eq!(
        (exported(&trusting), dropped(&trusting, "not_sent")),
        (1.0, 0.0)
    );
    assert!(collector.spans().is_empty());
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    // A port that nobody listens on.
    let port = Collector::start(Answer::But(0), None).port;
    let (telemetry, _log) = telemetry(&traces(&format!("http://127.0.0.1:{port}"), ""));
    let clock = Stopwatch::start();
    for _ in 0..5000 {
        telemetry.record(&sampled(DecisionOutcome::Allowed));
    }
    // The task that sends has not run yet: this test has one thread.
    assert_eq!(dropped(&telemetry, "queue_full"), 5000.0 - 2048.0);
    telemetry.flush().await;
    assert!(
        clock.elapsed() < Duration::from_secs(15),
        "{:?}",
        clock.elapsed()
    );
    assert!(dropped(&telemetry, "not_sent") >= 512.0);
    assert_eq!(exported(&telemetry), 0.0);
    let series = "watchword_decision_duration_seconds_count{door=\"check\"}";
    assert_eq!(value(&telemetry.metrics, series), Some(5000.0));
}

#[tokio::test]
async fn spans_that_a_collector_refuses_are_counted() {
    for (answer, kept, lost) in [(Answer::But(2), 1.0, 2.0), (Answer::Unavailable, 0.0, 3.0)] {
        let collector = Collector::start(answer, None);
        let (telemetry, _log) =
            telemetry(&traces(&format!("http://127.0.0.1:{}", collector.port), ""));
        for _ in 0..3 {
            telemetry.record(&sampled(DecisionOutcome::Allowed));
        }
        telemetry.flush().await;
        assert_eq!(
            (exported(&telemetry), dropped(&telemetry, "not_sent")),
            (kept, lost)
        );
    }
}

#[tokio::test]
async fn a_collector_that_says_nothing_is_given_up_after_the_timeout() {
    let mut collector = Collector::start(Answer::Silence, None);
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let (telemetry, _log) = telemetry(&traces(&endpoint, ", timeout: 100ms"));
    telemetry.record(&sampled(DecisionOutcome::Allowed));
    telemetry.flush().await;
    collector.next().await;
    assert_eq!(
        (exported(&telemetry), dropped(&telemetry, "not_sent")),
        (0.0, 1.0)
    );
}
