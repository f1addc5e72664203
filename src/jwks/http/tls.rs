//! Whom a fetch trusts, and how it shows who it is.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::jwks::{Access, FetchError};

use super::read_file;
use super::verifier::Verifier;

/// Largest PEM file, in bytes: a bundle of all public authorities is a quarter of it.
const MAX_PEM: usize = 1024 * 1024;

/// Reads all files that are part of `access`, so it blocks.
pub(super) fn config(access: &Access) -> Result<ClientConfig, FetchError> {
    // Not the process-wide provider, which another part of the program could choose.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let trust = match &access.ca {
        Some(bundle) => Ok(trust_in(bundle, &provider)?),
        None => trust_of_system(&provider),
    };
    let verifier = Verifier::new(trust, &provider);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        // These two are what the provider is for.
        .map_err(|_| FetchError::Abandoned)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &access.client_certificate {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|_| {
                FetchError::access(certificate, "the certificate of the private key beside it")
            })?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Trust in the authorities of a bundle, and in no others.
fn trust_in(
    bundle: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, FetchError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(bundle)? {
        let added = roots.add(certificate);
        added.map_err(|_| FetchError::access(bundle, CERTIFICATES))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone());
    let verifier = verifier.build();
    Ok(verifier.map_err(|_| FetchError::access(bundle, CERTIFICATES))?)
}

/// Trust in the authorities of the system, of which a bare container image has none.
fn trust_of_system(
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let verifier = rustls_platform_verifier::Verifier::new(provider.clone())?;
    Ok(Arc::new(verifier))
}

const CERTIFICATES: &str = "a PEM bundle of certificates";

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FetchError> {
    let pem = read_file(path, MAX_PEM)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(FetchError::access(path, CERTIFICATES)),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, FetchError> {
    let key = PrivateKeyDer::from_pem_slice(&read_file(path, MAX_PEM)?);
    key.map_err(|_| FetchError::access(path, "a private key in PEM"))
}
