//! The gRPC listener: `server.grpc`.

use std::os::unix::net::SocketAddr as UnixAddr;
use std::path::Path;

use crate::config::MAX_SIZE;
use crate::config::files::Needed;
use crate::config::setting::Setting;
use crate::config::settings::{
    ClientCertificateSetting, GrpcSettings, SocketSettings, TlsSettings,
};
use crate::files::read_bounded;
use crate::listen::{ClientCertificate, Limits, ListenAddress, SocketAccess, TlsFiles, load_tls};

use super::callers::CallersConfig;

/// The file with the names of groups.
const GROUPS: &str = "/etc/group";

/// The gRPC listener.
#[derive(Clone, Debug)]
pub struct GrpcConfig {
    /// The address.
    pub address: ListenAddress,
    /// Access to it, if it is a Unix socket.
    pub socket: SocketAccess,
    /// The files of TLS; `None`: plaintext.
    pub tls: Option<TlsFiles>,
    /// Bounds of connections.
    pub limits: Limits,
    /// The callers that may call each service.
    pub callers: CallersConfig,
    /// True if anybody can ask for the schema of the services.
    pub(crate) reflection: bool,
}

impl Setting<'_, '_, GrpcSettings> {
    pub(super) fn build(&mut self) -> GrpcConfig {
        let settings = self.value;
        let tls = settings.tls.as_ref();
        let tls = tls.map(|tls| self.member("tls", tls).files());
        let asks_for_certificates = tls.as_ref().is_some_and(|tls| tls.clients.is_some());
        GrpcConfig {
            address: self.member("address", &*settings.address).listen_address(),
            socket: self.socket(),
            limits: limits(settings),
            reflection: settings.reflection,
            callers: self
                .member("callers", &settings.callers)
                .build(asks_for_certificates),
            tls,
        }
    }

    fn socket(&mut self) -> SocketAccess {
        let default = SocketSettings::default();
        let socket = self.value.socket.as_ref();
        let mut section = self.member("socket", socket.unwrap_or(&default));
        let access = section.access();
        if socket.is_some() && !self.value.address.starts_with("unix:") {
            let address = self.shown("address", format!("{:?}", self.value.address));
            self.member("socket", &()).contradiction(format!(
                "`socket` is for a Unix socket, but `address` is {address}: remove `socket`, or \
                 set `address` to one such as \"unix:/run/watchword/grpc.sock\""
            ));
        }
        access
    }
}

impl Setting<'_, '_, str> {
    fn listen_address(&mut self) -> ListenAddress {
        let Some(file) = self.value.strip_prefix("unix:") else {
            let example = "\"0.0.0.0:9191\" or \"unix:/run/watchword/grpc.sock\"";
            return ListenAddress::Tcp(self.tcp(example));
        };
        if file.is_empty() {
            self.found("an empty path", "a path");
        }
        let path = self.resolve(file);
        // The address of a socket has room for little more than 100 bytes.
        if UnixAddr::from_pathname(&path).is_err() {
            let length = path.as_os_str().len();
            let found = format!("a path of {length} bytes: {}", path.display());
            self.found(found, "one of at most 107, from this file's folder");
        }
        ListenAddress::Unix(path)
    }

    /// The number of a group. Names are those of the file only: a static program cannot ask another
    /// directory.
    fn group(&mut self) -> Option<u32> {
        let name = self.value;
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
            let expected = format!("a group of {GROUPS}, or a number");
            self.found(format!("{name:?}"), &expected);
        }
        number
    }
}

impl Setting<'_, '_, SocketSettings> {
    fn access(&mut self) -> SocketAccess {
        let SocketSettings { mode: text, group } = self.value;
        let is_octal = text.len() <= 4 && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        let mode = u32::from_str_radix(text, 8).ok();
        // Without access for the owner, the server could not tell a live socket from a stale one.
        let mode = mode.filter(|mode| is_octal && mode & !0o777 == 0 && mode & 0o600 == 0o600);
        if mode.is_none() {
            let expected = "an octal mode from \"0600\" to \"0777\"";
            self.member("mode", text)
                .found(format!("{text:?}"), expected);
        }
        let group = group.as_deref();
        SocketAccess {
            mode: mode.unwrap_or_default(),
            group: group.and_then(|group| self.member("group", group).group()),
        }
    }
}

impl Setting<'_, '_, TlsSettings> {
    fn files(&mut self) -> TlsFiles {
        let known = self.findings.count();
        let settings = self.value;
        let mut certificate = self.member("certificate", &settings.certificate);
        let certificate = certificate.warn_of_dates(Needed::All).followed();
        let mut private_key = self.member("private_key", &settings.private_key);
        let private_key = private_key.warn_of_open_secret().followed();
        let client_ca = settings.client_ca.as_ref().map(|ca| {
            let mut setting = self.member("client_ca", ca);
            setting.warn_of_dates(Needed::One).followed()
        });
        let need = match settings.client_certificate {
            Some(ClientCertificateSetting::Optional) => ClientCertificate::Optional,
            Some(ClientCertificateSetting::Required) | None => ClientCertificate::Required,
        };
        if let (Some(need), None) = (&settings.client_certificate, &client_ca) {
            self.member("client_certificate", need).contradiction(
                "`client_certificate` needs `client_ca`, with the authorities of clients' \
                 certificates: add `client_ca`, or remove `client_certificate`",
            );
        }
        let files = TlsFiles {
            certificate,
            private_key,
            clients: client_ca.map(|ca| (ca, need)),
        };
        if self.findings.look_into_files
            && self.findings.count() == known
            && let Err(error) = load_tls(&files)
        {
            self.failed(error, "files that a server can use");
        }
        files
    }
}

fn limits(settings: &GrpcSettings) -> Limits {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Limits {
        max_connections: usize::try_from(settings.max_connections).unwrap_or(usize::MAX),
        max_concurrent_streams: narrow(settings.max_concurrent_streams),
        max_header_list_size: narrow(settings.max_header_list_size),
        keepalive_interval: settings.keepalive_interval.into(),
        keepalive_timeout: settings.keepalive_timeout.into(),
        max_connection_age: settings.max_connection_age.into(),
        max_connection_age_grace: settings.max_connection_age_grace.into(),
    }
}
