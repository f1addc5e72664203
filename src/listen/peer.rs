//! The client of a connection, if TLS has verified its certificate.

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// A client whose certificate was verified.
#[derive(Debug)]
pub struct Peer {
    names: Box<[PeerName]>,
}

/// A name in a certificate's `subjectAltName` (RFC 5280 §4.2.1.6). Names of two types are never
/// equal: an authority that vouches for DNS names need not have looked at one that reads like a
/// URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeerName {
    /// `uniformResourceIdentifier`, such as a SPIFFE ID.
    Uri(Box<str>),
    /// `dNSName`.
    Dns(Box<str>),
}

impl PeerName {
    /// A URI if the text has a colon, as after a scheme (RFC 3986 §3); else a DNS name.
    pub(crate) fn from_text(text: &str) -> Self {
        if text.contains(':') {
            Self::Uri(text.into())
        } else {
            Self::Dns(text.into())
        }
    }
}

impl Peer {
    /// The client of a complete handshake; `None` if it showed no certificate.
    pub(super) fn verified(chain: Option<&[CertificateDer<'_>]>) -> Option<Self> {
        let names = names(chain?.first()?).into();
        Some(Self { names })
    }

    #[cfg(test)]
    pub(crate) fn named(names: Box<[PeerName]>) -> Self {
        Self { names }
    }

    /// The URIs and DNS names of the certificate's `subjectAltName`, as they stand there.
    pub(crate) fn names(&self) -> &[PeerName] {
        &self.names
    }
}

/// The names of a certificate; none if it cannot be read.
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
