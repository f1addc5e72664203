//! A connection to the server that the command line names.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::Context as _;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tower_service::Service;

use crate::listen::ByteStream;

/// The opening of HTTP/2 (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first byte of an alert (RFC 8446 §5.1), with which TLS answers that opening.
const TLS_ALERT: u8 = 21;

type ServerConnection = TokioIo<Box<dyn ByteStream>>;

/// Connects to one server; the URI of the request does not matter.
#[derive(Clone)]
pub(super) struct ServerConnector {
    address: Arc<str>,
    tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
}

impl ServerConnector {
    pub(super) fn plaintext(address: &str) -> Self {
        Self {
            address: address.into(),
            tls: None,
        }
    }

    /// Trusts the authorities in this file only. The default of `name` is the address's host.
    pub(super) fn tls(address: &str, ca: &Path, name: Option<&str>) -> anyhow::Result<Self> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = name.unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).context("the server's name: see --tls-name")?;
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(ca).with_context(|| ca.display().to_string())?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let added = certificate.map_err(anyhow::Error::from);
            let added = added.and_then(|certificate| Ok(roots.add(certificate)?));
            added.with_context(|| ca.display().to_string())?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self {
            address: address.into(),
            tls: Some((name, Arc::new(config))),
        })
    }

    /// Returns true if the server answers plaintext as TLS does.
    pub(super) async fn expects_tls(&self) -> bool {
        let Ok(mut stream) = self.open().await else {
            return false;
        };
        let mut first = [0];
        let sent = stream.write_all(PREFACE).await.is_ok();
        sent && stream.read_exact(&mut first).await.is_ok() && first == [TLS_ALERT]
    }

    async fn open(&self) -> std::io::Result<Box<dyn ByteStream>> {
        Ok(match self.address.strip_prefix("unix:") {
            Some(path) => Box::new(UnixStream::connect(path).await?),
            None => Box::new(TcpStream::connect(&*self.address).await?),
        })
    }

    async fn connect(self) -> std::io::Result<ServerConnection> {
        let stream = self.open().await?;
        let Some((name, config)) = self.tls else {
            return Ok(TokioIo::new(stream));
        };
        let connector = tokio_rustls::TlsConnector::from(config);
        Ok(TokioIo::new(Box::new(
            connector.connect(name, stream).await?,
        )))
    }
}

impl Service<Uri> for ServerConnector {
    type Response = ServerConnection;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<ServerConnection>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}
