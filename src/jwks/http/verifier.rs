//! Verifies servers' certificates, and says which certificate it was where that fails: from
//! "unknown issuer" alone an operator cannot tell what to repair.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Longest description and longest reason, in characters: both hold names from elsewhere.
const MAX_TEXT: usize = 300;

/// Hands certificates to another verifier, and explains its refusals.
#[derive(Debug)]
pub(super) struct Verifier {
    trust: Result<Arc<dyn ServerCertVerifier>, Error>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// Without trust in anybody, all certificates are refused for that reason. It is no reason to
    /// refuse plain `http`, so it is not said before.
    pub(super) fn new(
        trust: Result<Arc<dyn ServerCertVerifier>, Error>,
        provider: &CryptoProvider,
    ) -> Self {
        Self {
            trust,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.trust
            .as_ref()
            .map_err(Error::clone)?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|cause| explained(end_entity, intermediates, now, &cause))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A verifier's error, with the certificate that it is about.
fn explained(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
    cause: &Error,
) -> Error {
    // The verifier does not say which certificate of the chain it means; its own dates tell.
    let outdated = || {
        let mut chain = std::iter::once(end_entity).chain(intermediates);
        chain.find(|certificate| !is_valid_at(certificate, now))
    };
    let failing = is_about_time(cause)
        .then(outdated)
        .flatten()
        .unwrap_or(end_entity);
    let (certificate, reason) = (bounded(&describe(failing)), bounded(&cause.to_string()));
    let text: Box<dyn std::error::Error + Send + Sync> = format!("{certificate}: {reason}").into();
    // The other kinds of errors are not printed as their own text.
    Error::Other(OtherError(text.into()))
}

fn is_about_time(cause: &Error) -> bool {
    matches!(
        cause,
        Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    )
}

/// True of a certificate that cannot be read: there is nothing to say about it.
fn is_valid_at(certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
    Certificate::from_der(certificate).map_or(true, |certificate| {
        let validity = certificate.tbs_certificate().validity();
        let from = validity.not_before.to_unix_duration().as_secs();
        let to = validity.not_after.to_unix_duration().as_secs();
        (from..=to).contains(&now.as_secs())
    })
}

fn describe(certificate: &CertificateDer<'_>) -> String {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return "certificate that cannot be read".to_owned();
    };
    let certificate = certificate.tbs_certificate();
    let validity = certificate.validity();
    format!(
        "certificate of {}, issued by {}, valid from {} to {}",
        certificate.subject(),
        certificate.issuer(),
        validity.not_before,
        validity.not_after
    )
}

/// Text from elsewhere, as a log line bears it.
fn bounded(text: &str) -> String {
    let escaped = text.chars().flat_map(|c| {
        let plain = matches!(c, ' '..='~');
        let (kept, escaped) = (plain.then_some(c), (!plain).then(|| c.escape_debug()));
        kept.into_iter().chain(escaped.into_iter().flatten())
    });
    escaped.take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs;

    use crate::jwks::http::tests::server::{certificate, params};

    use super::*;

    #[test]
    fn the_certificate_of_the_chain_that_is_outdated_is_named() {
        let good = certificate(&params("good", &[]));
        let mut expired = params("old", &[]);
        expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let expired = certificate(&expired);
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_700_000_000));
        let (good, chain) = (good.der(), [good.der().clone(), expired.der().clone()]);
        let named =
            |cause| explained(good, &chain, now, &Error::InvalidCertificate(cause)).to_string();
        assert!(named(CertificateError::Expired).contains("certificate of CN=old, "));
        assert!(named(CertificateError::UnknownIssuer).contains("certificate of CN=good, "));
    }

    #[test]
    fn without_authorities_nobody_is_trusted_for_that_reason() {
        let none = Error::General("no authorities".to_owned());
        let verifier = Verifier::new(Err(none.clone()), &aws_lc_rs::default_provider());
        let certificate = certificate(&params("good", &["localhost"]));
        let name = ServerName::try_from("localhost").unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_700_000_000));
        let refused = verifier.verify_server_cert(certificate.der(), &[], &name, &[], now);
        assert_eq!(refused.map(drop), Err(none));
    }
}
