//! Envoy's settings for one configuration, as YAML to paste: those of `examples/envoy/envoy.yaml`,
//! with this configuration's names and address. They contain no secret.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::config::Config;
use crate::jwks::{Source, Wait};
use crate::listen::ListenAddress;
use crate::policy::HeaderName;

/// The settings. A line `@IF NAME@` begins a part that some configurations need, and ends the one
/// before; `@END@` ends it too. Other words in `@` stand for values.
const TEMPLATE: &str = include_str!("envoy.yaml");

/// The shortest timeout of a check.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The settings, which end with a line break.
pub(super) fn snippet(config: &Config) -> String {
    let grpc = &config.server.grpc;
    let removals = removals(config);
    let secret = grpc.callers.check.as_ref();
    let secret = secret.and_then(|caller| caller.secret.as_ref());
    let secret_header = secret.map(|secret| quoted(secret.header.as_str()));
    let tcp = grpc.address.tcp();
    let clients = grpc.tls.as_ref().and_then(|tls| tls.clients.as_ref());
    let managed = config.policy.managed_headers();
    let parts = [
        ("EARLY_REMOVAL", !removals.is_empty()),
        ("CLAIM_HEADERS", managed.names().next().is_some()),
        ("CALLER_SECRET", secret.is_some()),
        (
            "ANY_ADDRESS",
            tcp.is_some_and(|tcp| tcp.ip().is_unspecified()),
        ),
        ("ANY_PORT", tcp.is_some_and(|tcp| tcp.port() == 0)),
        ("TLS", grpc.tls.is_some()),
        ("CLIENT_CERTIFICATE", clients.is_some()),
    ];
    let timeout = timeout(config);
    let values = [
        ("@REMOVALS@", removals),
        ("@TIMEOUT@", seconds(timeout)),
        // Two connections that fail take half of the timeout. Two back-offs of up to 25 and 50
        // milliseconds, and an answer, have the rest.
        ("@CONNECT_TIMEOUT@", seconds(timeout / 4)),
        ("@SECRET_HEADER@", secret_header.unwrap_or_default()),
        ("@ADDRESS@", address(&grpc.address)),
    ];
    let fill = |text: String, (word, value): &(&str, String)| text.replace(word, value);
    values.iter().fold(with_parts(&parts), fill)
}

/// The template with these parts, or without them.
fn with_parts(parts: &[(&str, bool)]) -> String {
    let mut text = String::new();
    let mut is_part = true;
    for line in TEMPLATE.lines() {
        let name = line
            .strip_prefix("@IF ")
            .and_then(|name| name.strip_suffix('@'));
        if let Some(name) = name {
            is_part = parts.contains(&(name, true));
        } else if line == "@END@" {
            is_part = true;
        } else if is_part {
            text.extend([line, "\n"]);
        }
    }
    text
}

fn removals(config: &Config) -> String {
    let managed = config.policy.managed_headers();
    let names = managed.names().map(HeaderName::as_str);
    let names = names.chain(managed.overrides());
    let lines = names.map(|name| format!("      - remove: {}", quoted(name)));
    lines.collect::<Vec<String>>().join("\n")
}

/// A second, or more if the configuration lets a request wait longer for a key.
fn timeout(config: &Config) -> Duration {
    let wait = |(_, source): &(_, Source)| match source {
        Source::Fixed(_) => Duration::ZERO,
        Source::Fetched(fetched) => match fetched.timing.wait {
            Wait::AtMost(wait) => wait,
            Wait::WhileCallLasts => Duration::ZERO,
        },
    };
    let longest = config.sources.iter().map(wait).max().unwrap_or_default();
    // A wait ends after three quarters of the call's own timeout.
    TIMEOUT.max(longest.saturating_mul(2))
}

/// A duration in protobuf's JSON.
fn seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs_f64())
}

fn address(address: &ListenAddress) -> String {
    match address {
        ListenAddress::Unix(path) => {
            format!("{{pipe: {{path: {}}}}}", quoted(&path.to_string_lossy()))
        }
        ListenAddress::Tcp(listener) => socket_address(*listener),
    }
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

/// A string of JSON, which YAML reads as the same string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
