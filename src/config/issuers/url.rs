//! URLs that keys and metadata are fetched from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use super::super::raw;
use super::Section;
use super::access::sends_credentials;

/// Where clouds answer whoever asks with credentials of the machine. The others are link-local.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
];

impl Section<'_, '_> {
    /// The URL of a setting, if it may be fetched.
    pub(super) fn url(&mut self, setting: &str, text: &str, raw: &raw::Jwks) -> Option<Url> {
        match fetchable(text, raw) {
            Ok(url) => Some(url),
            Err((found, expected)) => {
                self.note(&["jwks", setting], found, expected);
                None
            }
        }
    }

    /// Sees to it that metadata can be looked for under the issuer. Issuers have no query (OIDC Discovery 1.0 §3,
    /// RFC 8414 §2): where it would have to go is not said.
    pub(super) fn well_known(&mut self, raw: &raw::Jwks) -> Option<()> {
        let judged = fetchable(&self.raw.issuer, raw).and_then(|url| match url.query() {
            None => Ok(()),
            Some(_) => Err(("a URL with a query".to_owned(), "a URL without it")),
        });
        let (found, expected) = match judged {
            Ok(()) => return Some(()),
            Err(problem) => problem,
        };
        self.note(
            &["jwks", "discovery"],
            format!("true, with this issuer: {found}"),
            format!("{expected}, or the URL of the metadata here"),
        );
        None
    }
}

/// The URL, or what was found instead and what was expected. Nothing of it is repeated that may be a secret.
fn fetchable(text: &str, raw: &raw::Jwks) -> Result<Url, (String, &'static str)> {
    let url = Url::parse(text).map_err(|error| (error.to_string(), "a URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if sends_credentials(raw) => {
            return Err(("http".to_owned(), "https, since credentials are sent"));
        }
        "http" if raw.allow_http == Some(true) => {}
        "http" => return Err(("http".to_owned(), "https, or allow_http: true")),
        other => return Err((format!("the scheme {other:?}"), "https")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err((
            "a URL with user, password or fragment".to_owned(),
            "a URL without them",
        ));
    }
    match address(&url) {
        Some(address) if is_never_fetched_from(address) => Err((
            format!("{address}, a link-local or metadata address"),
            "another host",
        )),
        _ => Ok(url),
    }
}

/// The address that stands in a URL in place of a name, in whatever way it is written.
fn address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(host).parse().ok()?;
    Some(address.to_canonical())
}

fn is_never_fetched_from(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    link_local || METADATA.contains(&address)
}
