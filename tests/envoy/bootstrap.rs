//! The bootstrap that Envoy starts with: `examples/envoy/envoy.yaml`, or what the chart of
//! `examples/kubernetes/sidecar` renders. So the tests check what users copy. Only addresses
//! differ, and beside its listener stands the same listener with one thing changed.
//!
//! An edit names a setting that the example must have: if it goes, the tests stop here.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// A door into the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// The example as it is.
    Example,
    /// Headers reach Watchword as a map, joined with commas.
    JoinedHeaders,
    /// A careless operator's listener: errors are allows, and nothing is normalised, removed or
    /// rejected.
    Careless,
    /// `Careless`, with headers as a map.
    CarelessJoined,
    /// The example, with a Watchword that is not there.
    Outage,
    /// `Careless`, with a Watchword that is not there.
    CarelessOutage,
    /// The example, with an HTTP/2 upstream, as gRPC needs it.
    Grpc,
    /// The example, with a route for a claim; each route says its name in [`CHOSEN_ROUTE`].
    Routed,
    /// `Routed`, with `clear_route_cache`.
    Rerouted,
    /// `Careless`, and nobody is asked: what reaches the service unless somebody is.
    Unchecked,
}

impl Listener {
    const ALL: [Self; 10] = [
        Self::Example,
        Self::JoinedHeaders,
        Self::Careless,
        Self::CarelessJoined,
        Self::Outage,
        Self::CarelessOutage,
        Self::Grpc,
        Self::Routed,
        Self::Rerouted,
        Self::Unchecked,
    ];

    /// Its name in the bootstrap, and the prefix of its statistics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Example => "example",
            Self::JoinedHeaders => "joined_headers",
            Self::Careless => "careless",
            Self::CarelessJoined => "careless_joined",
            Self::Outage => "outage",
            Self::CarelessOutage => "careless_outage",
            Self::Grpc => "grpc",
            Self::Routed => "routed",
            Self::Rerouted => "rerouted",
            Self::Unchecked => "unchecked",
        }
    }

    fn is_careless(self) -> bool {
        matches!(
            self,
            Self::Careless | Self::CarelessJoined | Self::CarelessOutage | Self::Unchecked
        )
    }
}

/// The addresses of the proxy's peers.
pub(crate) struct Peers {
    /// As Envoy writes addresses: see [`tcp`].
    pub(crate) watchword: Value,
    /// Refuses connections.
    pub(crate) nobody: SocketAddr,
    pub(crate) upstream_http1: SocketAddr,
    pub(crate) upstream_http2: SocketAddr,
}

/// Of a cluster.
pub(crate) const ADDRESS: &str = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
const HCM: &str = "/filter_chains/0/filters/0/typed_config";
const EXT_AUTHZ: &str = "/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config";
const ROUTES: &str = "/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";
/// The route that a request got, as the upstream sees it.
pub(crate) const CHOSEN_ROUTE: &str = "x-chosen-route";

/// The bootstrap of `examples/envoy`.
pub(crate) fn example() -> Value {
    serde_saphyr::from_str(include_str!("../../examples/envoy/envoy.yaml"))
        .expect("the example is YAML")
}

/// The address of a port.
pub(crate) fn tcp(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip(), "port_value": address.port()}})
}

/// This bootstrap with every listener of [`Listener::ALL`], all of them on free ports.
pub(crate) fn bootstrap(mut root: Value, peers: &Peers) -> Value {
    set(
        &mut root,
        "/admin/address/socket_address/port_value",
        json!(0),
    );

    let example = setting(&mut root, "/static_resources/listeners/0").clone();
    let listeners = Listener::ALL
        .iter()
        .map(|listener| variant(&example, *listener))
        .collect();
    set(
        &mut root,
        "/static_resources/listeners",
        Value::Array(listeners),
    );

    let watchword = setting(&mut root, "/static_resources/clusters/0").clone();
    let upstream = setting(&mut root, "/static_resources/clusters/1").clone();
    let mut upstream_http2 = cluster(&upstream, "upstream_http2", tcp(peers.upstream_http2));
    upstream_http2["typed_extension_protocol_options"] =
        watchword["typed_extension_protocol_options"].clone();
    let clusters = json!([
        cluster(&watchword, "watchword", peers.watchword.clone()),
        cluster(&upstream, "upstream", tcp(peers.upstream_http1)),
        cluster(&watchword, "nobody", tcp(peers.nobody)),
        upstream_http2,
    ]);
    set(&mut root, "/static_resources/clusters", clusters);
    root
}

fn variant(example: &Value, listener: Listener) -> Value {
    let mut edited = example.clone();
    set(&mut edited, "/name", json!(listener.name()));
    set(
        &mut edited,
        "/address",
        tcp(SocketAddr::from(([127, 0, 0, 1], 0))),
    );
    set(
        &mut edited,
        &format!("{HCM}/stat_prefix"),
        json!(listener.name()),
    );
    if listener.is_careless() {
        be_careless(&mut edited);
    }
    if matches!(listener, Listener::JoinedHeaders | Listener::CarelessJoined) {
        set(
            &mut edited,
            &format!("{EXT_AUTHZ}/encode_raw_headers"),
            json!(false),
        );
    }
    if matches!(listener, Listener::Outage | Listener::CarelessOutage) {
        let cluster = format!("{EXT_AUTHZ}/grpc_service/envoy_grpc/cluster_name");
        set(&mut edited, &cluster, json!("nobody"));
    }
    if listener == Listener::Unchecked {
        let filters = setting(&mut edited, &format!("{HCM}/http_filters"));
        filters
            .as_array_mut()
            .expect("the example has filters")
            .remove(0);
    }
    if listener == Listener::Grpc {
        for route in routes(&mut edited) {
            set(route, "/route/cluster", json!("upstream_http2"));
        }
    }
    if matches!(listener, Listener::Routed | Listener::Rerouted) {
        name_routes(&mut edited);
    }
    if listener == Listener::Rerouted {
        setting(&mut edited, EXT_AUTHZ)["clear_route_cache"] = json!(true);
    }
    edited
}

fn routes(listener: &mut Value) -> &mut Vec<Value> {
    let routes = setting(listener, ROUTES).as_array_mut();
    routes.expect("the example has routes")
}

/// The routes of the example, `reports` and `rest`, and before them `admin`, for those whose scope
/// is that.
fn name_routes(listener: &mut Value) {
    let routes = routes(listener);
    let scope = json!({"name": "x-auth-scope", "string_match": {"exact": "admin"}});
    let by_scope =
        json!({"match": {"prefix": "/", "headers": [scope]}, "route": routes[0]["route"]});
    routes.insert(0, by_scope);
    assert_eq!(routes.len(), 3, "the example has two routes");
    for (route, name) in routes.iter_mut().zip(["admin", "reports", "rest"]) {
        let header = json!({"header": {"key": CHOSEN_ROUTE, "value": name}});
        route["request_headers_to_add"] = json!([header]);
    }
}

fn be_careless(listener: &mut Value) {
    for (name, value) in [
        ("normalize_path", json!(false)),
        ("merge_slashes", json!(false)),
        ("path_with_escaped_slashes_action", json!("KEEP_UNCHANGED")),
        ("strip_any_host_port", json!(false)),
        ("strip_trailing_host_dot", json!(false)),
        ("early_header_mutation_extensions", json!([])),
        (
            "common_http_protocol_options/headers_with_underscores_action",
            json!("ALLOW"),
        ),
    ] {
        set(listener, &format!("{HCM}/{name}"), value);
    }
    set(
        listener,
        &format!("{EXT_AUTHZ}/failure_mode_allow"),
        json!(true),
    );
    set(
        listener,
        &format!("{EXT_AUTHZ}/validate_mutations"),
        json!(false),
    );
}

fn cluster(like: &Value, name: &str, address: Value) -> Value {
    let mut edited = like.clone();
    set(&mut edited, "/name", json!(name));
    set(&mut edited, "/load_assignment/cluster_name", json!(name));
    set(&mut edited, ADDRESS, address);
    edited
}

pub(crate) fn set(root: &mut Value, pointer: &str, value: Value) {
    *setting(root, pointer) = value;
}

fn setting<'a>(root: &'a mut Value, pointer: &str) -> &'a mut Value {
    root.pointer_mut(pointer)
        .unwrap_or_else(|| panic!("the example no longer has {pointer}"))
}
