//! A key server for tests: over TLS or without, one request a connection, and as faulty as wanted.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest::Url;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::jwks::{Access, Content, FetchError, Fetched};

/// The answers of a server.
pub(in crate::jwks) enum Reply {
    /// These bytes, and then the end.
    Bytes(Vec<u8>),
    /// These bytes, and no end of the connection.
    Open(Vec<u8>),
    /// These bytes, and chunks of a body for as long as they are taken.
    Endless(Vec<u8>),
}

/// Answers requests, and keeps their heads. Ends when it is dropped.
pub(in crate::jwks) struct Server {
    scheme: &'static str,
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

type Handler = dyn Fn(&str) -> Reply + Send + Sync;

impl Server {
    pub(in crate::jwks) async fn http(
        handler: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(None, Arc::new(handler)).await
    }

    pub(in crate::jwks) async fn https(
        config: ServerConfig,
        handler: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(config), Arc::new(handler)).await
    }

    async fn start(tls: Option<ServerConfig>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = heads.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, handler, kept) = (acceptor.clone(), handler.clone(), kept.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, &*handler, &kept).await,
                        // A client that does not like the certificate goes away here.
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => serve(stream, &*handler, &kept).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self {
            scheme,
            port,
            heads,
            task,
        }
    }

    /// A URL at this server by the name `localhost`.
    pub(in crate::jwks) fn url(&self, path: &str) -> Url {
        self.url_at("localhost", path)
    }

    pub(in crate::jwks) fn url_at(&self, host: &str, path: &str) -> Url {
        let url = format!("{}://{host}:{}{path}", self.scheme, self.port);
        url.parse().unwrap()
    }

    /// The requests until now, in lower case.
    pub(in crate::jwks) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The paths of the requests until now.
    pub(in crate::jwks) fn paths(&self) -> Vec<String> {
        let path = |head: String| head.split(' ').nth(1).unwrap().to_owned();
        self.heads().into_iter().map(path).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    handler: &Handler,
    kept: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    kept.lock().unwrap().push(head.to_lowercase());
    match handler(&head) {
        Reply::Bytes(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            stream.shutdown().await.ok()
        }
        Reply::Open(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            stream.flush().await.ok()?;
            // Ends when the client goes away.
            stream.read_u8().await.ok().map(drop)
        }
        Reply::Endless(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            let chunk = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk).await.ok()?;
            }
        }
    }
}

/// An answer with a body and its right length; `fields` are lines that end with line breaks.
pub(in crate::jwks) fn reply(status: &str, fields: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(
        format!("HTTP/1.1 {status}\r\n{fields}content-length: {length}\r\n\r\n{body}").into(),
    )
}

pub(in crate::jwks) fn ok(body: &str) -> Reply {
    reply("200 OK", "", body)
}

pub(in crate::jwks) fn redirect(to: &str) -> Reply {
    reply("302 Found", &format!("location: {to}\r\n"), "")
}

/// A certificate authority.
pub(in crate::jwks) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(in crate::jwks) struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub(in crate::jwks) fn new(name: &str) -> Self {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(in crate::jwks) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(in crate::jwks) fn issue(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { certificate, key }
    }

    /// A server of `localhost`.
    pub(in crate::jwks) fn server(&self) -> ServerConfig {
        self.issue(&params("keys of localhost", &["localhost"]))
            .server()
    }
}

impl Identity {
    pub(in crate::jwks) fn pems(&self) -> (String, String) {
        (self.certificate.pem(), self.key.serialize_pem())
    }

    pub(in crate::jwks) fn server(&self) -> ServerConfig {
        self.server_for(None)
    }

    /// A server that wants certificates of an authority from its clients.
    pub(in crate::jwks) fn server_for(&self, clients: Option<&Authority>) -> ServerConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(authority.0.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
                builder.with_client_cert_verifier(verifier.unwrap())
            }
        };
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let certificate: CertificateDer<'static> = self.certificate.der().clone();
        builder.with_single_cert(vec![certificate], key).unwrap()
    }
}

pub(in crate::jwks) fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A certificate that nobody but itself has signed.
pub(in crate::jwks) fn certificate(params: &CertificateParams) -> rcgen::Certificate {
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

/// A directory that is removed when it is dropped.
pub(in crate::jwks) struct Directory(PathBuf);

impl Directory {
    pub(in crate::jwks) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("watchword-http-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(in crate::jwks) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left over is left to the system.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Access over plain HTTP.
pub(in crate::jwks) fn plain() -> Access {
    Access {
        allow_http: true,
        connect_timeout: Duration::from_secs(10),
        ..Access::default()
    }
}

/// Access over TLS only, with trust in the authorities of a file.
pub(in crate::jwks) fn trusting(ca: &Path) -> Access {
    Access {
        ca: Some(ca.to_owned()),
        allow_http: false,
        ..plain()
    }
}

/// The bytes of the one document, or the error with its causes.
pub(in crate::jwks) fn document(fetched: Result<Fetched, FetchError>) -> Result<String, String> {
    match fetched.map(|fetched| fetched.content) {
        Ok(Content::Documents { documents, .. }) => {
            Ok(String::from_utf8(documents.concat()).unwrap())
        }
        Ok(Content::NotModified) => Ok("not modified".to_owned()),
        Err(error) => Err(error.with_causes()),
    }
}
