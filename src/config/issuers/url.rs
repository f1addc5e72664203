//! The URLs of keys and metadata.

use reqwest::Url;

use crate::jwks;

use super::super::setting::Setting;
use super::super::settings::{JwksSettings, Url as UrlSetting};
use super::access::sends_credentials;

impl Setting<'_, '_, JwksSettings> {
    /// The URL of a setting; `None`: it may not be fetched, which is noted.
    pub(super) fn url(&mut self, name: &str, text: &UrlSetting) -> Option<Url> {
        match fetchable(text, self.value) {
            Ok(url) => Some(url),
            Err((found, expected)) => {
                self.member(name, text).found(found, expected);
                None
            }
        }
    }

    /// Checks that metadata can be looked for under the issuer. Issuers have no query (OIDC
    /// Discovery 1.0 §3, RFC 8414 §2), and neither says where it would go.
    pub(super) fn has_well_known_places(&mut self, issuer: &str) -> bool {
        let judged = fetchable(issuer, self.value).and_then(|url| match url.query() {
            None => Ok(()),
            Some(_) => Err(("a URL with a query".to_owned(), "a URL without it")),
        });
        let Err((found, expected)) = judged else {
            return true;
        };
        let found = self.shown_beside("issuer", found);
        self.member("discovery", &()).contradiction(format!(
            "`discovery: true` looks under `issuer`: found {found}; expected {expected}. Fix \
             `issuer`, or set `discovery` to the URL of the metadata"
        ));
        false
    }
}

/// The URL, or the part that was found and the one expected. Parts that may be secret are not
/// quoted.
fn fetchable(text: &str, settings: &JwksSettings) -> Result<Url, (String, &'static str)> {
    let url = parse_url(text).map_err(|found| (found, "a URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if sends_credentials(settings) => {
            return Err(("http".to_owned(), "https, since credentials are sent"));
        }
        "http" if settings.allow_http == Some(true) => {}
        "http" => return Err(("http".to_owned(), "https, or allow_http: true")),
        other => return Err((format!("the scheme {other:?}"), "https")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        let found = "a URL with user, password or fragment".to_owned();
        return Err((found, "a URL without them"));
    }
    let deny_private = settings.deny_private_addresses == Some(true);
    match jwks::forbidden_literal(&url, deny_private) {
        Some((address, kind)) => Err((format!("{address}, which is {kind}"), "another host")),
        None => Ok(url),
    }
}

/// A URL, or words for a text that is none, which do not quote it.
pub(in crate::config) fn parse_url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| format!("text that is not a URL ({error})"))
}
