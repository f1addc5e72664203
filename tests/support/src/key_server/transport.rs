//! The protocols below HTTP that a key server can speak on its port.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::pki::{self, Identity};

/// The beginning of a connection. A change applies to new connections only.
#[derive(Clone)]
pub enum Transport {
    /// TLS 1.2 and 1.3.
    Tls(TlsAcceptor),
    /// The server hello of a server that supports nothing newer than TLS 1.1, and no more.
    Tls11,
    /// HTTP without TLS. Like web servers, it answers a client hello with 400 in plain text.
    Plain,
    /// Each connection is closed at once.
    Closed,
    /// Connections are accepted and nothing is ever sent.
    Silent,
}

impl Transport {
    /// TLS under this certificate.
    pub fn tls(identity: &Identity) -> Self {
        Self::with_versions(identity, rustls::DEFAULT_VERSIONS)
    }

    /// TLS 1.2 and no other.
    pub fn tls12(identity: &Identity) -> Self {
        Self::with_versions(identity, &[&rustls::version::TLS12])
    }

    /// TLS that requires a client certificate of the trusted authority.
    pub fn mutual_tls(identity: &Identity) -> Self {
        let roots = Arc::new(pki::roots());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, pki::provider())
            .build()
            .unwrap();
        let config = ServerConfig::builder_with_provider(pki::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(identity.chain(), identity.private_key())
            .unwrap();
        Self::Tls(Arc::new(config).into())
    }

    fn with_versions(
        identity: &Identity,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Self {
        let config = ServerConfig::builder_with_provider(pki::provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain(), identity.private_key())
            .unwrap();
        Self::Tls(Arc::new(config).into())
    }
}

/// A connection that HTTP can be spoken on.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;

    /// True if the client showed a certificate that was accepted.
    fn has_client_certificate(&self) -> bool;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }

    fn has_client_certificate(&self) -> bool {
        false
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn has_client_certificate(&self) -> bool {
        self.get_ref().1.peer_certificates().is_some()
    }
}

/// Answers a client hello with version 1.1, as RFC 4346 §7.4.1.3 has it, and waits for what the
/// client makes of it.
pub(super) async fn choose_tls11(mut tcp: TcpStream) -> io::Result<()> {
    let mut record = [0; 5];
    tcp.read_exact(&mut record).await?;
    let mut hello = vec![0; usize::from(u16::from_be_bytes([record[3], record[4]]))];
    tcp.read_exact(&mut hello).await?;
    let mut answer = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    answer.extend([7; 32]);
    // No session; TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA; no compression.
    answer.extend([0, 0xc0, 0x13, 0]);
    tcp.write_all(&answer).await?;
    gone(&mut tcp).await;
    Ok(())
}

/// True if the first byte is that of a handshake record (RFC 8446 §5.1), and of no HTTP method.
pub(super) async fn begins_with_tls(tcp: &TcpStream) -> bool {
    let mut first = [0];
    tcp.peek(&mut first).await.is_ok() && first == [22]
}

/// Returns when the client has left. Bytes that it still sends are ignored.
pub(super) async fn gone(stream: &mut (impl AsyncRead + Unpin)) {
    let mut ignored = [0; 256];
    while matches!(stream.read(&mut ignored).await, Ok(1..)) {}
}
