//! The section `server` as its author writes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::time::Duration;

use super::super::span::Span;
use super::{AcceptedWarnings, TokenFromSettings};

pub(crate) const DRAIN: Span = up_to(600);
pub(crate) const SHUTDOWN_TIMEOUT: Span = up_to(600);
pub(crate) const KEEPALIVE_INTERVAL: Span = from_one_second_to(3600);
pub(crate) const KEEPALIVE_TIMEOUT: Span = from_one_second_to(300);
pub(crate) const MAX_AGE: Span = from_one_second_to(24 * 3600);
pub(crate) const MAX_AGE_GRACE: Span = from_one_second_to(3600);
/// From the least to the most that these may be.
pub(crate) const MAX_IN_FLIGHT: (u64, u64) = (16, 1_000_000);
/// The smallest and the largest memory limit, in bytes.
pub(crate) const MEMORY: (u64, u64) = (64 << 20, 64 << 30);
pub(crate) const TOKEN_SIZE: (u64, u64) = (256, 65536);
pub(crate) const MAX_CONNECTIONS: (u64, u64) = (1, 1_000_000);
pub(crate) const MAX_STREAMS: (u64, u64) = (1, 65536);
pub(crate) const MAX_HEADER_LIST: (u64, u64) = (16384, 1_048_576);

const fn up_to(seconds: u64) -> Span {
    Span::new(Duration::ZERO, Duration::from_secs(seconds))
}

const fn from_one_second_to(seconds: u64) -> Span {
    Span::new(Duration::from_secs(1), Duration::from_secs(seconds))
}

/// Listeners and limits.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerSettings {
    /// The gRPC listener: `ext_authz` and health.
    pub(crate) grpc: GrpcSettings,
    /// A listener for `grpc.health.v1` only, plaintext, for probes that cannot use the gRPC listener.
    /// Without it there is none.
    pub(crate) health: Option<HealthSettings>,
    /// The listener for operators: metrics, probes and keys. Without it there is none.
    pub(crate) admin: Option<AdminSettings>,
    /// The realm in `www-authenticate` (RFC 9110 §11.5): visible ASCII and spaces, without `"` and `\`.
    pub(crate) realm: String,
    /// The longest token that is looked at, in bytes; a longer one is `token_too_large`.
    #[schemars(range(min = TOKEN_SIZE.0, max = TOKEN_SIZE.1))]
    pub(crate) max_token_size: u64,
    /// Where tokens are looked for; at least one place. More than one credential in a request is malformed.
    pub(crate) token_from: Vec<TokenFromSettings>,
    /// Whether a request may bring `x-http-method`, `x-http-method-override`, `x-method-override`,
    /// `x-original-url` and `x-rewrite-url` to the service. Frameworks that read them take another
    /// method or path than the one that the rules judged: a client that may GET could DELETE. They
    /// are removed on every allow unless this is `true`, which is safe only where no service behind
    /// this proxy reads them.
    pub(crate) forward_override_headers: bool,
    /// Whether the proxy in front ignores a port in `Host` when it chooses a route, as Istio, Envoy
    /// Gateway and Contour do. Rules then compare hosts without their port.
    pub(crate) proxy_ignores_host_port: bool,
    /// How long a server that was told to stop goes on as before, but for its health, which is `NOT_SERVING` at once: the
    /// time that load balancers have to notice.
    #[schemars(transform = DRAIN.in_schema())]
    pub(crate) drain: String,
    /// How long a stopping server waits for calls in flight, after `drain`.
    #[schemars(transform = SHUTDOWN_TIMEOUT.in_schema())]
    pub(crate) shutdown_timeout: String,
    /// Most calls that are worked on at a time, beside four for each connection; those beyond are answered with 503
    /// `overloaded` at once. Calls that wait for keys, or whose message is on the way, do not count. One connection can
    /// take a third of them at most.
    #[schemars(range(min = MAX_IN_FLIGHT.0, max = MAX_IN_FLIGHT.1))]
    pub(crate) max_in_flight: u64,
    /// The memory that the process may use, as Kubernetes writes it, such as `128Mi`, from `64Mi` to `64Gi`; set it where
    /// there is no limit of a container. Without it, the limit of the control group counts, up to `1Gi`; without that, `256Mi`.
    /// Everything that callers can make the server hold comes from it: docs/operations.md has the parts.
    pub(crate) memory_limit: Option<String>,
    /// Warnings to accept in this section: code to reason.
    pub(crate) accept_warnings: Option<AcceptedWarnings>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            grpc: GrpcSettings::default(),
            health: None,
            admin: None,
            realm: "watchword".to_owned(),
            max_token_size: 16384,
            token_from: vec![TokenFromSettings {
                header: Some("authorization".to_owned()),
                ..TokenFromSettings::default()
            }],
            forward_override_headers: false,
            proxy_ignores_host_port: false,
            drain: "5s".to_owned(),
            shutdown_timeout: "10s".to_owned(),
            max_in_flight: 4096,
            memory_limit: None,
            accept_warnings: None,
        }
    }
}

/// The gRPC listener.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GrpcSettings {
    /// Address and port, where port 0 takes a free one; or `unix:` and the path of a Unix socket, such as
    /// `unix:/run/watchword/grpc.sock`.
    pub(crate) address: String,
    /// Who may connect to the Unix socket.
    pub(crate) socket: Option<SocketSettings>,
    /// TLS. Without it, the listener is plaintext.
    pub(crate) tls: Option<TlsSettings>,
    /// Who may call.
    pub(crate) callers: CallersSettings,
    /// Whether the schema of the services is told to whoever asks (`grpc.reflection.v1` and `v1alpha`), as grpcurl does.
    pub(crate) reflection: bool,
    /// Most connections at a time, where `memory_limit` has room for so many. For a further one, the one of least use is sent
    /// away: one that was never answered, else the one that has been idle longest.
    #[schemars(range(min = MAX_CONNECTIONS.0, max = MAX_CONNECTIONS.1))]
    pub(crate) max_connections: u64,
    /// Most calls in flight on one connection. Further ones wait at the caller's.
    #[schemars(range(min = MAX_STREAMS.0, max = MAX_STREAMS.1))]
    pub(crate) max_concurrent_streams: u64,
    /// Largest metadata of a call, in bytes, each entry with 32 more (RFC 9113 §6.5.2). A larger one is answered
    /// with HTTP 431, which is an error to Envoy.
    #[schemars(range(min = MAX_HEADER_LIST.0, max = MAX_HEADER_LIST.1))]
    pub(crate) max_header_list_size: u64,
    /// How long a connection may be quiet until it is sent a ping.
    #[schemars(transform = KEEPALIVE_INTERVAL.in_schema())]
    pub(crate) keepalive_interval: String,
    /// How long a ping may go unanswered. The connection is closed then.
    #[schemars(transform = KEEPALIVE_TIMEOUT.in_schema())]
    pub(crate) keepalive_timeout: String,
    /// Age at which a connection is told to go. Each has up to a tenth more or less, so that they do not all come back at
    /// once.
    #[schemars(transform = MAX_AGE.in_schema())]
    pub(crate) max_connection_age: String,
    /// How long calls in flight have then, until they are cut.
    #[schemars(transform = MAX_AGE_GRACE.in_schema())]
    pub(crate) max_connection_age_grace: String,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            address: "0.0.0.0:9191".to_owned(),
            socket: None,
            tls: None,
            callers: CallersSettings::default(),
            reflection: false,
            max_connections: 4096,
            max_concurrent_streams: 1024,
            max_header_list_size: 131_072,
            keepalive_interval: "30s".to_owned(),
            keepalive_timeout: "10s".to_owned(),
            max_connection_age: "5m".to_owned(),
            max_connection_age_grace: "30s".to_owned(),
        }
    }
}

/// Who may connect to a Unix socket.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SocketSettings {
    /// The socket's permissions in octal, in quotes: connecting takes the right to write.
    pub(crate) mode: String,
    /// The socket's group: a name in `/etc/group`, or a number in quotes. Without it, it is the
    /// process's.
    pub(crate) group: Option<String>,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            mode: "0660".to_owned(),
            group: None,
        }
    }
}

/// TLS 1.2 and 1.3 on the gRPC listener.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSettings {
    /// A PEM file with the server's certificate, then those between it and the authority.
    pub(crate) certificate: String,
    /// A PEM file with its private key.
    pub(crate) private_key: String,
    /// A PEM file with the authorities of clients' certificates. Without it, clients are not asked for one.
    pub(crate) client_ca: Option<String>,
    /// Whether a client must have a certificate; only with `client_ca`, and `required` unless given.
    pub(crate) client_certificate: Option<ClientCertificateSetting>,
}

/// Whether a client must have a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientCertificateSetting {
    /// Without one, there is no connection.
    Required,
    /// One that is shown must be good.
    Optional,
}

/// Who may call which service. Health answers everybody who can connect.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CallersSettings {
    /// Envoy's `Check`.
    pub(crate) check: Option<CallerSettings>,
    /// Watchword's own `Validate`.
    pub(crate) validate: Option<CallerSettings>,
}

/// What a caller must show: a secret, or a certificate, or both where both are given.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CallerSettings {
    /// A file with one secret a line, one or two of at least 16 visible ASCII characters: with two, either opens, so that
    /// they can be replaced one after the other.
    pub(crate) secret_file: Option<String>,
    /// The name of the metadata with the secret.
    #[schemars(extend("default" = "x-watchword-secret"))]
    pub(crate) secret_header: Option<String>,
    /// Names of which the client's certificate must have one: a URI or a DNS name of its
    /// `subjectAltName`, compared exactly. What has a colon is a URI, everything else a DNS name; a
    /// name of the other type does not count. Needs `tls.client_ca`.
    pub(crate) certificate_names: Option<Vec<String>>,
}

/// The listener for health.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthSettings {
    /// Address and port, such as `0.0.0.0:9192`; port 0 takes a free one.
    pub(crate) address: String,
}

/// The admin listener.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminSettings {
    /// Address and port, such as `127.0.0.1:9193`; port 0 takes a free one.
    pub(crate) address: String,
}
