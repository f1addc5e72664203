//! Counters and gauges: their names, labels and changes.

use std::sync::Arc;
use std::time::Duration;

use watchword::telemetry::{
    CallStats, DecisionEvent, DecisionOutcome, Door, Exposition, Metrics, RequestId, ServerStats,
    TraceContext,
};
use watchword::token::{Denial, UnixTime};
use watchword_test_support::mint;

use crate::lint;
use crate::scene::{CORP, NOW, decision, expired, page, telemetry, value, verified};

const CERTIFICATE: &str = r#"watchword_tls_certificate_expiry_timestamp_seconds{listener="grpc"}"#;

/// Metrics that have all changed.
fn moved() -> Metrics {
    let metrics = Metrics::default();
    let denial = expired();
    metrics.record(&decision(DecisionOutcome::Denied(&denial)));
    metrics.token_cache_hits.inc();
    metrics.token_cache_misses.inc();
    metrics.overloaded.inc();
    metrics.key_waits.inc();
    metrics.panics.inc();
    metrics.count_stale();
    metrics.config_loaded(UnixTime::from_secs(NOW));
    metrics.set_shadow(true);
    metrics.certificate_expires("grpc", UnixTime::from_secs(NOW));
    metrics.read_server_stats_with(|| ServerStats {
        calls: Some(CallStats {
            token_cache_entries: 7,
            in_flight: 3,
        }),
        connections_open: 5,
        connections_refused: 2,
        connections_never_opened: 4,
    });
    metrics
}

#[test]
fn names_units_and_texts_are_as_prometheus_wants_them() {
    let page = page(&moved(), Exposition::Classic);
    assert_eq!(lint::problems(&page), [""; 0], "{page}");
    let reference = include_str!("../../docs/metrics.md").replace('…', "watchword_token_cache");
    let names = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in names {
        assert!(
            reference.contains(&format!("`{name}`")),
            "{name} is not in docs/metrics.md"
        );
    }
}

/// Series and values after [`moved`].
const EXPECTED: &str = r#"
watchword_decisions_total{door="check",issuer="corp",rule="admin",verdict="deny",reason="token_expired",mode="enforce"} 1
watchword_decision_duration_seconds_count{door="check"} 1
watchword_decision_duration_seconds_count{door="validate"} 0
watchword_decision_duration_seconds_bucket{le="0.001",door="check"} 0
watchword_decision_duration_seconds_bucket{le="0.0025",door="check"} 1
watchword_token_cache_hits_total 1
watchword_token_cache_misses_total 1
watchword_token_cache_entries 7
watchword_in_flight 3
watchword_connections 5
watchword_connections_turned_away_total{cause="too_many"} 2
watchword_connections_turned_away_total{cause="never_opened"} 4
watchword_overloaded_total 1
watchword_key_waits_total 1
watchword_panics_total 1
watchword_jwks_stale_decisions_total 1
watchword_config_reloads_total{outcome="accepted"} 0
watchword_config_reloads_total{outcome="refused"} 0
watchword_config_last_reload_successful 1
watchword_config_last_reload_timestamp_seconds 1700000000.125
watchword_shadow 1
watchword_tls_certificate_expiry_timestamp_seconds{listener="grpc"} 1700000000.125
watchword_log_lines_dropped_total{log="operational"} 0
watchword_log_lines_dropped_total{log="decisions"} 0
watchword_log_lines_suppressed_total 0
watchword_spans_exported_total 0
watchword_spans_dropped_total{cause="queue_full"} 0
watchword_spans_dropped_total{cause="not_sent"} 0
"#;

#[test]
fn every_metric_has_its_name_and_labels() {
    let metrics = moved();
    let page = page(&metrics, Exposition::Classic);
    for line in EXPECTED.trim().lines() {
        assert!(
            page.lines().any(|other| other == line),
            "no {line} in {page}"
        );
    }
    let version = format!(
        "watchword_build_info{{version=\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(value(&metrics, &version), Some(1.0));
    assert_eq!(
        value(&Metrics::default(), CERTIFICATE),
        None,
        "no certificate, no time"
    );
    assert_eq!(value(&metrics, CERTIFICATE), Some(NOW));
}

#[test]
fn reloads_are_told_apart() {
    let metrics = moved();
    metrics.config_refused();
    let outcome = |outcome| {
        let series = format!("watchword_config_reloads_total{{outcome=\"{outcome}\"}}");
        value(&metrics, &series).unwrap()
    };
    let successful = || value(&metrics, "watchword_config_last_reload_successful").unwrap();
    let time = || value(&metrics, "watchword_config_last_reload_timestamp_seconds").unwrap();
    assert_eq!((outcome("accepted"), outcome("refused")), (0.0, 1.0));
    assert_eq!((successful(), time()), (0.0, NOW));
    metrics.config_accepted(UnixTime::from_secs(NOW + 60.0));
    assert_eq!((outcome("accepted"), outcome("refused")), (1.0, 1.0));
    assert_eq!((successful(), time()), (1.0, NOW + 60.0));
}

/// The catalogue's OPS-03.
#[test]
fn labels_do_not_grow_with_tokens_subjects_or_requests() {
    let (telemetry, _log) = telemetry("");
    let series = || {
        page(&telemetry.metrics, Exposition::Classic)
            .lines()
            .count()
    };
    let denial = expired();
    telemetry.record(&decision(DecisionOutcome::Denied(&denial)));
    telemetry.record(&decision(DecisionOutcome::Allowed));
    let before = series();
    let trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for number in 0_u32..500 {
        let id = format!("id-{number}");
        let mut claims = mint::claims(1_700_000_000);
        claims["sub"] = format!("subject-{number}").into();
        let token = (number < 20).then(|| verified(&claims));
        let ago = Duration::from_secs(number.into());
        let denial = Denial::TokenExpired { ago };
        for outcome in [DecisionOutcome::Allowed, DecisionOutcome::Denied(&denial)] {
            telemetry.record(&DecisionEvent {
                token: token.as_ref(),
                request_id: RequestId::new(id.as_bytes()),
                trace: TraceContext::parse(trace, None),
                at: UnixTime::from_secs(NOW + f64::from(number)),
                latency: Duration::from_micros(number.into()),
                ..decision(outcome)
            });
        }
    }
    assert_eq!(series(), before);
    let other: Arc<str> = "other".into();
    telemetry.record(&DecisionEvent {
        rule: Some(&other),
        ..decision(DecisionOutcome::Allowed)
    });
    assert_eq!(
        series(),
        before + 1,
        "only another name of the configuration adds one"
    );
}

/// The catalogue's OPS-04.
#[test]
fn every_denial_has_one_reason_and_all_decisions_are_counted() {
    let (telemetry, _log) = telemetry("");
    let denials = Denial::samples();
    for denial in &denials {
        telemetry.record(&decision(DecisionOutcome::Denied(denial)));
    }
    telemetry.record(&decision(DecisionOutcome::Allowed));
    telemetry.record(&DecisionEvent {
        door: Door::Validate,
        issuer: None,
        ..decision(DecisionOutcome::Anonymous)
    });
    let page = page(&telemetry.metrics, Exposition::Classic);
    let counted = page
        .lines()
        .filter(|line| line.starts_with("watchword_decisions_total{"));
    let counted: Vec<&str> = counted.collect();
    assert_eq!(counted.len(), denials.len() + 2);
    for line in &counted {
        assert!(line.ends_with("} 1"), "{line}");
    }
    for denial in &denials {
        let reason = format!("verdict=\"deny\",reason=\"{}\"", denial.code());
        let lines = counted.iter().filter(|line| line.contains(&reason));
        assert_eq!(lines.count(), 1, "{reason}");
    }
}

#[test]
fn shadow_mode_counts_allows_under_the_reason_of_the_denial() {
    let (telemetry, _log) = telemetry("");
    let denial = expired();
    telemetry.record(&DecisionEvent {
        shadow: true,
        issuer: Some(&CORP),
        rule: None,
        ..decision(DecisionOutcome::Shadowed(&denial))
    });
    let series = "watchword_decisions_total{door=\"check\",issuer=\"corp\",rule=\"\",\
                  verdict=\"allow\",reason=\"token_expired\",mode=\"shadow\"}";
    assert_eq!(value(&telemetry.metrics, series), Some(1.0));
}
