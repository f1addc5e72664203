//! Fetches over HTTP: bounded in size, with few redirects, and never at a forbidden address.
//!
//! Time is bounded by the caller, who drops the future.

use std::path::Path;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
};
use http::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Proxy, Response, StatusCode, Url};
use zeroize::Zeroizing;

use crate::files::read_secret;

use super::source::shown;
use super::{Access, Content, FetchError, Fetched, Validators};

pub(super) use addresses::Forbidden;
use addresses::Resolver;
pub(crate) use addresses::forbidden_literal;

mod addresses;
mod body;
mod freshness;
mod headers;
mod tls;
mod verifier;

const MAX_REDIRECTS: usize = 3;
/// Longest text from elsewhere in an error, in characters.
pub(super) const MAX_SHOWN: usize = 200;
/// Kubernetes' API server has only the first, and answers 406 where it is not listed.
const ACCEPTED: &str = "application/jwk-set+json, application/json, \
    application/pem-certificate-chain, */*;q=0.5";

/// Fetches the keys at a URL. `known` is what the last fetch brought.
pub(super) async fn fetch_uri(
    access: &Access,
    url: &Url,
    known: Option<&Validators>,
) -> Result<Fetched, FetchError> {
    Client::new(access, url).await?.keys(url, known).await
}

/// The client of one fetch, which may be of two documents.
///
/// It is made anew each time: certificates, keys and credentials are rotated by replacing their
/// files, and the fetch after that must use the new ones. A kept connection would save little at
/// one fetch in minutes.
pub(super) struct Client<'a> {
    access: &'a Access,
    /// Shows the client certificate to whoever asks for it, so it is for the server of `home` only.
    http: reqwest::Client,
    /// For other servers. The same, where there is no certificate.
    foreign: reqwest::Client,
    /// A URL of the server to which `headers` may be sent.
    home: &'a Url,
    headers: HeaderMap,
}

impl<'a> Client<'a> {
    /// Configured headers and credentials are for the server of `home`: same scheme, host and port.
    /// Others never see them.
    pub(super) async fn new(access: &'a Access, home: &'a Url) -> Result<Self, FetchError> {
        let (mut owned, url) = (access.clone(), home.clone());
        // Files and the system's authorities are read, which blocks.
        let built = tokio::task::spawn_blocking(move || {
            let headers = headers::configured(&owned)?;
            let http = build(&owned, &url)?;
            let foreign = match owned.client_certificate.take() {
                None => http.clone(),
                Some(_) => build(&owned, &url)?,
            };
            Ok::<_, FetchError>((http, foreign, headers))
        });
        let (http, foreign, headers) = built.await.map_err(|_| FetchError::Abandoned)??;
        Ok(Self {
            access,
            http,
            foreign,
            home,
            headers,
        })
    }

    /// Gets keys, or learns that they are the known ones.
    pub(super) async fn keys(
        &self,
        url: &Url,
        known: Option<&Validators>,
    ) -> Result<Fetched, FetchError> {
        let (url, mut response) = self.answer(url, known).await?;
        let header = |name| response.headers().get(name).cloned();
        let validators = Validators {
            url: Some(url.clone()),
            etag: header(ETAG),
            last_modified: header(LAST_MODIFIED),
            files: None,
        };
        let fresh_for = freshness::fresh_for(response.headers());
        let content = if response.status() == StatusCode::NOT_MODIFIED {
            Content::NotModified
        } else {
            Content::Documents {
                documents: vec![body::read(&url, &mut response).await?],
                validators,
            }
        };
        Ok(Fetched { content, fresh_for })
    }

    pub(super) async fn document(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let (url, mut response) = self.answer(url, None).await?;
        body::read(&url, &mut response).await
    }

    /// An answer that is 200, or 304 where `known` was asked about, and where it came from in the
    /// end.
    async fn answer(
        &self,
        url: &Url,
        known: Option<&Validators>,
    ) -> Result<(Url, Response), FetchError> {
        admit(self.access, url)?;
        let mut at = url.clone();
        let mut redirects = 0;
        loop {
            let conditions = conditions(&at, known);
            let conditional = !conditions.is_empty();
            let response = self.send(&at, conditions).await?;
            match response.status() {
                StatusCode::OK => return Ok((at, response)),
                // It says nothing in answer to a request without conditions (RFC 9110 §15.4.5).
                StatusCode::NOT_MODIFIED if conditional => return Ok((at, response)),
                _ => {}
            }
            let Some(target) = target(&at, &response) else {
                return Err(FetchError::Status {
                    url: shown(&at),
                    status: response.status(),
                    retry_after: freshness::retry_after(response.headers()),
                });
            };
            // No other server has been configured to be trusted with keys.
            if target.origin() != at.origin() || has_user(&target) || redirects == MAX_REDIRECTS {
                return Err(FetchError::Redirect {
                    url: shown(&at),
                    to: shown_text(&target),
                });
            }
            redirects += 1;
            at = target;
        }
    }

    async fn send(&self, url: &Url, conditions: HeaderMap) -> Result<Response, FetchError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let request = if url.origin() == self.home.origin() {
            let request = self.http.get(url.clone()).headers(headers);
            request.headers(self.headers.clone())
        } else {
            self.foreign.get(url.clone()).headers(headers)
        };
        let sent = request.headers(conditions).send().await;
        sent.map_err(|error| failed(url, error))
    }
}

fn build(access: &Access, url: &Url) -> Result<reqwest::Client, FetchError> {
    let resolver = Resolver {
        // With a proxy, only the proxy's name is resolved here, and a proxy in the same pod or
        // network is what one would expect; the names of servers are for the proxy to judge.
        deny_private: access.deny_private_addresses && access.proxy.is_none(),
    };
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config(access)?)
        .dns_resolver(resolver)
        .connect_timeout(access.connect_timeout)
        .redirect(Policy::none())
        .user_agent(concat!("watchword/", env!("CARGO_PKG_VERSION")))
        // The environment's proxies are never used: whoever sets a variable would see all fetches.
        .no_proxy();
    if let Some(proxy) = &access.proxy {
        addresses::check_literal(proxy, false)?;
        builder = builder.proxy(Proxy::all(proxy.clone()).map_err(|error| failed(url, error))?);
    }
    builder.build().map_err(|error| failed(url, error))
}

/// Reads everything that a fetch is made with, as a fetch would. Blocks.
/// The error is about the first file that cannot be used.
pub(crate) fn check_access(access: &Access) -> Result<(), FetchError> {
    headers::configured(access)?;
    tls::config(access).map(drop)
}

/// Refuses a URL that may not be fetched at all. Its address is judged when its name is resolved.
pub(super) fn admit(access: &Access, url: &Url) -> Result<(), FetchError> {
    let expected = match url.scheme() {
        "http" if !access.allow_http => "an https URL",
        "http" | "https" if has_user(url) => "a URL without user and password",
        "http" | "https" => {
            let checked = addresses::check_literal(url, access.deny_private_addresses);
            return Ok(checked?);
        }
        _ if access.allow_http => "an https or http URL",
        _ => "an https URL",
    };
    Err(FetchError::Url {
        url: shown_text(url),
        expected,
    })
}

/// Reads a certificate, key or credential that a fetch is made with.
fn read_file(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    read_secret(path, max).map_err(|error| FetchError::file(path, error))
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Validators say something only about the URL that gave them.
fn conditions(url: &Url, known: Option<&Validators>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(known) = known.filter(|known| known.url.as_ref() == Some(url)) {
        let fields = [
            (IF_NONE_MATCH, &known.etag),
            (IF_MODIFIED_SINCE, &known.last_modified),
        ];
        for (name, value) in fields {
            headers.extend(value.clone().map(|value| (name, value)));
        }
    }
    headers
}

/// The target of a redirect; `None` for another answer.
fn target(url: &Url, response: &Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let mut target = url.join(location).ok()?;
    target.set_fragment(None);
    Some(target)
}

fn failed(url: &Url, error: reqwest::Error) -> FetchError {
    if let Some(forbidden) = Forbidden::among_causes(&error) {
        return forbidden.clone().into();
    }
    FetchError::Http {
        url: shown(url),
        source: error.without_url(),
    }
}

/// A URL that somebody else wrote, as it may be printed.
pub(super) fn shown_text(url: &Url) -> String {
    shown(url).as_str().chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
pub(super) mod tests;
