//! TLS on a listener: the files it is made from, and the settings of the next handshake.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{Error, RootCertStore, ServerConfig};
use tracing::warn;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::time::Time;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::files::read_bounded;
use crate::token::UnixTime;

/// Largest PEM file, in bytes.
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
    /// The file.
    pub path: PathBuf,
    /// The problem.
    pub problem: TlsProblem,
}

/// A problem of a file for TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsProblem {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(std::io::Error),
    /// It is too large.
    #[error("more than {MAX_PEM} bytes")]
    TooLarge,
    /// It has no certificate, or a block that cannot be read.
    #[error("no certificates in PEM: {0}")]
    NoCertificates(rustls::pki_types::pem::Error),
    /// It has no private key.
    #[error("no unencrypted private key in PEM: {0}")]
    NoKey(rustls::pki_types::pem::Error),
    /// The private key belongs to another certificate.
    #[error("the private key is not that of {}", .certificate.display())]
    OtherKey {
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// Its content is not usable.
    #[error("not usable: {0}")]
    Unusable(Error),
    /// None of its certificates is usable as an authority.
    #[error("no authorities of clients: {0}")]
    Authorities(rustls::server::VerifierBuilderError),
}

/// The settings of the next handshake. Clones share them.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    /// Settings that [`load_tls`] has made.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(ArcSwap::new(config)))
    }

    /// Replaces the settings of all handshakes from now on. Open connections keep theirs.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        self.0.store(config);
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Reads the files, so it blocks. Warns of a certificate that is not valid now, and uses it: it is
/// for clients to refuse it.
///
/// # Errors
/// [`TlsError`], for the first file that cannot be used.
pub fn load_tls(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
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
    warn_of_dates(&files.certificate, &chain);
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
    Ok(Arc::new(config))
}

/// The time at which the server's certificate expires. Reads the file, so it blocks. `None` if it
/// cannot.
#[must_use]
pub fn certificate_expiry(files: &TlsFiles) -> Option<UnixTime> {
    let chain = certificates(&files.certificate).ok()?;
    let leaf = Certificate::from_der(chain.first()?).ok()?;
    Some(unix(leaf.tbs_certificate().validity().not_after))
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
    let certificates = certificates.and_then(|certificates| match certificates.as_slice() {
        [] => Err(rustls::pki_types::pem::Error::NoItemsFound),
        _ => Ok(certificates),
    });
    certificates.map_err(|error| TlsProblem::NoCertificates(error).with(path))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(&read(path)?);
    key.map_err(|error| TlsProblem::NoKey(error).with(path))
}

/// Reads a file into memory that is wiped when it is dropped.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    match read_bounded(path, MAX_PEM) {
        Ok(Some(content)) => Ok(content.into()),
        Ok(None) => Err(TlsProblem::TooLarge.with(path)),
        Err(error) => Err(TlsProblem::Unreadable(error).with(path)),
    }
}

fn warn_of_dates(path: &Path, chain: &[CertificateDer<'_>]) {
    let leaf = chain.first().map(|leaf| Certificate::from_der(leaf));
    // rustls refuses one that cannot be read.
    let Some(Ok(leaf)) = leaf else { return };
    let validity = leaf.tbs_certificate().validity();
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
