//! Who may call a service: whoever knows a secret, or has a certificate with the right name, or both.

use http::{Extensions, HeaderMap};

use crate::config::CallerDemand;
use crate::listen::Peer;

/// The callers of a service.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    demand: Option<CallerDemand>,
}

/// Why a call is refused before it is read. None of it says more than the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerRefused {
    /// There is no secret in the metadata.
    #[error("the caller showed no secret")]
    SecretMissing,
    /// There are several: nobody knows who added which.
    #[error("the caller showed more than one secret")]
    SecretRepeated,
    /// It is not one of those that are known.
    #[error("the caller showed a wrong secret")]
    SecretWrong,
    /// The connection is not one of a client with a verified certificate.
    #[error("the caller has no certificate")]
    CertificateMissing,
    /// The certificate is good, but for somebody else.
    #[error("the caller's certificate has none of the names that are asked for")]
    CertificateNameUnknown,
}

impl Callers {
    /// Callers that show this; `None`: everybody.
    #[must_use]
    pub fn new(demand: Option<CallerDemand>) -> Self {
        Self { demand }
    }

    /// Whether a call with this metadata, and these extensions, is one of theirs.
    ///
    /// # Errors
    /// [`CallerRefused`].
    pub fn admit(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<(), CallerRefused> {
        match &self.demand {
            Some(demand) => demand.check(headers, extensions),
            None => Ok(()),
        }
    }
}

impl CallerDemand {
    fn check(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<(), CallerRefused> {
        if let Some(secret) = &self.secret {
            let mut values = headers.get_all(secret.header()).iter();
            let given = values.next().ok_or(CallerRefused::SecretMissing)?;
            if values.next().is_some() {
                return Err(CallerRefused::SecretRepeated);
            }
            if !secret.is(given.as_bytes()) {
                return Err(CallerRefused::SecretWrong);
            }
        }
        if !self.certificate_names.is_empty() {
            let peer = extensions.get::<Peer>();
            let peer = peer.ok_or(CallerRefused::CertificateMissing)?;
            let known = |name| self.certificate_names.contains(name);
            if !peer.names().iter().any(known) {
                return Err(CallerRefused::CertificateNameUnknown);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use http::HeaderValue;

    use crate::config::Config;
    use crate::listen::PeerName;

    use super::*;

    const SECRET: &str = "a-secret-of-enough-bytes";
    const NEXT: &str = "another-secret-of-enough";

    /// Callers of `Check` as a configuration has them.
    fn callers(name: &str, settings: &str) -> Callers {
        let folder = std::env::temp_dir().join(format!("callers-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("secrets"), format!("{SECRET}\n{NEXT}\n")).unwrap();
        let text = format!(
            "server: {{grpc: {{tls: {{certificate: c, private_key: k, client_ca: a}}, callers: {settings}}}}}\n\
             issuers: {{corp: {{issuer: a, any_audience: true, jwks: {{file: k}}}}}}\n"
        );
        let config = Config::parse(&text, &folder.join(Path::new("w.yaml")));
        std::fs::remove_dir_all(&folder).unwrap();
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        Callers::new(config.server.grpc.callers.check)
    }

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// A client whose names are of the types that their texts have.
    fn peer(names: &[&str]) -> Extensions {
        let names: Vec<_> = names.iter().map(|name| PeerName::from_text(name)).collect();
        peer_with(&names)
    }

    fn peer_with(names: &[PeerName]) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Peer::named(names));
        extensions
    }

    #[test]
    fn everybody_may_call_where_nothing_is_demanded() {
        for callers in [
            Callers::default(),
            callers("none", "{}"),
            callers("other", "{validate: {secret_file: secrets}}"),
        ] {
            assert_eq!(callers.admit(&HeaderMap::new(), &Extensions::new()), Ok(()));
        }
    }

    #[test]
    fn only_those_who_know_a_secret_may_call() {
        let callers = callers("secret", "{check: {secret_file: secrets}}");
        let admit =
            |name, values: &[&str]| callers.admit(&headers(name, values), &Extensions::new());
        let name = "x-watchword-secret";
        assert_eq!(admit(name, &[SECRET]), Ok(()));
        assert_eq!(admit(name, &[NEXT]), Ok(()));
        assert_eq!(admit(name, &[]), Err(CallerRefused::SecretMissing));
        assert_eq!(
            admit("x-other", &[SECRET]),
            Err(CallerRefused::SecretMissing)
        );
        assert_eq!(
            admit(name, &[SECRET, SECRET]),
            Err(CallerRefused::SecretRepeated)
        );
        let upper = SECRET.to_uppercase();
        let (short, long) = (&SECRET[1..], format!("{SECRET}a"));
        for wrong in ["", short, &long, &upper, &format!("{SECRET},{NEXT}")] {
            assert_eq!(
                admit(name, &[wrong]),
                Err(CallerRefused::SecretWrong),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_secret_may_have_another_header() {
        let settings = "{check: {secret_file: secrets, secret_header: X-Mine}}";
        let callers = callers("header", settings);
        let admit = |name| callers.admit(&headers(name, &[SECRET]), &Extensions::new());
        assert_eq!(admit("x-mine"), Ok(()));
        assert_eq!(
            admit("x-watchword-secret"),
            Err(CallerRefused::SecretMissing)
        );
    }

    #[test]
    fn only_certificates_with_a_listed_name_may_call() {
        let names = "[spiffe://example.com/envoy, envoy.example.com]";
        let callers = callers(
            "names",
            &format!("{{check: {{certificate_names: {names}}}}}"),
        );
        let admit = |extensions: &Extensions| callers.admit(&HeaderMap::new(), extensions);
        assert_eq!(admit(&peer(&["spiffe://example.com/envoy"])), Ok(()));
        assert_eq!(
            admit(&peer(&["other.example.com", "envoy.example.com"])),
            Ok(())
        );
        assert_eq!(
            admit(&Extensions::new()),
            Err(CallerRefused::CertificateMissing)
        );
        for others in [
            &[][..],
            &["spiffe://example.com/envoy/"],
            &["spiffe://example.com/env"],
            &["Envoy.example.com"],
            &["*.example.com"],
        ] {
            let refused = admit(&peer(others));
            assert_eq!(
                refused,
                Err(CallerRefused::CertificateNameUnknown),
                "{others:?}"
            );
        }
    }

    /// A certificate authority that checks DNS names may sign any text as one.
    #[test]
    fn a_name_of_another_type_does_not_count() {
        let names = "[spiffe://example.com/envoy, envoy.example.com]";
        let callers = callers(
            "types",
            &format!("{{check: {{certificate_names: {names}}}}}"),
        );
        let admit = |name| callers.admit(&HeaderMap::new(), &peer_with(&[name]));
        let refused = Err(CallerRefused::CertificateNameUnknown);
        let (spiffe, host) = ("spiffe://example.com/envoy", "envoy.example.com");
        assert_eq!(admit(PeerName::Uri(spiffe.into())), Ok(()));
        assert_eq!(admit(PeerName::Dns(spiffe.into())), refused);
        assert_eq!(admit(PeerName::Dns(host.into())), Ok(()));
        assert_eq!(admit(PeerName::Uri(host.into())), refused);
    }

    #[test]
    fn where_both_are_demanded_one_is_not_enough() {
        let settings = "{check: {secret_file: secrets, certificate_names: [a.example]}}";
        let callers = callers("both", settings);
        let (secret, name) = (
            headers("x-watchword-secret", &[SECRET]),
            peer(&["a.example"]),
        );
        assert_eq!(callers.admit(&secret, &name), Ok(()));
        let refused = callers.admit(&secret, &Extensions::new());
        assert_eq!(refused, Err(CallerRefused::CertificateMissing));
        let refused = callers.admit(&HeaderMap::new(), &name);
        assert_eq!(refused, Err(CallerRefused::SecretMissing));
    }
}
