//! Summaries for the log lines of start and stop.

use std::time::Duration;

use crate::config::{Config, GrpcConfig};
use crate::explain::counted;
use crate::listen::{ClientCertificate, ListenAddress};

/// Issuers, rules and the listener, such as `2 issuers, 3 rules; TLS on 0.0.0.0:9191`.
pub(super) fn of(config: &Config) -> String {
    let issuers = counted(config.policy.issuers().len(), "issuer");
    let rules = match config.policy.rules().iter().count() {
        0 => "no rules: any valid token opens every path".to_owned(),
        rules => counted(rules, "rule"),
    };
    format!("{issuers}, {rules}; {}", listener(&config.server.grpc))
}

/// Transport and address, with a warning if callers are not authenticated.
fn listener(grpc: &GrpcConfig) -> String {
    let ListenAddress::Tcp(address) = &grpc.address else {
        return grpc.address.to_string();
    };
    let clients = grpc.tls.as_ref().map(|tls| &tls.clients);
    let transport = match clients {
        None => "plaintext",
        Some(Some((_, ClientCertificate::Required))) => {
            return format!("TLS with client certificates on {address}");
        }
        Some(_) => "TLS",
    };
    let everybody = if address.ip().is_loopback() {
        "every local process may call"
    } else {
        "everybody may call"
    };
    let open = match (&grpc.callers.check, &grpc.callers.validate) {
        (None, None) => format!(", {everybody}"),
        (None, Some(_)) => format!(", {everybody} Check"),
        (Some(_), None) => format!(", {everybody} Validate"),
        (Some(_), Some(_)) => String::new(),
    };
    format!("{transport} on {address}{open}")
}

pub(super) fn of_stop(drain: Duration, timeout: Duration) -> String {
    if drain.is_zero() {
        format!("up to {timeout:?} for calls in flight")
    } else {
        format!(
            "answering calls for {drain:?} (drain), then up to {timeout:?} for calls in flight; \
             signal again to end the drain"
        )
    }
}
