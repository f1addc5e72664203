//! Keys by way of an authorization server's metadata (OIDC Discovery 1.0 §4, RFC 8414 §3).
//!
//! The metadata are read again for each fetch: that is how it is noticed that the keys have moved.

use reqwest::{StatusCode, Url};

use crate::jose::Json;

use super::http::{Client, MAX_SHOWN, admit, shown_text};
use super::source::shown;
use super::{Access, FetchError, Fetched, Validators};

/// Most values of metadata; real ones have one or two hundred.
const MAX_VALUES: usize = 4096;
const MAX_URL: usize = 2048;

/// Fetches the metadata, and then the keys at the URL that they name. `metadata` is where they are;
/// `None`: at the well-known places under the issuer. `known` is what the last fetch of the keys
/// brought.
pub(super) async fn fetch(
    access: &Access,
    issuer: &str,
    metadata: Option<&Url>,
    known: Option<&Validators>,
) -> Result<Fetched, FetchError> {
    let places = match metadata {
        Some(url) => Places {
            first: url.clone(),
            second: None,
        },
        None => Places::under(access, issuer)?,
    };
    // Credentials are for the server of the metadata. Metadata that name another for the keys do
    // not send them there.
    let client = Client::new(access, &places.first).await?;
    let (url, metadata) = places.read(&client).await?;
    let metadata = Json::parse(&metadata, MAX_VALUES).map_err(|source| FetchError::Metadata {
        url: shown(url),
        source,
    })?;
    let keys = jwks_uri(&metadata, url, issuer)?;
    let expected = if keys.as_str().len() > MAX_URL {
        "a URL of at most 2048 bytes"
    } else if keys.fragment().is_some() {
        "a URL without fragment"
    } else {
        return client.keys(&keys, known).await;
    };
    Err(FetchError::Url {
        url: shown_text(&keys),
        expected,
    })
}

struct Places {
    first: Url,
    second: Option<Url>,
}

impl Places {
    /// OIDC appends the well-known path to the issuer's (Discovery 1.0 §4.1), RFC 8414 §3.1 puts it
    /// before; both leave out a slash at its end.
    fn under(access: &Access, issuer: &str) -> Result<Self, FetchError> {
        const EXPECTED: &str = "an issuer from which a URL of metadata can be made";
        let unusable = || FetchError::Url {
            url: cut(issuer),
            expected: EXPECTED,
        };
        let url = Url::parse(issuer).map_err(|_| unusable())?;
        admit(access, &url)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(unusable());
        }
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let at = |path: String| {
            let mut url = url.clone();
            url.set_path(&path);
            url
        };
        Ok(Self {
            first: at(format!("{path}/.well-known/openid-configuration")),
            second: Some(at(format!("/.well-known/oauth-authorization-server{path}"))),
        })
    }

    /// The second place is tried where there is nothing at the first. If there is nothing either,
    /// the first answer is the one that tells.
    async fn read(&self, client: &Client<'_>) -> Result<(&Url, Vec<u8>), FetchError> {
        let first = client.document(&self.first).await;
        let (Err(error), Some(url)) = (&first, &self.second) else {
            return Ok((&self.first, first?));
        };
        if !is_absent(error) {
            return Ok((&self.first, first?));
        }
        match client.document(url).await {
            Err(second) if is_absent(&second) => Ok((&self.first, first?)),
            second => Ok((url, second?)),
        }
    }
}

/// Returns true if a server says that it has no such document: some do not say it with 404 for
/// paths that they do not know. Statuses that may pass, or that are about credentials, are not
/// meant.
fn is_absent(error: &FetchError) -> bool {
    const ABSENT: [StatusCode; 4] = [
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::GONE,
    ];
    matches!(error, FetchError::Status { status, .. } if ABSENT.contains(status))
}

/// The URL of the keys, according to metadata that are the issuer's own: `issuer` must be the
/// configured one, byte for byte (Discovery 1.0 §4.3, RFC 8414 §3.3), or one tenant's metadata
/// could bring another's keys.
fn jwks_uri(metadata: &Json, url: &Url, issuer: &str) -> Result<Url, FetchError> {
    let unlike = |member: &'static str, expected: String| {
        let found = metadata.as_object().and_then(|members| members.get(member));
        FetchError::MetadataMember {
            url: shown(url),
            member,
            found: found.map_or_else(|| "(absent)".to_owned(), printed),
            expected,
        }
    };
    let text = |member| metadata.as_object()?.get(member)?.as_str();
    if text("issuer") != Some(issuer) {
        return Err(unlike("issuer", format!("{issuer:?}")));
    }
    let keys = text("jwks_uri").and_then(|keys| Url::parse(keys).ok());
    keys.ok_or_else(|| unlike("jwks_uri", "a URL".to_owned()))
}

/// A value from elsewhere, as it may be printed: a text is escaped and cut, of others only the type
/// is shown.
fn printed(value: &Json) -> String {
    match value.as_str() {
        Some(text) => format!("{:?}", cut(text)),
        None => format!("({value:?})"),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests;
