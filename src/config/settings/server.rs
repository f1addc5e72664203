//! The section `server` as its author writes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::{Time, between};
use super::{AcceptedWarnings, FilePath, Text, TokenFromSettings};

/// Listeners and limits.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerSettings {
    /// The gRPC listener: `ext_authz` and health.
    pub(crate) grpc: GrpcSettings,
    /// A plaintext listener for `grpc.health.v1` only, for probes that cannot use the gRPC
    /// listener. Without this section there is none.
    #[schemars(extend("x-restart" = true))]
    pub(crate) health: Option<HealthSettings>,
    /// The listener for operators: metrics, probes and keys. Without this section there is none.
    #[schemars(extend("x-restart" = true))]
    pub(crate) admin: Option<AdminSettings>,
    /// The listener for issuers, with the public keys that tokens are encrypted to. Without this
    /// section there is none.
    #[schemars(extend("x-restart" = true))]
    pub(crate) public_keys: Option<PublicKeysSettings>,
    /// The realm in `www-authenticate` (RFC 9110 §11.5): visible ASCII and spaces, without `"` and
    /// `\`.
    #[schemars(extend("x-restart" = false))]
    pub(crate) realm: Text,
    /// The longest token, in bytes. A longer one is denied as `token_too_large`.
    #[schemars(range(min = 256, max = 65536), extend("x-restart" = false))]
    pub(crate) max_token_size: u64,
    /// Places where tokens are looked for. More than one credential in a request is malformed.
    #[schemars(length(min = 1), extend("x-restart" = false))]
    pub(crate) token_from: Vec<TokenFromSettings>,
    /// Let requests bring `x-http-method`, `x-http-method-override`, `x-method-override`,
    /// `x-original-url` and `x-rewrite-url` to the service. Frameworks that read them take another
    /// method or path than the one that the rules judged: a client that may GET could DELETE. They
    /// are removed on every allow unless this is `true`, which is safe only if no service behind
    /// this proxy reads them.
    #[schemars(extend("x-restart" = false))]
    pub(crate) forward_override_headers: bool,
    /// Set it if the proxy in front ignores a port in `Host` when it chooses a route, as Istio,
    /// Envoy Gateway and Contour do. Rules then compare hosts without their port.
    #[schemars(extend("x-restart" = false))]
    pub(crate) proxy_ignores_host_port: bool,
    /// The time for which a stopping server still answers calls. Its health is `NOT_SERVING` at
    /// once, so this is the time that load balancers have to notice.
    #[schemars(transform = between("0s", "10m"), extend("x-restart" = false))]
    pub(crate) drain: Time,
    /// The time for calls in flight, after `drain`.
    #[schemars(transform = between("0s", "10m"), extend("x-restart" = false))]
    pub(crate) shutdown_timeout: Time,
    /// Most calls in progress at a time, beside four for each connection; further ones are answered
    /// with 503 `overloaded` at once. Calls that wait for keys, or whose message has not arrived,
    /// do not count. One connection can have a third of them at most.
    #[schemars(range(min = 16, max = 1_000_000), extend("x-restart" = true))]
    pub(crate) max_in_flight: u64,
    /// The memory that the process may use, as Kubernetes writes it, such as `128Mi`, from `64Mi`
    /// to `64Gi`. Set it if the container has no limit. The default is the limit of the control
    /// group, at most `1Gi`; without such a limit, `256Mi`. It bounds everything that callers can
    /// make the server hold.
    #[schemars(extend("x-restart" = true, "x-form" = "\"256Mi\""))]
    pub(crate) memory_limit: Option<String>,
    /// Warnings to accept in this section: code to reason.
    #[schemars(extend("x-restart" = false))]
    pub(crate) accept_warnings: Option<AcceptedWarnings>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            grpc: GrpcSettings::default(),
            health: None,
            admin: None,
            public_keys: None,
            realm: "watchword".into(),
            max_token_size: 16384,
            token_from: vec![TokenFromSettings {
                header: Some("authorization".to_owned()),
                ..TokenFromSettings::default()
            }],
            forward_override_headers: false,
            proxy_ignores_host_port: false,
            drain: Time::seconds(5),
            shutdown_timeout: Time::seconds(10),
            max_in_flight: 4096,
            memory_limit: None,
            accept_warnings: None,
        }
    }
}

/// The gRPC listener.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub(crate) struct GrpcSettings {
    /// Address and port, where port 0 takes a free one; or `unix:` and the path of a Unix socket,
    /// such as `unix:/run/watchword/grpc.sock`.
    pub(crate) address: String,
    /// Access to the Unix socket.
    pub(crate) socket: Option<SocketSettings>,
    /// TLS. Without this section, the listener is plaintext.
    #[schemars(extend("x-restart" = "on or off"))]
    pub(crate) tls: Option<TlsSettings>,
    /// The callers that may call each service.
    #[schemars(extend("x-restart" = false))]
    pub(crate) callers: CallersSettings,
    /// Let anybody ask for the schema of the services (`grpc.reflection.v1` and `v1alpha`),
    /// as grpcurl does.
    pub(crate) reflection: bool,
    /// Most connections at a time, if `memory_limit` has room for as many. A further one takes the
    /// place of the one of least use: one that was never answered, else the one that has been idle
    /// longest.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) max_connections: u64,
    /// Most calls in flight on one connection. Further ones wait at the caller.
    #[schemars(range(min = 1, max = 65536))]
    pub(crate) max_concurrent_streams: u64,
    /// Largest metadata of a call, in bytes, each entry with 32 more (RFC 9113 §6.5.2). A larger
    /// one is answered with HTTP 431, which is an error to Envoy.
    #[schemars(range(min = 16384, max = 1_048_576))]
    pub(crate) max_header_list_size: u64,
    /// The time without traffic after which a connection is sent a ping.
    #[schemars(transform = between("1s", "1h"))]
    pub(crate) keepalive_interval: Time,
    /// The time after which a connection with an unanswered ping is closed.
    #[schemars(transform = between("1s", "5m"))]
    pub(crate) keepalive_timeout: Time,
    /// The age at which a connection is asked to close (GOAWAY). Each has up to a tenth more or
    /// less, so that they do not all come back at once.
    #[schemars(transform = between("1s", "24h"))]
    pub(crate) max_connection_age: Time,
    /// The time after which calls still in flight are then cut.
    #[schemars(transform = between("1s", "1h"))]
    pub(crate) max_connection_age_grace: Time,
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
            keepalive_interval: Time::seconds(30),
            keepalive_timeout: Time::seconds(10),
            max_connection_age: Time::minutes(5),
            max_connection_age_grace: Time::seconds(30),
        }
    }
}

/// Access to a Unix socket.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true))]
pub(crate) struct SocketSettings {
    /// The socket's permissions in octal, in quotes: connecting takes the right to write.
    #[schemars(extend("x-form" = "\"0660\""))]
    pub(crate) mode: String,
    /// The socket's group: a name in `/etc/group`, or a number in quotes. The default is the group
    /// of the process.
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
#[schemars(extend("x-form" = "{certificate: FILE, private_key: FILE}"))]
pub(crate) struct TlsSettings {
    /// A PEM file with the server's certificate, then those between it and the authority.
    pub(crate) certificate: FilePath,
    /// A PEM file with its private key.
    pub(crate) private_key: FilePath,
    /// A PEM file with the authorities of clients' certificates. Without it, clients are not asked
    /// for one.
    pub(crate) client_ca: Option<FilePath>,
    /// The demand for a certificate; only with `client_ca`, and `required` unless given.
    pub(crate) client_certificate: Option<ClientCertificateSetting>,
}

/// The demand for a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientCertificateSetting {
    /// Clients without a certificate cannot connect.
    Required,
    /// Clients may have no certificate. One that they show must be valid.
    Optional,
}

/// The callers that may call each service. Health answers everybody who can connect.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CallersSettings {
    /// Envoy's `Check`.
    pub(crate) check: Option<CallerSettings>,
    /// Watchword's own `Validate`.
    pub(crate) validate: Option<CallerSettings>,
}

/// Proof that a caller must show: a secret, a certificate, or both if both are given.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-form" = "{secret_file: FILE}"))]
pub(crate) struct CallerSettings {
    /// A file with one secret a line, one or two of at least 16 visible ASCII characters. Of two,
    /// either is good, so that they can be replaced one after the other.
    pub(crate) secret_file: Option<FilePath>,
    /// The name of the metadata with the secret.
    #[schemars(extend("default" = "x-watchword-secret"))]
    pub(crate) secret_header: Option<String>,
    /// Names of which the client's certificate must have one: a URI or a DNS name of its
    /// `subjectAltName`, compared exactly. A name with a colon is a URI, any other a DNS name; a
    /// name of the other type does not count. Needs `tls.client_ca`.
    #[schemars(length(min = 1))]
    pub(crate) certificate_names: Option<Vec<Text>>,
}

/// The listener for health.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-form" = "{address: 0.0.0.0:9192}"))]
pub(crate) struct HealthSettings {
    /// Address and port, such as `0.0.0.0:9192`; port 0 takes a free one.
    #[schemars(extend("x-form" = "\"0.0.0.0:9192\""))]
    pub(crate) address: String,
}

/// The listener for public keys: plain HTTP, `GET /.well-known/jwks.json` for those of all issuers
/// and `GET /issuers/NAME/jwks.json` for those of one.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-form" = "{address: \"0.0.0.0:9194\"}"))]
pub(crate) struct PublicKeysSettings {
    /// Address and port, such as `0.0.0.0:9194`; port 0 takes a free one.
    #[schemars(extend("x-form" = "\"0.0.0.0:9194\""))]
    pub(crate) address: String,
}

/// The admin listener.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-form" = "{address: 127.0.0.1:9193}"))]
pub(crate) struct AdminSettings {
    /// Address and port, such as `127.0.0.1:9193`; port 0 takes a free one.
    #[schemars(extend("x-form" = "\"127.0.0.1:9193\""))]
    pub(crate) address: String,
}
