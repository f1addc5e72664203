//! URLs that keys and metadata are fetched from.

use reqwest::Url;

use crate::jwks;

use super::super::settings;
use super::Section;
use super::access::sends_credentials;

impl Section<'_, '_> {
    /// The URL of a setting, if it may be fetched.
    pub(super) fn url(
        &mut self,
        setting: &str,
        text: &str,
        raw: &settings::JwksSettings,
    ) -> Option<Url> {
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
    pub(super) fn well_known(&mut self, raw: &settings::JwksSettings) -> Option<()> {
        let judged = fetchable(&self.raw.issuer, raw).and_then(|url| match url.query() {
            None => Ok(()),
            Some(_) => Err(("a URL with a query".to_owned(), "a URL without it")),
        });
        let (found, expected) = match judged {
            Ok(()) => return Some(()),
            Err(problem) => problem,
        };
        let found = self
            .findings
            .shown(&["issuers", self.name, "issuer"], found);
        self.note(
            &["jwks", "discovery"],
            format!("true, with this issuer: {found}"),
            format!("{expected}, or the URL of the metadata here"),
        );
        None
    }
}

/// The URL, or what was found instead and what was expected. Nothing of it is repeated that may be a secret.
fn fetchable(text: &str, raw: &settings::JwksSettings) -> Result<Url, (String, &'static str)> {
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
    let deny_private = raw.deny_private_addresses == Some(true);
    match jwks::forbidden_literal(&url, deny_private) {
        Some((address, kind)) => Err((format!("{address}, which is {kind}"), "another host")),
        None => Ok(url),
    }
}
