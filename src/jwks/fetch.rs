//! The result of a fetch, and its errors.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use reqwest::{StatusCode, Url};

use crate::jose::{JsonError, KeySetError};

use super::FetchedSource;
use super::http::Forbidden;

pub(crate) const MAX_SIZE: usize = 1024 * 1024;

const MAX_TEXT: usize = 1000;

/// Brings the documents of a source: over the network and from files, or in a test from a script.
pub trait Fetch: Send + Sync {
    /// Fetches once, and does not look at what the documents say. The caller bounds the time by
    /// dropping the future.
    fn fetch<'a>(
        &'a self,
        source: &'a FetchedSource,
        known: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;
}

/// The result of a fetch.
#[derive(Debug)]
pub struct Fetched {
    /// The content of the source.
    pub content: Content,
    /// For how long the server says that they are fresh; `None` where it does not say.
    pub fresh_for: Option<Duration>,
}

/// The content of a source.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made a fetch, and taken apart at once"
)]
pub enum Content {
    /// The server says that it has not changed since the fetch that gave these validators.
    NotModified,
    /// One document, or those of a directory in the order of their names.
    Documents {
        /// Their bytes, each within 1 MiB.
        documents: Vec<Vec<u8>>,
        /// Validators for the next fetch.
        validators: Validators,
    },
}

/// Validators that tell a change: those that a server wants to see again (RFC 9110 §8.8), or
/// those of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The URL that they belong to.
    pub url: Option<Url>,
    /// `ETag`
    pub etag: Option<http::HeaderValue>,
    /// `Last-Modified`
    pub last_modified: Option<http::HeaderValue>,
    /// A digest of files, with their sizes and modification times.
    pub files: Option<u64>,
}

/// Why keys could not be had. URLs are without their query.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum FetchError {
    #[error("cannot read {}", .path.display())]
    File { path: PathBuf, source: io::Error },
    /// Files changed between two looks.
    #[error("{} is being written", .path.display())]
    Unsettled { path: PathBuf },
    /// A certificate, key or credential for the fetch cannot be used.
    #[error("{} is not {expected}", .path.display())]
    Access {
        path: PathBuf,
        expected: &'static str,
    },
    /// Name resolution, connection, TLS, or transfer failed.
    #[error("the request to {url} failed")]
    Http { url: Url, source: reqwest::Error },
    /// It took longer than `timeout`.
    #[error("no whole answer within {0:?}")]
    Timeout(Duration),
    /// A name resolves to an address that is never spoken to, or not by this configuration.
    #[error(transparent)]
    Address(#[from] Forbidden),
    /// A URL that may not be fetched, from metadata.
    #[error("{url} is not {expected}")]
    Url { url: String, expected: &'static str },
    #[error("{url} answered {status}")]
    Status {
        url: Url,
        status: StatusCode,
        /// The time for which the server asks for no further request.
        retry_after: Option<Duration>,
    },
    #[error(
        "{url} redirects to {to}, which is not followed: only 3 redirects are, to the same scheme, \
         host and port"
    )]
    Redirect { url: Url, to: String },
    #[error("more than {MAX_SIZE} bytes")]
    TooLarge,
    /// Sources share an eighth of the memory that the process hands out.
    #[error(
        "{bytes} bytes of memory are more than is left for keys: raise server.memory_limit, or \
         have the issuer publish less"
    )]
    Memory { bytes: usize },
    #[error("the metadata of {url} cannot be read")]
    Metadata { url: Url, source: JsonError },
    /// The metadata are of another issuer, or name no keys.
    #[error("the metadata of {url} have {member} {found}, not {expected}")]
    MetadataMember {
        url: Url,
        member: &'static str,
        /// Cut to 200 characters.
        found: String,
        expected: String,
    },
    #[error("{}not usable as a key set", place(.url.as_ref()))]
    KeySet {
        url: Option<Url>,
        source: KeySetError,
    },
    /// The fetch ended before it was done: a fault of Watchword itself.
    #[error("the fetch was abandoned")]
    Abandoned,
}

fn place(url: Option<&Url>) -> String {
    url.map_or_else(String::new, |url| format!("{url} is "))
}

impl FetchError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::File { path, source }
    }

    pub(super) fn access(path: &Path, expected: &'static str) -> Self {
        let path = path.to_owned();
        Self::Access { path, expected }
    }

    /// The error with all its causes, which is where an operator finds what to do.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        // Some of it is from elsewhere, and the line is written again and again.
        text.chars().take(MAX_TEXT).collect()
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The kind of failure, for metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::Unsettled { .. } | Self::Access { .. } => "file",
            Self::Http { .. } => "request",
            Self::Timeout(_) => "timeout",
            Self::Address(_) | Self::Url { .. } => "refused",
            Self::Status { .. } => "status",
            Self::Redirect { .. } => "redirect",
            Self::TooLarge => "too_large",
            Self::Memory { .. } => "memory",
            Self::Metadata { .. } | Self::MetadataMember { .. } => "metadata",
            Self::KeySet { .. } => "key_set",
            Self::Abandoned => "internal",
        }
    }
}
