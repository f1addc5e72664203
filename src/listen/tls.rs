//! TLS on a listener: the files it is made from, and the settings of the next handshake.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{Error, RootCertStore, ServerConfig};
use tracing::warn;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::time::{Time, Validity};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::files::read_secret;
use crate::token::UnixTime;

const MAX_PEM: usize = 1024 * 1024;

/// The files for TLS.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, then those between it and the authority, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub private_key: PathBuf,
    /// The authorities of clients' certificates, in PEM, and the demand for a certificate.
    pub clients: Option<(PathBuf, ClientCertificate)>,
}

/// The demand for a certificate of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// A client without one is refused.
    Required,
    /// A client may have none, but not a bad one.
    Optional,
}

/// A file that cannot be used for TLS.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct TlsError {
    pub(crate) path: PathBuf,
    pub(crate) problem: TlsProblem,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsProblem {
    #[error("{0}")]
    Unreadable(io::Error),
    /// It has no certificate, or a block that cannot be read.
    #[error("no certificates in PEM: {0}")]
    NoCertificates(pem::Error),
    #[error("no unencrypted private key in PEM: {0}")]
    NoKey(pem::Error),
    #[error("the private key is not that of {}", .certificate.display())]
    OtherKey { certificate: PathBuf },
    #[error("not usable: {0}")]
    Unusable(Error),
    /// None of its certificates is usable as an authority.
    #[error("no authorities of clients: {0}")]
    Authorities(VerifierBuilderError),
}

/// The content of [`TlsFiles`], ready for handshakes.
pub struct LoadedTls {
    config: Arc<ServerConfig>,
    /// When the server's certificate expires.
    pub(crate) expiry: Option<UnixTime>,
}

/// The settings of the next handshake. Clones share them.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    /// Settings that can be replaced.
    #[must_use]
    pub fn new(loaded: LoadedTls) -> Self {
        Self(Arc::new(ArcSwap::new(loaded.config)))
    }

    /// Replaces the settings of all handshakes from now on. Open connections keep theirs.
    pub fn replace(&self, loaded: LoadedTls) {
        self.0.store(loaded.config);
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// Reads the files, so it blocks. Warns of a certificate that is not valid now, and uses it: it is
/// for clients to refuse it.
///
/// # Errors
/// The first file that cannot be used, and why.
pub fn load_tls(files: &TlsFiles) -> Result<LoadedTls, TlsError> {
    // Not the process-wide provider, which another part of the program could choose.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let unusable = |error| TlsProblem::Unusable(error).with(&files.certificate);
    let chain = certificates(&files.certificate)?;
    let key = private_key(&files.private_key)?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(unusable)?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some((ca, need)) => builder.with_client_cert_verifier(verifier(ca, *need, provider)?),
    };
    // rustls refuses one that cannot be read.
    let leaf = chain
        .first()
        .and_then(|leaf| Certificate::from_der(leaf).ok());
    let validity = leaf.map(|leaf| *leaf.tbs_certificate().validity());
    if let Some(validity) = &validity {
        warn_of_dates(&files.certificate, validity);
    }
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| match error {
        Error::InconsistentKeys(_) => {
            let certificate = files.certificate.clone();
            TlsProblem::OtherKey { certificate }.with(&files.private_key)
        }
        other => unusable(other),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session would skip the check of the client's certificate, which may have expired by
    // then. Proxies keep their connections, so there is little to gain.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(LoadedTls {
        config: Arc::new(config),
        expiry: validity.map(|validity| unix(validity.not_after)),
    })
}

fn unix(time: Time) -> UnixTime {
    UnixTime::EPOCH.plus(time.to_unix_duration())
}

fn verifier(
    path: &Path,
    need: ClientCertificate,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|error| TlsProblem::Unusable(error).with(path))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
    let builder = match need {
        ClientCertificate::Required => builder,
        ClientCertificate::Optional => builder.allow_unauthenticated(),
    };
    let verifier = builder.build();
    verifier.map_err(|error| TlsProblem::Authorities(error).with(path))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = match certificates {
        Ok(certificates) if certificates.is_empty() => Err(pem::Error::NoItemsFound),
        read => read,
    };
    certificates.map_err(|error| TlsProblem::NoCertificates(error).with(path))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(&read(path)?);
    key.map_err(|error| TlsProblem::NoKey(error).with(path))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    read_secret(path, MAX_PEM).map_err(|error| TlsProblem::Unreadable(error).with(path))
}

fn warn_of_dates(path: &Path, validity: &Validity) {
    let (from, to) = (validity.not_before, validity.not_after);
    if !(unix(from)..=unix(to)).contains(&Clock::system().now()) {
        let path = path.display();
        warn!(
            %path,
            %from,
            %to,
            "the server's certificate is not valid now; clients will refuse it"
        );
    }
}

impl TlsProblem {
    fn with(self, path: &Path) -> TlsError {
        TlsError {
            path: path.to_owned(),
            problem: self,
        }
    }
}
