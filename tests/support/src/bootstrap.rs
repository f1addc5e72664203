//! The bootstrap that Envoy starts with: the example of `examples/envoy`, with Watchwords behind
//! TLS and health checks.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

/// The listener's name.
pub const INGRESS: &str = "ingress";

/// The cluster of Watchword.
pub const WATCHWORD: &str = "/static_resources/clusters/0";

const UPSTREAM_TLS: &str =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

/// The example, on free ports, in front of this service.
pub fn example(upstream: SocketAddr) -> Value {
    let mut root: Value =
        serde_saphyr::from_str(include_str!("../../../examples/envoy/envoy.yaml"))
            .expect("the example is YAML");
    for pointer in [
        "/admin/address/socket_address/port_value",
        "/static_resources/listeners/0/address/socket_address/port_value",
    ] {
        *setting(&mut root, pointer) = json!(0);
    }
    let endpoints = "/static_resources/clusters/1/load_assignment/endpoints/0/lb_endpoints";
    *setting(&mut root, endpoints) = json!([endpoint(upstream)]);
    root
}

pub fn bootstrap(watchwords: &[SocketAddr], ca: &Path, upstream: SocketAddr) -> Value {
    let mut root = example(upstream);
    let watchword = setting(&mut root, WATCHWORD);
    let endpoints: Vec<Value> = watchwords
        .iter()
        .map(|address| endpoint(*address))
        .collect();
    watchword["load_assignment"]["endpoints"][0]["lb_endpoints"] = json!(endpoints);
    // A busy machine connects slowly.
    watchword["connect_timeout"] = json!("2s");
    // By default, Envoy applies changes of health a second late; the drain of a real server is
    // longer.
    watchword["common_lb_config"] =
        json!({"healthy_panic_threshold": {"value": 0}, "update_merge_window": "0s"});
    watchword["health_checks"] = json!([{
        "timeout": "1s", "interval": "0.1s",
        "no_traffic_interval": "0.1s", "unhealthy_interval": "0.1s",
        "unhealthy_threshold": 1, "healthy_threshold": 1,
        "grpc_health_check": {"authority": "watchword"},
    }]);
    watchword["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": UPSTREAM_TLS,
            "sni": "localhost",
            "common_tls_context": {"validation_context": {
                "trusted_ca": {"filename": ca},
                "match_typed_subject_alt_names":
                    [{"san_type": "DNS", "matcher": {"exact": "localhost"}}],
            }},
        },
    });
    root
}

fn endpoint(address: SocketAddr) -> Value {
    let socket = json!({"address": address.ip(), "port_value": address.port()});
    json!({"endpoint": {"address": {"socket_address": socket}}})
}

pub fn setting<'a>(root: &'a mut Value, pointer: &str) -> &'a mut Value {
    root.pointer_mut(pointer)
        .unwrap_or_else(|| panic!("the example no longer has {pointer}"))
}
