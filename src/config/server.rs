//! The sections `server` and `log`.

use std::net::SocketAddr;
use std::time::Duration;

use super::findings::Findings;
use super::raw;
use super::values::bounded;

/// Listeners and life cycle.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The gRPC listener.
    pub address: SocketAddr,
    /// The realm of challenges: visible ASCII and spaces, without quotes and backslashes.
    pub realm: String,
    /// The longest token that is looked at, in bytes.
    pub max_token_size: usize,
    /// How long a stopping server waits for calls in flight.
    pub shutdown_timeout: Duration,
}

/// Logging.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// The form of lines.
    pub format: raw::LogFormat,
    /// The least severe level that is written.
    pub level: raw::LogLevel,
}

pub(super) fn server(raw: &raw::Server, findings: &mut Findings<'_>) -> ServerConfig {
    let address = raw.grpc.address.parse().unwrap_or_else(|_| {
        let path = ["server", "grpc", "address"];
        findings.add(
            &path,
            format!("{:?}", raw.grpc.address),
            "an address such as \"0.0.0.0:9191\"",
        );
        SocketAddr::from(([0, 0, 0, 0], 0))
    });
    let quotable = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if raw.realm.is_empty() || !raw.realm.bytes().all(quotable) {
        let path = ["server", "realm"];
        findings.add(
            &path,
            format!("{:?}", raw.realm),
            "visible ASCII without quotes and backslashes",
        );
    }
    let max_token_size = usize::try_from(raw.max_token_size)
        .ok()
        .filter(|size| (256..=65536).contains(size))
        .unwrap_or_else(|| {
            let path = ["server", "max_token_size"];
            findings.add(
                &path,
                raw.max_token_size.to_string(),
                "from 256 to 65536 bytes",
            );
            0
        });
    let shutdown_timeout = bounded(
        Some(&raw.shutdown_timeout),
        &["server", "shutdown_timeout"],
        Duration::ZERO,
        (Duration::ZERO, Duration::from_secs(600)),
        findings,
    );
    ServerConfig {
        address,
        realm: raw.realm.clone(),
        max_token_size,
        shutdown_timeout,
    }
}

pub(super) fn log(raw: &raw::Log) -> LogConfig {
    LogConfig {
        format: raw.format,
        level: raw.level,
    }
}
