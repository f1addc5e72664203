//! What Envoy needs to ask the Watchword of one configuration, as YAML to paste: the settings of
//! `examples/envoy/envoy.yaml`, with this configuration's names and address.
//!
//! Text from the checked configuration only. No secret, and no file but by its name, is in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::config::{CallerSecret, Config};
use crate::jwks::{Source, Wait};
use crate::listen::ListenAddress;
use crate::policy::HeaderName;

/// The shortest time that a check is given.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How Envoy names Watchword to it: a valid authority, which the name of a cluster may not be.
const AUTHORITY: &str = "watchword.internal";

const HEAD: &str = r"# For Envoy 1.36 to 1.40. Put what is below `http_connection_manager` into the typed_config of the
# HttpConnectionManager, and what is below `clusters` into static_resources. examples/envoy/envoy.yaml
# says why each setting is there. In `route_config`, use `path_separated_prefix` for a prefix other
# than `/`: like the prefixes of rules, it takes whole segments.
http_connection_manager:
  normalize_path: true
  merge_slashes: true
  path_with_escaped_slashes_action: REJECT_REQUEST
  strip_any_host_port: true
  strip_trailing_host_dot: true
  common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}
";

const EARLY: &str = r#"  # Envoy chooses a route before it asks Watchword. By then, these headers are gone.
  early_header_mutation_extensions:
  - name: envoy.http.early_header_mutation.header_mutation
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation
      mutations:
"#;

const FILTER: &str = r#"  http_filters:
  # The first filter; the router stays the last.
  - name: envoy.filters.http.ext_authz
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
      transport_api_version: V3
      # If Watchword cannot be asked, nobody passes.
      failure_mode_allow: false
      status_on_error: {code: ServiceUnavailable}
      encode_raw_headers: true
      validate_mutations: true
"#;

const CLEAR: &str = r"      # If routes match on a header that Watchword sets, let Envoy choose the route again after the
      # check. The check was made for the first route: both need this filter, with the same
      # `context_extensions`.
      # clear_route_cache: true
";

const RETRY_HOST_PREDICATE: &str = r#"          # A retry goes to another server, if there are several.
          retry_host_predicate:
          - name: envoy.retry_host_predicates.previous_hosts
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate
          host_selection_retry_max_attempts: 5
"#;

const CLUSTER_SETTINGS: &str = r#"  type: STATIC
  # Envoy's default is 3 retries at a time, so that a restart under load would lose requests.
  circuit_breakers: {thresholds: [{max_retries: 1024}]}
  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config:
        http2_protocol_options:
          connection_keepalive: {interval: 30s, timeout: 5s}
  load_assignment:
    cluster_name: watchword
    endpoints:
    - lb_endpoints:
"#;

const CLIENT_CERTIFICATE: &str = "        tls_certificates:
        - certificate_chain: {filename: /etc/envoy/client.crt}
          private_key: {filename: /etc/envoy/client.key}
";

/// The snippet, which ends with a line break.
pub(super) fn snippet(config: &Config) -> String {
    [
        HEAD.to_owned(),
        early_removal(config),
        FILTER.to_owned(),
        claim_routes(config),
        grpc_service(config),
        cluster_head(config),
        CLUSTER_SETTINGS.to_owned(),
        endpoint(&config.server.grpc.address),
        tls(config),
    ]
    .concat()
}

fn early_removal(config: &Config) -> String {
    let managed = config.policy.managed_headers();
    let names = managed.names().map(HeaderName::as_str);
    let removals: Vec<String> = names
        .chain(managed.overrides())
        .map(|name| format!("      - remove: {}\n", quoted(name)))
        .collect();
    if removals.is_empty() {
        return String::new();
    }
    format!("{EARLY}{}", removals.concat())
}

fn claim_routes(config: &Config) -> String {
    let has_claims = config.policy.managed_headers().names().next().is_some();
    if has_claims { CLEAR } else { "" }.to_owned()
}

fn grpc_service(config: &Config) -> String {
    let timeout = seconds(timeout(config));
    let caller = config.server.grpc.callers.check.as_ref();
    let secret = caller.and_then(|caller| caller.secret.as_ref());
    let secret = secret.map_or_else(String::new, metadata);
    format!(
        "      grpc_service:
        # For all tries together, and longer than every `jwks.wait`.
        timeout: {timeout}
        envoy_grpc: {{cluster_name: watchword, authority: {AUTHORITY}}}
        retry_policy:
          retry_on: connect-failure,refused-stream,reset,unavailable
          num_retries: 2
          retry_back_off: {{base_interval: 0.025s, max_interval: {timeout}}}
{RETRY_HOST_PREDICATE}{secret}"
    )
}

/// Only the name of the secret is known here, and its place in Envoy's environment is enough.
fn metadata(secret: &CallerSecret) -> String {
    let header = quoted(secret.header().as_str());
    format!(
        "        # One line of `callers.check.secret_file`, from the environment of Envoy.
        initial_metadata:
        - {{key: {header}, value: \"%ENVIRONMENT(WATCHWORD_SECRET)%\"}}
"
    )
}

/// The lines of the cluster that depend on the configuration.
fn cluster_head(config: &Config) -> String {
    // `timeout` is for all tries. Two connections that fail take half of it; the back-offs after
    // them, of up to 25 and 50 milliseconds, and an answer have the rest.
    let connect_timeout = seconds(timeout(config) / 4);
    format!(
        "clusters:
- name: watchword
  # A quarter of the filter's timeout: time is left for two retries.
  connect_timeout: {connect_timeout}
"
    )
}

/// A second, or more where the configuration lets a request wait longer for a key.
fn timeout(config: &Config) -> Duration {
    let wait = |(_, source): &(_, Source)| match source {
        Source::Fixed(_) => Duration::ZERO,
        Source::Fetched(fetched) => match fetched.timing.wait {
            Wait::AtMost(wait) => wait,
            Wait::WhileCallLasts => Duration::ZERO,
        },
    };
    let longest = config.sources.iter().map(wait).max().unwrap_or_default();
    // A wait is cut at three quarters of the call's own timeout.
    TIMEOUT.max(longest.saturating_mul(2))
}

/// As protobuf writes durations in JSON.
fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs_f64())
}

fn endpoint(address: &ListenAddress) -> String {
    let (comment, address) = match address {
        ListenAddress::Unix(path) => {
            let path = quoted(&path.to_string_lossy());
            (String::new(), format!("{{pipe: {{path: {path}}}}}"))
        }
        ListenAddress::Tcp(listener) => (comment(*listener), socket_address(*listener)),
    };
    format!("{comment}      - endpoint: {{address: {address}}}\n")
}

/// What this machine cannot know of the address.
fn comment(listener: SocketAddr) -> String {
    let mut text = String::new();
    if listener.ip().is_unspecified() {
        text += "      # On the same machine. Elsewhere: its name, and `type: STRICT_DNS` above.
      # docs/operations.md, \"Deploying, restarting\", has what several servers need.\n";
    }
    if listener.port() == 0 {
        text += "      # `server.grpc.address` takes a free port: write that port here.\n";
    }
    text
}

fn socket_address(listener: SocketAddr) -> String {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let port = listener.port();
    format!("{{socket_address: {{address: \"{ip}\", port_value: {port}}}}}")
}

fn tls(config: &Config) -> String {
    let Some(files) = &config.server.grpc.tls else {
        return String::new();
    };
    let client = files.clients.as_ref().map_or("", |_| CLIENT_CERTIFICATE);
    format!(
        r#"  # Replace the file names with those on Envoy's machine, and `watchword.internal`, twice, with a DNS
  # name in Watchword's certificate.
  transport_socket:
    name: envoy.transport_sockets.tls
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
      sni: {AUTHORITY}
      common_tls_context:
{client}        validation_context:
          trusted_ca: {{filename: /etc/envoy/watchword-ca.crt}}
          match_typed_subject_alt_names: [{{san_type: DNS, matcher: {{exact: {AUTHORITY}}}}}]
"#
    )
}

/// A string of YAML, whatever it holds: JSON's are among them.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
