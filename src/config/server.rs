//! The sections `server` and `log`, and `state_dir`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::findings::Findings;
use super::raw;
use super::values::{bounded, path};

/// Listeners and life cycle.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The gRPC listener.
    pub address: SocketAddr,
    /// The listener for metrics and probes, where there is one.
    pub admin: Option<SocketAddr>,
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
    let grpc = listener("grpc", &raw.grpc.address, "0.0.0.0:9191", findings);
    let admin = raw
        .admin
        .as_ref()
        .map(|admin| listener("admin", &admin.address, "127.0.0.1:9193", findings));
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
        address: grpc,
        admin,
        realm: raw.realm.clone(),
        max_token_size,
        shutdown_timeout,
    }
}

fn listener(name: &str, text: &str, example: &str, findings: &mut Findings<'_>) -> SocketAddr {
    text.parse().unwrap_or_else(|_| {
        let expected = format!("an address such as {example:?}");
        findings.add(&["server", name, "address"], format!("{text:?}"), expected);
        SocketAddr::from(([0, 0, 0, 0], 0))
    })
}

/// The directory for what is kept between runs. Whether it is there is looked at only on demand.
pub(super) fn state_dir(raw: Option<&str>, findings: &mut Findings<'_>) -> Option<PathBuf> {
    let setting = ["state_dir"];
    let directory = path(raw?, &setting, findings);
    if findings.look_into_files() {
        let found = match std::fs::metadata(&directory) {
            Ok(metadata) if metadata.is_dir() => None,
            Ok(_) => Some("something that is not a directory".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(found) = found {
            findings.add(&setting, found, "an existing directory");
        }
    }
    Some(directory)
}

pub(super) fn log(raw: &raw::Log) -> LogConfig {
    LogConfig {
        format: raw.format,
        level: raw.level,
    }
}
