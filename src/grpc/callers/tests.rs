//! Callers that are admitted, each beside one that is not.

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
        "server: {{grpc: {{tls: {{certificate: c, private_key: k, client_ca: a}}, \
         callers: {settings}}}}}\n\
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
fn peer(names: &[&str]) -> Peer {
    Peer::named(names.iter().map(|name| PeerName::from_text(name)).collect())
}

#[test]
fn everybody_may_call_where_nothing_is_demanded() {
    for callers in [
        Callers::default(),
        callers("none", "{}"),
        callers("other", "{validate: {secret_file: secrets}}"),
    ] {
        assert_eq!(callers.admit(&HeaderMap::new(), None), Ok(()));
    }
}

#[test]
fn only_those_who_know_a_secret_may_call() {
    let callers = callers("secret", "{check: {secret_file: secrets}}");
    let admit = |name, values: &[&str]| callers.admit(&headers(name, values), None);
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
    let admit = |name| callers.admit(&headers(name, &[SECRET]), None);
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
    let admit = |peer: Option<&Peer>| callers.admit(&HeaderMap::new(), peer);
    assert_eq!(admit(Some(&peer(&["spiffe://example.com/envoy"]))), Ok(()));
    assert_eq!(
        admit(Some(&peer(&["other.example.com", "envoy.example.com"]))),
        Ok(())
    );
    assert_eq!(admit(None), Err(CallerRefused::CertificateMissing));
    for others in [
        &[][..],
        &["spiffe://example.com/envoy/"],
        &["spiffe://example.com/env"],
        &["Envoy.example.com"],
        &["*.example.com"],
    ] {
        let refused = admit(Some(&peer(others)));
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
    let admit = |name| callers.admit(&HeaderMap::new(), Some(&Peer::named([name].into())));
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
    assert_eq!(callers.admit(&secret, Some(&name)), Ok(()));
    let refused = callers.admit(&secret, None);
    assert_eq!(refused, Err(CallerRefused::CertificateMissing));
    let refused = callers.admit(&HeaderMap::new(), Some(&name));
    assert_eq!(refused, Err(CallerRefused::SecretMissing));
}
