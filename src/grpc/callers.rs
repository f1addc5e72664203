//! Admits callers that know a secret, have a certificate with the right name, or both.

use http::HeaderMap;

use crate::config::CallerDemand;
use crate::listen::Peer;

/// The callers that a front door admits: those that meet its demand, or everybody without one.
#[derive(Clone, Debug, Default)]
pub struct Callers(Option<CallerDemand>);

/// The reason for which a caller is refused. It says no more than the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerRefused {
    #[error("the caller showed no secret")]
    SecretMissing,
    /// Nobody knows who added which.
    #[error("the caller showed more than one secret")]
    SecretRepeated,
    #[error("the caller showed a wrong secret")]
    SecretWrong,
    #[error("the caller has no certificate")]
    CertificateMissing,
    #[error("the caller's certificate has none of the names that are asked for")]
    CertificateNameUnknown,
}

impl Callers {
    /// Those that meet this demand.
    #[must_use]
    pub fn new(demand: Option<CallerDemand>) -> Self {
        Self(demand)
    }

    /// Admits a call with this metadata, from this client.
    ///
    /// # Errors
    /// The reason for which the caller is refused.
    pub fn admit(&self, metadata: &HeaderMap, peer: Option<&Peer>) -> Result<(), CallerRefused> {
        let Some(demand) = &self.0 else {
            return Ok(());
        };
        if let Some(secret) = &demand.secret {
            let mut values = metadata.get_all(&secret.header).iter();
            let given = values.next().ok_or(CallerRefused::SecretMissing)?;
            if values.next().is_some() {
                return Err(CallerRefused::SecretRepeated);
            }
            if !secret.is(given.as_bytes()) {
                return Err(CallerRefused::SecretWrong);
            }
        }
        if !demand.certificate_names.is_empty() {
            let peer = peer.ok_or(CallerRefused::CertificateMissing)?;
            let known = |name| demand.certificate_names.contains(name);
            if !peer.names().iter().any(known) {
                return Err(CallerRefused::CertificateNameUnknown);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
