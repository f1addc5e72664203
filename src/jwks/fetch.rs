//! Fetching a key set, bounded in bytes and time.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::jose::{KeySet, KeySetError};

use super::Origin;

/// Largest key set, in bytes.
const MAX_SIZE: usize = 1024 * 1024;

/// Why a key set could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The request failed: name resolution, connection, TLS, time, or transfer.
    #[error("the request failed")]
    Http(#[source] reqwest::Error),
    /// The server answered with another status than 200. Redirects are not followed.
    #[error("the server answered {0}")]
    Status(reqwest::StatusCode),
    /// More than 1 MiB.
    #[error("more than {MAX_SIZE} bytes")]
    TooLarge,
    /// What was fetched is no key set, or has no usable key.
    #[error("not usable as a key set")]
    KeySet(#[from] KeySetError),
    /// The task that fetched ended before it was done.
    #[error("the fetch was abandoned")]
    Abandoned,
}

/// Fetches key sets.
#[derive(Clone, Debug, Default)]
pub struct Fetcher {
    /// Made when it is first needed: without certificates on the machine it cannot be, and files need none.
    client: Arc<OnceCell<reqwest::Client>>,
}

impl Fetcher {
    /// Fetches and reads one key set.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, origin: &Origin, timeout: Duration) -> Result<KeySet, FetchError> {
        match origin {
            Origin::File(path) => {
                let path = path.clone();
                let reading = tokio::task::spawn_blocking(move || read_file(&path));
                reading.await.map_err(|_| FetchError::Abandoned)?
            }
            Origin::Uri(url) => {
                let body = self.download(url.clone(), timeout).await?;
                Ok(KeySet::from_json(&body)?)
            }
        }
    }

    async fn download(&self, url: reqwest::Url, timeout: Duration) -> Result<Vec<u8>, FetchError> {
        let client = self.client.get_or_try_init(async || client()).await?;
        let request = client
            .get(url)
            .timeout(timeout)
            .header("accept", "application/json");
        let mut response = request.send().await.map_err(http_error)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(http_error)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_SIZE {
                return Err(FetchError::TooLarge);
            }
        }
        Ok(body)
    }
}

/// A client with its own connections: no redirects, no proxy from the environment.
fn client() -> Result<reqwest::Client, FetchError> {
    // Fails only where a provider was installed before, which then is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("watchword/", env!("CARGO_PKG_VERSION")));
    client.build().map_err(http_error)
}

/// Reads a key set from a file.
///
/// # Errors
/// [`FetchError`].
pub fn read_file(path: &Path) -> Result<KeySet, FetchError> {
    let text = read_bounded(path, MAX_SIZE)
        .map_err(|source| FetchError::File {
            path: path.to_owned(),
            source,
        })?
        .ok_or(FetchError::TooLarge)?;
    Ok(KeySet::from_json(&text)?)
}

/// The content of a file; `None` where it is longer than `max` bytes. Never reads more than that, whatever the
/// file says of its size.
pub(crate) fn read_bounded(path: &Path, max: usize) -> std::io::Result<Option<Vec<u8>>> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    std::fs::File::open(path)?
        .take(limit)
        .read_to_end(&mut content)?;
    Ok((content.len() <= max).then_some(content))
}

/// A URL may hold an access key, and the log line names the origin without its query anyway.
fn http_error(error: reqwest::Error) -> FetchError {
    FetchError::Http(error.without_url())
}

impl FetchError {
    /// The error with all its causes, which is where an operator finds what to do.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
