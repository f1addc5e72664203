//! The section `server`, and `state_dir`.

mod callers;
mod grpc;

pub use callers::{CallerDemand, CallerSecret, CallersConfig};
pub use grpc::GrpcConfig;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::findings::Findings;
use super::settings;
use super::span::Span;
use super::values::path;

use grpc::grpc;

/// Listeners and life cycle.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The gRPC listener.
    pub grpc: GrpcConfig,
    /// The plaintext listener for health, where there is one.
    pub health: Option<SocketAddr>,
    /// The listener for metrics and probes, where there is one.
    pub admin: Option<SocketAddr>,
    /// The realm of challenges: visible ASCII and spaces, without quotes and backslashes.
    pub realm: String,
    /// The longest token that is looked at, in bytes.
    pub max_token_size: usize,
    /// How long a server that was told to stop goes on, with its health saying that it will.
    pub drain: Duration,
    /// How long a stopping server waits for calls in flight.
    pub shutdown_timeout: Duration,
    /// Most calls that are worked on at a time.
    pub max_in_flight: usize,
    /// The memory that the process may use, in bytes; `None`: what the system says.
    pub memory_limit: Option<usize>,
}

pub(super) fn server(raw: &settings::ServerSettings, findings: &mut Findings<'_>) -> ServerConfig {
    let mut listener = |name, address: &str, example| {
        tcp(&["server", name, "address"], address, example, findings)
    };
    let health = raw.health.as_ref();
    let health = health.map(|health| listener("health", &health.address, "\"0.0.0.0:9192\""));
    let admin = raw.admin.as_ref();
    let admin = admin.map(|admin| listener("admin", &admin.address, "\"127.0.0.1:9193\""));
    let quotable = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if raw.realm.is_empty() || !raw.realm.bytes().all(quotable) {
        let path = ["server", "realm"];
        findings.add(
            &path,
            format!("{:?}", raw.realm),
            "visible ASCII without quotes and backslashes",
        );
    }
    let mut number = |name, value, bounds| {
        let number = whole(&["server", name], value, bounds, findings);
        usize::try_from(number).unwrap_or(usize::MAX)
    };
    let max_token_size = number("max_token_size", raw.max_token_size, settings::TOKEN_SIZE);
    let max_in_flight = number("max_in_flight", raw.max_in_flight, settings::MAX_IN_FLIGHT);
    let mut span = |name, text: &str, span: Span| {
        span.read(Some(text), &["server", name], Duration::ZERO, findings)
    };
    let (drain, shutdown_timeout) = (
        span("drain", &raw.drain, settings::DRAIN),
        span(
            "shutdown_timeout",
            &raw.shutdown_timeout,
            settings::SHUTDOWN_TIMEOUT,
        ),
    );
    ServerConfig {
        grpc: grpc(&raw.grpc, findings),
        health,
        admin,
        realm: raw.realm.clone(),
        max_token_size,
        drain,
        shutdown_timeout,
        max_in_flight,
        memory_limit: memory_limit(raw.memory_limit.as_deref(), findings),
    }
}

/// A size as Kubernetes writes it.
fn memory_limit(text: Option<&str>, findings: &mut Findings<'_>) -> Option<usize> {
    let text = text?;
    let bytes =
        bytes(text).filter(|bytes| (settings::MEMORY.0..=settings::MEMORY.1).contains(bytes));
    if bytes.is_none() {
        let expected = "a size from \"64Mi\" to \"64Gi\", with Ki, Mi or Gi";
        findings.add(&["server", "memory_limit"], format!("{text:?}"), expected);
    }
    usize::try_from(bytes?).ok()
}

fn bytes(text: &str) -> Option<u64> {
    let units = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("", 0)];
    units.into_iter().find_map(|(unit, shift)| {
        let digits = text.strip_suffix(unit)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| is_number)?;
        number.checked_mul(1 << shift)
    })
}

/// An address and port.
fn tcp(setting: &[&str], text: &str, example: &str, findings: &mut Findings<'_>) -> SocketAddr {
    text.parse().unwrap_or_else(|_| {
        let expected = format!("an address such as {example}");
        findings.add(setting, format!("{text:?}"), expected);
        SocketAddr::from(([0, 0, 0, 0], 0))
    })
}

/// A number within bounds; the nearest of them where it is not (and noted).
fn whole(
    setting: &[&str],
    value: u64,
    (least, most): (u64, u64),
    findings: &mut Findings<'_>,
) -> u64 {
    if !(least..=most).contains(&value) {
        let expected = format!("from {least} to {most}");
        findings.add(setting, value.to_string(), expected);
    }
    value.clamp(least, most)
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
            findings.add_cause(&setting, found, "an existing directory");
        }
    }
    Some(directory)
}

/// How often files are looked at; `None`: never.
pub(super) fn reload(
    raw: &settings::ReloadSettings,
    findings: &mut Findings<'_>,
) -> Option<Duration> {
    let setting = ["reload", "interval"];
    let interval = settings::RELOAD_INTERVAL.read(
        Some(&raw.interval),
        &setting,
        Duration::from_secs(5),
        findings,
    );
    raw.watch.then_some(interval)
}
