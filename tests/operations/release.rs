//! A release of the chart: the configuration of its pods, and the settings of Envoy that its notes
//! print, both unchanged.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use watchword_test_support::bootstrap::{WATCHWORD, example, setting};
use watchword_test_support::free_ports;
use watchword_test_support::helm::{self, Chart};
use watchword_test_support::settings::key_set;

pub(crate) struct Release {
    values: Value,
    notes: String,
    pub(crate) ports: Ports,
}

/// The same on all addresses: DNS has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) grpc: u16,
    pub(crate) health: u16,
    pub(crate) admin: u16,
}

impl Release {
    /// Uses default values, except for ports and what a test must not share.
    pub(crate) fn new() -> Self {
        let [grpc, health, admin] = free_ports();
        let values = json!({
            "ports": {"grpc": grpc, "health": health, "admin": admin},
            "integrations": {"timeout": TIMEOUT},
            "config": {"issuers": {"corp": {
                "issuer": "https://idp.example.com", "audiences": ["orders-api"],
                "jwks": {"inline": key_set()},
                "headers": {"x-first": "one_first", "x-second": "one_second"},
            }}},
        });
        let notes = render(&values).notes;
        let ports = Ports {
            grpc,
            health,
            admin,
        };
        Self {
            values,
            notes,
            ports,
        }
    }

    /// The `ConfigMap` of the pod with this address.
    pub(crate) fn configuration(&self, address: Ipv4Addr) -> String {
        let mut values = self.values.clone();
        values["listenAddress"] = json!(address);
        let rendered = render(&values);
        let map = rendered.get("ConfigMap", "rel-watchword");
        let text = map["data"]["watchword.yaml"].as_str();
        text.expect("a configuration").to_owned()
    }

    /// The bootstrap of an Envoy: the example, with the settings for Watchword as the notes print
    /// them. This name server resolves names.
    pub(crate) fn envoy(&self, dns: SocketAddr, upstream: SocketAddr) -> Value {
        let mut root = example(upstream);
        *setting(&mut root, WATCHWORD) = self.cluster();
        let manager = setting(&mut root, MANAGER);
        let mut own = self.yaml("normalize_path: true");
        for name in ["@type", "stat_prefix", "use_remote_address", "route_config"] {
            own[name] = manager[name].take();
        }
        let filter = self.yaml("- name: envoy.filters.http.ext_authz")[0].take();
        own["http_filters"] = json!([filter, manager["http_filters"][1]]);
        *manager = own;
        root["typed_dns_resolver_config"] = resolver(dns);
        root
    }

    pub(crate) fn cluster(&self) -> Value {
        self.yaml("- name: watchword")[0].take()
    }

    fn yaml(&self, start: &str) -> Value {
        helm::yaml_in_notes(&self.notes, start)
    }
}

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

/// `integrations.timeout`: longer than the default, so that a busy machine is in time.
const TIMEOUT: &str = "2s";

fn render(values: &Value) -> helm::Rendered {
    let rendered = Chart::watchword().render(values);
    rendered.unwrap_or_else(|problem| panic!("{problem}"))
}

/// Asks this server, and for the name as it stands.
fn resolver(dns: SocketAddr) -> Value {
    json!({
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [{"socket_address": {"address": dns.ip(), "port_value": dns.port()}}],
            "dns_resolver_options": {"no_default_search_domain": true},
        },
    })
}
