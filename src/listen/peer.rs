//! Who is at the other end of a connection, as far as TLS proved it.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// A client whose certificate was verified. It is among the extensions of each of its requests.
#[derive(Clone, Debug)]
pub struct Peer {
    names: Arc<[Box<str>]>,
}

impl Peer {
    /// From the certificates of a handshake that was completed; `None` where the client showed none.
    pub(super) fn verified(chain: Option<&[CertificateDer<'_>]>) -> Option<Self> {
        let names = names(chain?.first()?);
        Some(Self {
            names: names.into(),
        })
    }

    /// A client with these names, for tests.
    #[cfg(test)]
    pub(crate) fn named(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(|name| (*name).into()).collect(),
        }
    }

    /// Its names: URIs and DNS names of the certificate's `subjectAltName` (RFC 5280 §4.2.1.6), as they stand there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

/// None at all of a certificate that cannot be read.
fn names(certificate: &CertificateDer<'_>) -> Vec<Box<str>> {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let names = certificate.tbs_certificate().get_extension();
    let Ok(Some((_, SubjectAltName(names)))) = names else {
        return Vec::new();
    };
    let name = |name: &GeneralName| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().into()),
        GeneralName::DnsName(name) => Some(name.as_str().into()),
        _ => None,
    };
    names.iter().filter_map(name).collect()
}
