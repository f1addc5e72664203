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
    names: Arc<[PeerName]>,
}

/// A name in a certificate's `subjectAltName` (RFC 5280 §4.2.1.6). Names of two types are never
/// equal: an authority that vouches for DNS names need not have looked at one that reads like a
/// URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerName {
    /// `uniformResourceIdentifier`, such as a SPIFFE ID.
    Uri(Box<str>),
    /// `dNSName`.
    Dns(Box<str>),
}

impl PeerName {
    /// The name that people mean by this text. A URI has a colon after its scheme (RFC 3986 §3),
    /// and a DNS name has none.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if text.contains(':') {
            Self::Uri(text.into())
        } else {
            Self::Dns(text.into())
        }
    }
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
    pub(crate) fn named(names: &[PeerName]) -> Self {
        Self {
            names: names.into(),
        }
    }

    /// Its names: URIs and DNS names of the certificate's `subjectAltName`, as they stand there.
    #[must_use]
    pub fn names(&self) -> &[PeerName] {
        &self.names
    }
}

/// None at all of a certificate that cannot be read.
fn names(certificate: &CertificateDer<'_>) -> Vec<PeerName> {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let names = certificate.tbs_certificate().get_extension();
    let Ok(Some((_, SubjectAltName(names)))) = names else {
        return Vec::new();
    };
    let name = |name: &GeneralName| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(PeerName::Uri(uri.as_str().into())),
        GeneralName::DnsName(name) => Some(PeerName::Dns(name.as_str().into())),
        _ => None,
    };
    names.iter().filter_map(name).collect()
}
