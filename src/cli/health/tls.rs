//! A connection with TLS to a server that was named on the command line.

use std::future::Future;
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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;
use tower_service::Service;

type TlsConnection = TokioIo<TlsStream<Box<dyn IoStream>>>;

pub(super) trait IoStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> IoStream for T {}

/// Connects to one server, whatever it is asked for.
#[derive(Clone)]
pub(super) struct TlsConnector {
    address: Arc<str>,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl TlsConnector {
    /// Trusts the authorities in this file only. The name is the address's host, unless it is given.
    pub(super) fn new(address: &str, ca: &Path, name: Option<&str>) -> anyhow::Result<Self> {
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
            name,
            config: Arc::new(config),
        })
    }

    async fn connect(self) -> std::io::Result<TlsConnection> {
        let stream: Box<dyn IoStream> = match self.address.strip_prefix("unix:") {
            Some(path) => Box::new(UnixStream::connect(path).await?),
            None => Box::new(TcpStream::connect(&*self.address).await?),
        };
        let connector = tokio_rustls::TlsConnector::from(self.config);
        Ok(TokioIo::new(connector.connect(self.name, stream).await?))
    }
}

impl Service<Uri> for TlsConnector {
    type Response = TlsConnection;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<TlsConnection>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}
