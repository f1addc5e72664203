//! The settings for a plain Envoy, as the notes print them and as the named templates render them
//! for charts that depend on this one: timeouts that fit each other, and the ejection of pods that
//! accept no connections.
//!
//! `tests/operations` runs them.

use serde_json::{Value, json};
use watchword_test_support::helm::{self, Chart};

use crate::cases;

watchword_test_support::tests![
    two_failed_connections_back_offs_and_an_answer_fit_into_the_timeout,
    charts_that_depend_on_this_one_get_a_connect_timeout_for_their_timeout,
    pods_that_take_no_connections_are_left_out_and_answers_never_count,
    envoy_in_the_same_pod_does_not_leave_its_only_server_out,
    notes_say_how_long_envoy_may_use_an_old_address,
];

/// Envoy's back-offs before two retries, at most: 25 and 50 milliseconds.
const BACK_OFFS: f64 = 0.075;

/// The filter and the cluster of the notes.
fn printed(more: &Value) -> (Value, Value) {
    let notes = cases::rendered_with(more).notes;
    let item = |start: &str| helm::yaml_in_notes(&notes, start)[0].take();
    let filter = item("- name: envoy.filters.http.ext_authz");
    (filter, item("- name: watchword"))
}

/// The cluster of the named template with these options, in the syntax of templates.
fn cluster(options: &str) -> Result<Value, String> {
    let template = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  cluster: |\n    \
         {{{{- include \"watchword.envoy.cluster\" (list . (dict {options})) | nindent 4 }}}}\n"
    );
    let values = json!({"config": cases::config(), "extraObjects": [template]});
    let rendered = Chart::watchword().render(&values)?;
    let text = rendered.get("ConfigMap", "a")["data"]["cluster"].clone();
    Ok(serde_saphyr::from_str(text.as_str().unwrap()).unwrap())
}

fn seconds(text: &Value) -> f64 {
    let text = text.as_str().unwrap();
    text.strip_suffix('s').unwrap().parse().unwrap()
}

fn two_failed_connections_back_offs_and_an_answer_fit_into_the_timeout() {
    for timeout in ["200ms", "250ms", "333ms", "1s", "1500ms", "10s"] {
        let (filter, cluster) = printed(&json!({"integrations": {"timeout": timeout}}));
        let service = &filter["typed_config"]["grpc_service"];
        let policy = &service["retry_policy"];
        assert_eq!(policy["num_retries"], 2);
        assert_eq!(policy["retry_back_off"]["base_interval"], "0.025s");
        let (whole, connect) = (
            seconds(&service["timeout"]),
            seconds(&cluster["connect_timeout"]),
        );
        let left = whole - 2.0 * connect - BACK_OFFS;
        assert!(
            left >= 0.1 * whole,
            "{timeout}: {left}s are left for an answer"
        );
        assert!(connect >= 0.2 * whole, "{timeout}: {connect}s is hasty");
    }
}

fn charts_that_depend_on_this_one_get_a_connect_timeout_for_their_timeout() {
    let connect = |options: &str| cluster(options).unwrap()["connect_timeout"].clone();
    assert_eq!(connect(""), "0.25s", "the filter's default is 1s");
    assert_eq!(connect(r#""timeout" "0.25s""#), "0.0625s");
    assert_eq!(connect(r#""timeout" "2s" "connectTimeout" "0.1s""#), "0.1s");
    for timeout in ["250ms", "1m", "soon"] {
        let problem = cluster(&format!("\"timeout\" \"{timeout}\"")).unwrap_err();
        assert!(
            problem.contains("expected seconds, such as 0.25s"),
            "{problem}"
        );
    }
}

fn pods_that_take_no_connections_are_left_out_and_answers_never_count() {
    let (filter, cluster) = printed(&json!({}));
    let detection = &cluster["outlier_detection"];
    assert_eq!(detection["split_external_local_origin_errors"], true);
    assert_eq!(detection["consecutive_local_origin_failure"], 5);
    assert_eq!(
        detection["max_ejection_percent"], 50,
        "one of two pods stays"
    );
    for by_answers in [
        "enforcing_consecutive_5xx",
        "enforcing_success_rate",
        "enforcing_local_origin_success_rate",
    ] {
        assert_eq!(detection[by_answers], 0, "{by_answers}");
    }
    let policy = &filter["typed_config"]["grpc_service"]["retry_policy"];
    let predicate = &policy["retry_host_predicate"][0]["name"];
    assert_eq!(predicate, "envoy.retry_host_predicates.previous_hosts");
    assert_eq!(
        cluster["circuit_breakers"]["thresholds"][0]["max_retries"],
        1024
    );
}

fn envoy_in_the_same_pod_does_not_leave_its_only_server_out() {
    for listen in ["unix", "loopback"] {
        let sidecar = json!({"enabled": true, "listen": listen});
        let (_, cluster) = printed(&json!({"mode": "none", "sidecar": sidecar}));
        assert_eq!(cluster["type"], "STATIC");
        assert!(cluster.get("outlier_detection").is_none(), "{cluster}");
    }
}

fn notes_say_how_long_envoy_may_use_an_old_address() {
    let notes = cases::rendered_with(&json!({"headlessService": {"dnsSeconds": 7}})).notes;
    let sum = "for 17s after Kubernetes stops the pod:\n7 (headlessService.dnsSeconds) + 5";
    assert!(notes.contains(sum), "{notes}");
    let (_, cluster) = printed(&json!({}));
    assert_eq!(cluster["type"], "STRICT_DNS");
    // Then Envoy looks names up every 5 seconds.
    assert!(cluster.get("respect_dns_ttl").is_none(), "{cluster}");
    assert!(cluster.get("dns_refresh_rate").is_none(), "{cluster}");
}
