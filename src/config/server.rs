//! The section `server`, and `state_dir`.

mod callers;
mod grpc;

pub use callers::{CallerDemand, CallersConfig};
pub use grpc::GrpcConfig;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::setting::Setting;
use super::settings::{FilePath, ServerSettings};

/// Listeners and life cycle.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The gRPC listener.
    pub grpc: GrpcConfig,
    /// The plaintext listener for health.
    pub(crate) health: Option<SocketAddr>,
    /// The listener for metrics and probes, if there is one.
    pub admin: Option<SocketAddr>,
    /// The listener for the public keys that tokens are encrypted to, if there is one.
    pub public_keys: Option<SocketAddr>,
    /// The realm of challenges: visible ASCII and spaces, without quotes and backslashes.
    pub(crate) realm: String,
    /// In bytes.
    pub(super) max_token_size: usize,
    /// The time for which a stopping server still answers calls.
    pub(crate) drain: Duration,
    /// The time for calls in flight, after `drain`.
    pub(crate) shutdown_timeout: Duration,
    /// Most calls in progress at a time.
    pub(crate) max_in_flight: usize,
    /// The memory that the process may use, in bytes; `None`: the system's limit.
    pub memory_limit: Option<usize>,
}

/// The smallest and the largest memory limit, in bytes.
const MEMORY: std::ops::RangeInclusive<u64> = 64 << 20..=64 << 30;

impl Setting<'_, '_, ServerSettings> {
    pub(super) fn build(&mut self) -> ServerConfig {
        let settings = self.value;
        let mut address = |section: &str, address: &str, example| {
            let mut section = self.member(section, &());
            section.member("address", address).tcp(example)
        };
        let health = settings.health.as_ref();
        let health = health.map(|health| address("health", &health.address, "\"0.0.0.0:9192\""));
        let admin = settings.admin.as_ref();
        let admin = admin.map(|admin| address("admin", &admin.address, "\"127.0.0.1:9193\""));
        let public_keys = settings.public_keys.as_ref();
        let public_keys =
            public_keys.map(|keys| address("public_keys", &keys.address, "\"0.0.0.0:9194\""));
        let quotable = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if !settings.realm.bytes().all(quotable) {
            let found = format!("{:?}", &*settings.realm);
            let expected = "visible ASCII without quotes and backslashes";
            self.member("realm", &settings.realm).found(found, expected);
        }
        let grpc = self.member("grpc", &settings.grpc).build();
        self.refuse_overlaps([
            ("grpc", grpc.address.tcp()),
            ("health", health),
            ("admin", admin),
            ("public_keys", public_keys),
        ]);
        let memory_limit = settings.memory_limit.as_deref();
        let memory_limit =
            memory_limit.and_then(|limit| self.member("memory_limit", limit).memory_size());
        ServerConfig {
            grpc,
            health,
            admin,
            public_keys,
            realm: settings.realm.to_string(),
            max_token_size: usize::try_from(settings.max_token_size).unwrap_or(usize::MAX),
            drain: settings.drain.into(),
            shutdown_timeout: settings.shutdown_timeout.into(),
            max_in_flight: usize::try_from(settings.max_in_flight).unwrap_or(usize::MAX),
            memory_limit,
        }
    }

    /// Refuses each listener whose address and port an earlier one covers.
    fn refuse_overlaps(&mut self, listeners: [(&str, Option<SocketAddr>); 4]) {
        for (place, (section, address)) in listeners.iter().enumerate() {
            let mut earlier = listeners.iter().take(place);
            let other = earlier.find(|(_, other)| {
                let both = address.zip(*other);
                both.is_some_and(|(address, other)| overlap(address, other))
            });
            if let Some((other, _)) = other {
                let mut section = self.member(section, &());
                section.member("address", &()).contradiction(format!(
                    "`server.{other}.address` already listens on this address and port: give \
                     each listener a port of its own"
                ));
            }
        }
    }
}

/// `0.0.0.0` covers every IPv4 address, and `[::]` every address, because Linux lets it accept IPv4
/// too unless told otherwise (ipv6(7)). Port 0 is any free port.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |one: IpAddr, other: IpAddr| {
        one == other || one.is_unspecified() && (one.is_ipv6() || other.is_ipv4())
    };
    let [ip, other_ip] = [one, other].map(|address| address.ip().to_canonical());
    one.port() == other.port() && one.port() != 0 && (covers(ip, other_ip) || covers(other_ip, ip))
}

impl Setting<'_, '_, str> {
    /// A size as Kubernetes writes it, within the bounds of a memory limit.
    fn memory_size(&mut self) -> Option<usize> {
        let bytes = bytes(self.value).filter(|bytes| MEMORY.contains(bytes));
        if bytes.is_none() {
            let expected = "a size from \"64Mi\" to \"64Gi\", with Ki, Mi or Gi";
            self.found(format!("{:?}", self.value), expected);
        }
        usize::try_from(bytes?).ok()
    }

    /// An address and port.
    fn tcp(&mut self, example: &str) -> SocketAddr {
        self.value.parse().unwrap_or_else(|_| {
            let expected = format!("an address such as {example}");
            self.found(format!("{:?}", self.value), &expected);
            SocketAddr::from(([0, 0, 0, 0], 0))
        })
    }
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

/// The directory for the last good keys. Only `check-config` and a start look whether it exists.
pub(super) fn state_dir(mut setting: Setting<'_, '_, FilePath>) -> PathBuf {
    let directory = setting.path();
    if setting.findings.look_into_files {
        let found = match std::fs::metadata(&directory) {
            Ok(metadata) if metadata.is_dir() => None,
            Ok(_) => Some("something that is not a directory".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(found) = found {
            setting.unusable(found, "an existing directory");
        }
    }
    directory
}
