//! The gRPC listener: `server.grpc`.

use std::os::unix::net::SocketAddr as UnixAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::MAX_SIZE;
use crate::config::files::{Needed, warn_of_dates, warn_of_open_secret};
use crate::config::findings::Findings;
use crate::config::settings;
use crate::config::span::Span;
use crate::config::values::path;
use crate::files::read_bounded;
use crate::listen::{ClientCertificate, Limits, ListenAddress, SocketAccess, TlsFiles, load_tls};

use super::callers::{CallersConfig, callers};
use super::{tcp, whole};

/// The file with the names of groups.
const GROUPS: &str = "/etc/group";

/// The gRPC listener.
#[derive(Clone, Debug)]
pub struct GrpcConfig {
    /// Where it listens.
    pub address: ListenAddress,
    /// Who may connect to it, where it is a Unix socket.
    pub socket: SocketAccess,
    /// The files of TLS; `None`: plaintext.
    pub tls: Option<TlsFiles>,
    /// What connections may cost.
    pub limits: Limits,
    /// Who may call.
    pub callers: CallersConfig,
    /// Whether the schema is told to whoever asks.
    pub reflection: bool,
}

pub(super) fn grpc(raw: &settings::GrpcSettings, findings: &mut Findings<'_>) -> GrpcConfig {
    let tls = raw.tls.as_ref().map(|tls| files(tls, findings));
    let asks_for_certificates = tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    GrpcConfig {
        address: address(&raw.address, findings),
        socket: socket(raw, findings),
        limits: limits(raw, findings),
        reflection: raw.reflection,
        callers: callers(&raw.callers, asks_for_certificates, findings),
        tls,
    }
}

fn address(text: &str, findings: &mut Findings<'_>) -> ListenAddress {
    let setting = ["server", "grpc", "address"];
    let Some(file) = text.strip_prefix("unix:") else {
        let example = "\"0.0.0.0:9191\" or \"unix:/run/watchword/grpc.sock\"";
        return ListenAddress::Tcp(tcp(&setting, text, example, findings));
    };
    let path = path(file, &setting, findings);
    // The address of a socket has room for little more than 100 bytes.
    if UnixAddr::from_pathname(&path).is_err() {
        let found = format!(
            "a path of {} bytes: {}",
            path.as_os_str().len(),
            path.display()
        );
        findings.add(
            &setting,
            found,
            "one of at most 107, from this file's folder",
        );
    }
    ListenAddress::Unix(path)
}

fn socket(raw: &settings::GrpcSettings, findings: &mut Findings<'_>) -> SocketAccess {
    let default = settings::SocketSettings::default();
    if raw.socket.is_some() && !raw.address.starts_with("unix:") {
        let found = "it with an address that is no Unix socket";
        let expected = "it with an address such as \"unix:/run/watchword/grpc.sock\" only";
        findings.add(&["server", "grpc", "socket"], found, expected);
    }
    let raw = raw.socket.as_ref().unwrap_or(&default);
    let octal = raw.mode.len() <= 4 && raw.mode.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    let mode = u32::from_str_radix(&raw.mode, 8).ok();
    // Without a way in for the owner, the server itself could not tell a live socket from a stale one.
    let mode = mode.filter(|mode| octal && mode & !0o777 == 0 && mode & 0o600 == 0o600);
    if mode.is_none() {
        let setting = ["server", "grpc", "socket", "mode"];
        findings.add(
            &setting,
            format!("{:?}", raw.mode),
            "an octal mode from \"0600\" to \"0777\"",
        );
    }
    let group = raw.group.as_deref();
    SocketAccess {
        mode: mode.unwrap_or_default(),
        group: group.and_then(|group| self::group(group, findings)),
    }
}

/// The number of a group. Names are those of the file only: a static program has no other directory to ask.
fn group(name: &str, findings: &mut Findings<'_>) -> Option<u32> {
    let known = read_bounded(Path::new(GROUPS), MAX_SIZE);
    let known = known.ok().flatten().unwrap_or_default();
    let known = String::from_utf8_lossy(&known);
    // name:password:number:members
    let number_in = |line: &str| match line.split(':').collect::<Vec<_>>()[..] {
        [found, _, number, ..] if found == name => number.parse().ok(),
        _ => None,
    };
    let number = name.parse().ok();
    let number = number.or_else(|| known.lines().find_map(number_in));
    // The largest number means no group at all (chown(2)).
    let number = number.filter(|number| *number != u32::MAX);
    if number.is_none() {
        let setting = ["server", "grpc", "socket", "group"];
        let expected = format!("a group of {GROUPS}, or a number");
        findings.add(&setting, format!("{name:?}"), expected);
    }
    number
}

fn files(raw: &settings::TlsSettings, findings: &mut Findings<'_>) -> TlsFiles {
    let known = findings.count();
    let mut file = |name, file: &str| -> PathBuf {
        let file = path(file, &["server", "grpc", "tls", name], findings);
        findings.follow(&file);
        file
    };
    let certificate = file("certificate", &raw.certificate);
    let private_key = file("private_key", &raw.private_key);
    let client_ca = raw.client_ca.as_deref().map(|ca| file("client_ca", ca));
    let tls = ["server", "grpc", "tls"];
    let setting = |name| [&tls[..], &[name]].concat();
    warn_of_open_secret(&private_key, &setting("private_key"), findings);
    warn_of_dates(&certificate, Needed::All, &setting("certificate"), findings);
    if let Some(ca) = &client_ca {
        warn_of_dates(ca, Needed::One, &setting("client_ca"), findings);
    }
    let need = match raw.client_certificate {
        Some(settings::ClientCertificateSetting::Optional) => ClientCertificate::Optional,
        Some(settings::ClientCertificateSetting::Required) | None => ClientCertificate::Required,
    };
    if raw.client_certificate.is_some() && client_ca.is_none() {
        let setting = ["server", "grpc", "tls", "client_certificate"];
        findings.add(&setting, "it without client_ca", "both, or neither");
    }
    let files = TlsFiles {
        certificate,
        private_key,
        clients: client_ca.map(|ca| (ca, need)),
    };
    if findings.look_into_files()
        && findings.count() == known
        && let Err(error) = load_tls(&files)
    {
        let expected = "files that a server can use";
        findings.add_cause(&["server", "grpc", "tls"], error.to_string(), expected);
    }
    files
}

fn limits(raw: &settings::GrpcSettings, findings: &mut Findings<'_>) -> Limits {
    let mut number =
        |name, value, bounds| whole(&["server", "grpc", name], value, bounds, findings);
    let connections = number(
        "max_connections",
        raw.max_connections,
        settings::MAX_CONNECTIONS,
    );
    let streams = raw.max_concurrent_streams;
    let streams = number("max_concurrent_streams", streams, settings::MAX_STREAMS);
    let headers = raw.max_header_list_size;
    let headers = number("max_header_list_size", headers, settings::MAX_HEADER_LIST);
    let mut span = |name, text: &str, span: Span| {
        let setting = ["server", "grpc", name];
        span.read(Some(text), &setting, Duration::from_secs(1), findings)
    };
    let (age, grace) = (&raw.max_connection_age, &raw.max_connection_age_grace);
    let (interval, timeout) = (&raw.keepalive_interval, &raw.keepalive_timeout);
    Limits {
        max_connections: usize::try_from(connections).unwrap_or(usize::MAX),
        max_concurrent_streams: u32::try_from(streams).unwrap_or(u32::MAX),
        max_header_list_size: u32::try_from(headers).unwrap_or(u32::MAX),
        keepalive_interval: span("keepalive_interval", interval, settings::KEEPALIVE_INTERVAL),
        keepalive_timeout: span("keepalive_timeout", timeout, settings::KEEPALIVE_TIMEOUT),
        max_connection_age: span("max_connection_age", age, settings::MAX_AGE),
        max_connection_age_grace: span("max_connection_age_grace", grace, settings::MAX_AGE_GRACE),
    }
}
