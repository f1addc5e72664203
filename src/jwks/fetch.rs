//! The result of a fetch, and its errors.

use std::fmt::Write as _;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use reqwest::{StatusCode, Url};

use crate::jose::{JsonError, KeySetError};

use super::FetchedSource;

/// Largest document, in bytes.
pub(crate) const MAX_SIZE: usize = 1024 * 1024;

/// Longest text about a failure, in characters.
const MAX_TEXT: usize = 1000;

/// Brings the documents of a source: over the network and from files, or in a test from a script.
pub trait Fetch: Send + Sync {
    /// Fetches once. The caller bounds the time by dropping the future.
    ///
    /// # Errors
    /// [`FetchError`]; what the documents say is not looked at here.
    fn fetch<'a>(
        &'a self,
        source: &'a FetchedSource,
        known: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;
}

/// The result of a fetch.
#[derive(Debug)]
pub struct Fetched {
    /// The documents.
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

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Files changed between two looks.
    #[error("{} is being written", .path.display())]
    Unsettled {
        /// The file or directory.
        path: PathBuf,
    },
    /// A certificate, key or credential for the fetch cannot be used.
    #[error("{} is not {expected}", .path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// The expected value.
        expected: &'static str,
    },
    /// The request failed: name resolution, connection, TLS, or transfer.
    #[error("the request to {} failed", .url)]
    Http {
        /// The URL, without its query.
        url: Url,
        /// The cause.
        source: reqwest::Error,
    },
    /// It took longer than `timeout`.
    #[error("no whole answer within {0:?}")]
    Timeout(Duration),
    /// A name resolves to an address that is never spoken to, or not by this configuration.
    #[error("{host} is {kind} ({address}), which is not spoken to")]
    Address {
        /// The host.
        host: String,
        /// The address.
        address: IpAddr,
        /// The kind of the address.
        kind: &'static str,
    },
    /// A URL that may not be fetched, from metadata.
    #[error("{} is not {expected}", .url)]
    Url {
        /// The URL.
        url: String,
        /// The expected value.
        expected: &'static str,
    },
    /// The server answered with another status than 200.
    #[error("{} answered {status}", .url)]
    Status {
        /// The URL, without its query.
        url: Url,
        /// The status.
        status: StatusCode,
        /// The time for which the server asks for no further request.
        retry_after: Option<Duration>,
    },
    /// The server answered with a redirect that is not followed: to another host or scheme, or one
    /// too many.
    #[error(
        "{} redirects to {to}, which is not followed: only 3 redirects are, to the same scheme, \
         host and port",
        .url
    )]
    Redirect {
        /// The URL, without its query.
        url: Url,
        /// The target, without its query.
        to: String,
    },
    /// More than 1 MiB.
    #[error("more than {MAX_SIZE} bytes")]
    TooLarge,
    /// There is no memory for it: sources share an eighth of what the process hands out.
    #[error(
        "{bytes} bytes of memory are more than is left for keys: raise server.memory_limit, or \
         have the issuer publish less"
    )]
    Memory {
        /// The bytes that it needs.
        bytes: usize,
    },
    /// The metadata are not JSON.
    #[error("the metadata of {} cannot be read", .url)]
    Metadata {
        /// The URL.
        url: Url,
        /// The place and the cause.
        source: JsonError,
    },
    /// The metadata are of another issuer, or name no keys.
    #[error("the metadata of {} have {member} {found}, not {expected}", .url)]
    MetadataMember {
        /// The URL.
        url: Url,
        /// The member's name.
        member: &'static str,
        /// Its value, cut to 200 characters.
        found: String,
        /// The expected value.
        expected: String,
    },
    /// The document is no key set, or has no usable key.
    #[error("{}not usable as a key set", place(.url.as_ref()))]
    KeySet {
        /// The URL, without its query, where it is not that of the source.
        url: Option<Url>,
        /// The place and the cause.
        source: KeySetError,
    },
    /// The fetch ended before it was done: a fault of Watchword itself.
    #[error("the fetch was abandoned")]
    Abandoned,
}

fn place(url: Option<&Url>) -> String {
    url.map_or_else(String::new, |url| format!("{url} is "))
}

impl From<KeySetError> for FetchError {
    fn from(source: KeySetError) -> Self {
        Self::KeySet { url: None, source }
    }
}

impl FetchError {
    /// The error with all its causes, which is where an operator finds what to do.
    #[must_use]
    pub fn with_causes(&self) -> String {
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

    /// The time for which the server asks for no further request.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The kind of failure, for metrics.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::Unsettled { .. } | Self::Access { .. } => "file",
            Self::Http { .. } => "request",
            Self::Timeout(_) => "timeout",
            Self::Address { .. } | Self::Url { .. } => "refused",
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
